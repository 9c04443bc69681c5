"""A shop's API that says what a test tells it to, over HTTP on a free port."""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

SHOP = "acme-outfitters.myshopify.com"


@dataclass
class Asked:
    path: str
    headers: dict[str, str]
    body: dict[str, Any]


@dataclass
class Says:
    """One answer. `cut` closes the line instead; `after` waits first."""

    body: Any = None
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    cut: bool = False
    after: float = 0.0


@dataclass
class Stub:
    """Gives `answers` in turn, the last one for ever."""

    base_url: str = ""
    answers: list[Says] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)

    def next_answer(self) -> Says:
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


@contextmanager
def answering(*answers: Says) -> Iterator[Stub]:
    stub = Stub(answers=list(answers))

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            raw = self.rfile.read(int(self.headers["Content-Length"]))
            stub.asked.append(Asked(self.path, dict(self.headers), json.loads(raw)))
            says = stub.next_answer()
            time.sleep(says.after)
            if says.cut:
                self.close_connection = True
                return
            body = says.body if isinstance(says.body, str) else json.dumps(says.body)
            self.send_response(says.status)
            for name, value in says.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body.encode())))
            self.end_headers()
            with contextlib.suppress(OSError):  # whoever asked has given up
                self.wfile.write(body.encode())

        def log_message(self, *_: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    stub.base_url = f"http://127.0.0.1:{server.server_port}/{{shop}}"
    try:
        yield stub
    finally:
        server.shutdown()
        server.server_close()
        thread.join(timeout=5)
