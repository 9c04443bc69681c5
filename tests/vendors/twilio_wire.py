"""A server of plain sockets that answers as told, for what Twilio's adapter meets on the wire."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import parse_qsl

from app.messaging.ports import OutboundText, SenderAccess

ACCOUNT = "AC0123456789abcdef0123456789abcdef"
SERVICE = "MG0123456789abcdef0123456789abcdef"
SID = "SM00000000000000000000000000000201"
BUYER = "+14155550142"
ACCESS = SenderAccess(1, ACCOUNT, "s3cret-token", SERVICE, "+12025550188", "k3y")
TEXT = OutboundText(message_id=42, to=BUYER, body="Did everything arrive okay?")
TAKEN = {"sid": SID, "status": "accepted", "to": BUYER, "body": TEXT.body}

Answer = bytes | Callable[[socket.socket], None]


def answer(status: int, body: object, headers: str = "") -> bytes:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    head = f"HTTP/1.1 {status} X\r\nContent-Length: {len(raw)}\r\n{headers}\r\n"
    return head.encode() + raw


@dataclass
class Asked:
    """One request as it came off the wire."""

    line: str
    headers: dict[str, str]
    body: bytes
    connection: int

    @property
    def form(self) -> list[tuple[str, str]]:
        return parse_qsl(self.body.decode(), keep_blank_values=True)


@dataclass
class Wire:
    """Answers request by request from `answers`; the last one is repeated."""

    url: str = ""
    answers: list[Answer] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)
    connections: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def serve(self, line: socket.socket) -> None:
        with self.lock:
            self.connections += 1
            number = self.connections
        with line, line.makefile("rb") as reader:
            while request := reader.readline().decode().strip():
                headers = {}
                while header := reader.readline().decode().strip():
                    name, _, value = header.partition(": ")
                    headers[name.lower()] = value
                body = reader.read(int(headers.get("content-length", "0")))
                with self.lock:
                    self.asked.append(Asked(request, headers, body, number))
                    told = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
                if callable(told):
                    told(line)
                    return
                line.sendall(told)


def cut(line: socket.socket) -> None:
    line.shutdown(socket.SHUT_RDWR)


def say_nothing(line: socket.socket) -> None:
    time.sleep(1.0)


def half(line: socket.socket) -> None:
    line.sendall(answer(201, TAKEN)[:-20])
    line.shutdown(socket.SHUT_RDWR)


def half_a_photo(line: socket.socket) -> None:
    line.sendall(answer(200, b"x" * 100)[:-20])
    line.shutdown(socket.SHUT_RDWR)


@contextmanager
def serve() -> Iterator[Wire]:
    listener = socket.create_server(("127.0.0.1", 0))
    served = Wire(url=f"http://127.0.0.1:{listener.getsockname()[1]}/twilio")

    def listen() -> None:
        while True:
            try:
                line, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=served.serve, args=(line,), daemon=True).start()

    threading.Thread(target=listen, daemon=True).start()
    yield served
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
