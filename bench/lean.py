"""The wire of the lean vendors: HTTP by hand over kept-alive connections, one request at a time.

For the measures where the strict emulators would be a large part of what is measured. A vendor here
answers `ANSWER_SECONDS` after it was asked and reports to one of our doors.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter, deque
from collections.abc import Callable, Mapping
from typing import Protocol

ANSWER_SECONDS = 0.050
REPORTERS = 8  # connections to the door


class Vendor(Protocol):
    reports: Reports

    def take(self, head: str, body: bytes) -> bytes:
        """The answer to one request."""
        ...


class Reports:
    """What waits to be posted to our door, and how that was answered."""

    def __init__(self) -> None:
        self.answered: Counter[int] = Counter()
        self.waiting: deque[Callable[[], bytes]] = deque()
        self.idle: list[Reporter] = []
        self.connecting: set[asyncio.Future[None]] = set()

    def post_in(self, seconds: float, request: Callable[[], bytes]) -> None:
        """`request` is built when it leaves: a signature may tell the time."""
        asyncio.get_running_loop().call_later(seconds, self._post, request)

    def _post(self, request: Callable[[], bytes]) -> None:
        self.waiting.append(request)
        if self.idle:
            self.idle.pop().send_next()

    @property
    def refused(self) -> dict[int, int]:
        """By status, those that our door did not take."""
        return {status: count for status, count in self.answered.items() if not 200 <= status < 300}


class Door(asyncio.Protocol):
    """One connection of a caller."""

    def __init__(self, vendor: Vendor) -> None:
        self._vendor, self._read = vendor, b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._read += data
        head, end, body = self._read.partition(b"\r\n\r\n")
        if not end or len(body) < length_of(head):
            return
        self._read = b""
        told = self._vendor.take(head.decode("latin-1"), body)
        asyncio.get_running_loop().call_later(ANSWER_SECONDS, self._transport.write, told)


class Reporter(asyncio.Protocol):
    """One connection to our door, made anew when the door closes it."""

    def __init__(self, reports: Reports, door_port: int) -> None:
        self._reports, self._door_port, self._read = reports, door_port, b""
        self._under_way: Callable[[], bytes] | None = None

    async def connect(self) -> None:
        while True:
            try:
                await asyncio.get_running_loop().create_connection(
                    lambda: self, "127.0.0.1", self._door_port
                )
                return
            except OSError:
                await asyncio.sleep(0.1)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport, self._read = transport, b""
        self._next()

    def connection_lost(self, exc: Exception | None) -> None:
        if self in self._reports.idle:
            self._reports.idle.remove(self)
        if self._under_way is not None:
            self._reports.waiting.appendleft(self._under_way)
            self._under_way = None
        self._reports.connecting.add(asyncio.ensure_future(self.connect()))

    def data_received(self, data: bytes) -> None:
        self._read += data
        head, end, body = self._read.partition(b"\r\n\r\n")
        if not end or len(body) < length_of(head):
            return
        self._read, self._under_way = b"", None
        self._reports.answered[int(head.split(b" ", 2)[1])] += 1
        self._next()

    def _next(self) -> None:
        if self._reports.waiting:
            self.send_next()
        else:
            self._reports.idle.append(self)

    def send_next(self) -> None:
        self._under_way = self._reports.waiting.popleft()
        self._transport.write(self._under_way())


def length_of(head: bytes) -> int:
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return int(value)
    return 0


def answer(status: int, body: Mapping[str, object]) -> bytes:
    content = json.dumps(body).encode()
    return b"HTTP/1.1 %d OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (
        status, len(content), content,
    )  # fmt: skip


async def serve(vendor: Vendor, *, port: int, door_port: int) -> None:
    """Until it is ended."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Door(vendor), "127.0.0.1", port)
    await asyncio.gather(*(Reporter(vendor.reports, door_port).connect() for _ in range(REPORTERS)))
    async with server:
        await server.serve_forever()
