"""The load: many connections, requests built beforehand, one thread that only sends and reads.

`closed_loop` keeps every connection busy and says how much was answered; `open_loop` sends by a
timetable, whatever the answers do, and counts each latency from the moment that the timetable
named. Requests are bytes, so that making them costs the measured machine nothing.
"""

from __future__ import annotations

import select
import socket
import time
from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass, field

PATIENCE_SECONDS = 10.0


@dataclass
class Load:
    """What came of one run."""

    seconds: float = 0.0
    began_at: float = 0.0  # by the wall clock
    statuses: Counter[int] = field(default_factory=Counter)
    latencies: list[float] = field(default_factory=list)

    @property
    def answered(self) -> int:
        return self.statuses.total()

    @property
    def fine(self) -> int:
        return sum(count for status, count in self.statuses.items() if 200 <= status < 300)

    @property
    def errors(self) -> int:
        return self.answered - self.fine

    @property
    def rate(self) -> float:
        return self.fine / self.seconds

    def percentile(self, share: float) -> float:
        """Seconds below which this share of the answers came."""
        ordered = sorted(self.latencies)
        return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


class _Line:
    """One kept-alive connection with at most one request under way."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.begun = 0.0
        self._read = b""

    def send(self, request: bytes, begun: float) -> None:
        self.begun = begun
        self._read = b""
        self.socket.sendall(request)

    def answer(self) -> int | None:
        """The status, once the whole answer is here; 0 when the line was cut."""
        chunk = self.socket.recv(65536)
        if not chunk:
            return 0
        self._read = self._read + chunk if self._read else chunk
        head = self._read.find(b"\r\n\r\n")
        if head < 0:
            return None
        at = self._read.lower().find(b"content-length:", 0, head)
        length = int(self._read[at + 15 : self._read.find(b"\r", at)]) if at >= 0 else 0
        return int(self._read[9:12]) if len(self._read) >= head + 4 + length else None


def closed_loop(port: int, requests: Sequence[bytes], *, connections: int, seconds: float) -> Load:
    """Send `requests` in order, each connection its next as soon as the last was answered."""
    load = Load()
    waiting = iter(requests)
    poll = select.epoll()
    lines: dict[int, _Line] = {}
    for _ in range(connections):
        line = _Line(port)
        lines[line.socket.fileno()] = line
        poll.register(line.socket, select.EPOLLIN)
    began = time.perf_counter()
    until = began + seconds
    busy = 0
    for line in lines.values():
        line.send(next(waiting), time.perf_counter())
        busy += 1
    while busy:
        ready = poll.poll(PATIENCE_SECONDS)
        if not ready:
            load.statuses[0] += busy  # never answered
            break
        for number, _ in ready:
            line = lines[number]
            status = line.answer()
            if status is None:
                continue
            here = time.perf_counter()
            load.statuses[status] += 1
            load.latencies.append(here - line.begun)
            request = next(waiting, None) if here < until and status else None
            if request is None:
                busy -= 1
            else:
                line.send(request, here)
    load.seconds = time.perf_counter() - began
    for line in lines.values():
        line.socket.close()
    poll.close()
    return load


def open_loop(port: int, requests: Sequence[bytes], *, rate: float, connections: int = 64) -> Load:
    """Send all of `requests`, `rate` a second; what finds every connection busy waits."""
    load = Load()
    idle = deque(_Line(port) for _ in range(connections))
    busy: dict[int, _Line] = {}
    late: deque[tuple[bytes, float]] = deque()
    began = time.perf_counter() + 0.05
    load.began_at = time.time() + 0.05
    timetable = deque((request, began + k / rate) for k, request in enumerate(requests))
    silent_since = began
    while timetable or late or busy:
        here = time.perf_counter()
        while timetable and timetable[0][1] <= here:
            late.append(timetable.popleft())
        while late and idle:
            request, due = late.popleft()
            line = idle.popleft()
            line.send(request, due)
            busy[line.socket.fileno()] = line
        pause = max(0.0, timetable[0][1] - time.perf_counter()) if timetable else 1.0
        # select(), for its time-out is exact to the microsecond.
        ready, _, _ = select.select(list(busy), [], [], pause)
        for number in ready:
            line = busy[number]
            status = line.answer()
            if status is None:
                continue
            silent_since = time.perf_counter()
            load.statuses[status] += 1
            load.latencies.append(silent_since - line.begun)
            del busy[number]
            idle.append(line if status else _Line(port))
        if not timetable and time.perf_counter() - silent_since > PATIENCE_SECONDS:
            load.statuses[0] += len(busy) + len(late)
            break
    load.seconds = time.perf_counter() - began
    for line in (*idle, *busy.values()):
        line.socket.close()
    return load
