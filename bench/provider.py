"""A provider that costs this machine next to nothing: takes texts in a given time, reports fates.

For the one measure where the strict emulator would be most of what is measured. It answers
`Messages.json` as Twilio does, `ANSWER_SECONDS` after it was asked, keeps a ledger of what it took,
and posts the four statuses of each text, signed, over kept-alive connections. Started by
`bench.check_ins` as `python -m bench.provider PORT DOOR_PORT`; its ledger is at `/ledger`.
"""

from __future__ import annotations

import asyncio
import base64
import hmac
import json
import sys
from collections import Counter, deque
from collections.abc import Mapping
from urllib.parse import parse_qsl, quote_plus, urlsplit

ANSWER_SECONDS = 0.050
# When after its acceptance a text's statuses are reported.
FATE = (("queued", 0.05), ("sending", 0.10), ("sent", 1.0), ("delivered", 4.0))
REPORTERS = 8  # connections to the status door


class Provider:
    """What it took, and from whom."""

    def __init__(self) -> None:
        self.taken: Counter[str] = Counter()
        self.reported = 0
        self.refused: Counter[int] = Counter()
        self.waiting: deque[bytes] = deque()
        self.idle: list[Reporter] = []
        self.port = 0

    def take(self, head: str, body: bytes) -> bytes:
        """The answer to one call, or to a question for the ledger."""
        method, path, _ = head.split(" ", 2)
        if path == "/ledger":
            return answer(200, {"taken": self.taken, "reported": self.reported,
                                "refused": self.refused, "waiting": len(self.waiting)})  # fmt: skip
        fields = dict(parse_qsl(body.decode()))
        account, token = credentials(head)
        if method == "GET":  # asked now and then for texts that a webhook may have lost
            return answer(200, {"messages": [], "page": 0, "page_size": 50, "uri": path})
        if path != f"/2010-04-01/Accounts/{account}/Messages.json":
            return answer(404, {"code": 20404, "message": "not found"})
        missing = {"To", "Body", "MessagingServiceSid", "StatusCallback"} - fields.keys()
        if missing:
            return answer(400, {"code": 21601, "message": f"missing: {missing}"})
        self.taken[fields["To"]] += 1
        sid = f"SM{self.taken.total():032x}"
        self._promise_reports(fields, account, token, sid)
        return answer(201, {
            "sid": sid, "account_sid": account, "to": fields["To"], "body": fields["Body"],
            "messaging_service_sid": fields["MessagingServiceSid"], "status": "accepted",
            "direction": "outbound-api", "num_segments": "0", "num_media": "0",
            "api_version": "2010-04-01", "error_code": None, "error_message": None,
        })  # fmt: skip

    def _promise_reports(
        self, fields: Mapping[str, str], account: str, token: str, sid: str
    ) -> None:
        address = fields["StatusCallback"].partition("#")[0]
        loop = asyncio.get_running_loop()
        for status, seconds in FATE:
            form = {
                "SmsSid": sid, "SmsStatus": status, "MessageStatus": status, "To": fields["To"],
                "MessageSid": sid, "AccountSid": account, "From": "+18885550188",
                "ApiVersion": "2010-04-01",
                "MessagingServiceSid": fields["MessagingServiceSid"],
            }  # fmt: skip
            loop.call_later(seconds, self._report, signed(address, form, token))

    def _report(self, request: bytes) -> None:
        self.waiting.append(request)
        if self.idle:
            self.idle.pop().send(self.waiting.popleft())


class Door(asyncio.Protocol):
    """One connection of a caller; one request at a time."""

    def __init__(self, provider: Provider) -> None:
        self._provider, self._read = provider, b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._read += data
        head, end, body = self._read.partition(b"\r\n\r\n")
        if not end or len(body) < length_of(head):
            return
        self._read = b""
        told = self._provider.take(head.decode("latin-1"), body)
        asyncio.get_running_loop().call_later(ANSWER_SECONDS, self._transport.write, told)


class Reporter(asyncio.Protocol):
    """One kept-alive connection to the status door; one report at a time."""

    def __init__(self, provider: Provider) -> None:
        self._provider, self._read = provider, b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._next()

    def data_received(self, data: bytes) -> None:
        self._read += data
        head, end, body = self._read.partition(b"\r\n\r\n")
        if not end or len(body) < length_of(head):
            return
        self._read = b""
        status = int(head.split(b" ", 2)[1])
        if 200 <= status < 300:
            self._provider.reported += 1
        else:
            self._provider.refused[status] += 1
        self._next()

    def _next(self) -> None:
        if self._provider.waiting:
            self.send(self._provider.waiting.popleft())
        else:
            self._provider.idle.append(self)

    def send(self, request: bytes) -> None:
        self._transport.write(request)


def length_of(head: bytes) -> int:
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return int(value)
    return 0


def credentials(head: str) -> tuple[str, str]:
    """Of the Basic header: the account and its token."""
    for line in head.split("\r\n"):
        name, _, value = line.partition(": ")
        if name.lower() == "authorization":
            account, _, token = base64.b64decode(value.removeprefix("Basic ")).partition(b":")
            return account.decode(), token.decode()
    return "", ""


def answer(status: int, body: Mapping[str, object]) -> bytes:
    content = json.dumps(body).encode()
    return b"HTTP/1.1 %d OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (
        status, len(content), content,
    )  # fmt: skip


def signed(address: str, form: Mapping[str, str], token: str) -> bytes:
    text = address + "".join(name + form[name] for name in sorted(form))
    signature = base64.b64encode(hmac.digest(token.encode(), text.encode(), "sha1")).decode()
    body = "&".join(f"{name}={quote_plus(value)}" for name, value in form.items())
    parts = urlsplit(address)
    return (
        f"POST {parts.path}?{parts.query} HTTP/1.1\r\nHost: {parts.netloc}\r\n"
        "Content-Type: application/x-www-form-urlencoded; charset=utf-8\r\n"
        f"X-Twilio-Signature: {signature}\r\nContent-Length: {len(body)}\r\n\r\n{body}"
    ).encode()


async def serve(port: int, door_port: int) -> None:
    loop = asyncio.get_running_loop()
    provider = Provider()
    server = await loop.create_server(lambda: Door(provider), "127.0.0.1", port)
    for _ in range(REPORTERS):
        while True:
            try:
                await loop.create_connection(lambda: Reporter(provider), "127.0.0.1", door_port)
                break
            except OSError:
                await asyncio.sleep(0.1)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), int(sys.argv[2])))
