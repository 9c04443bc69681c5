"""The emulated Zendesk for tests: over HTTP on a free port, with a door that hears its webhooks."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
from flask import Flask
from werkzeug.serving import make_server

import sandbox.zendesk
from sandbox import clock, faults
from sandbox.settings import Settings
from sandbox.world import World

SUBDOMAIN = "acme-apparel"
MARKETPLACE = {
    "X-Zendesk-Marketplace-Name": "Doorstep",
    "X-Zendesk-Marketplace-Organization-Id": "12345",
    "X-Zendesk-Marketplace-App-Id": "99999",
}


@dataclass
class EmulatedZendesk:
    """`http` speaks to the account without any token; `api()` speaks as the marketplace app."""

    url: str
    settings: Settings
    http: httpx.Client

    def grant(self, user: str = "doorstep", scope: str = "read write") -> dict[str, Any]:
        answer = self.http.post("/_ui/grant", json={"user": user, "scope": scope})
        assert answer.status_code == 201, answer.text
        tokens: dict[str, Any] = answer.json()
        return tokens

    def api(self, token: str | None = None) -> httpx.Client:
        bearer = token or self.grant()["access_token"]
        headers = {**MARKETPLACE, "Authorization": f"Bearer {bearer}"}
        return httpx.Client(base_url=f"{self.url}/api/v2", headers=headers, trust_env=False)

    def plan(self, plan: str, *, ticket_events: bool = True) -> None:
        chosen = {"plan": plan, "ticket_events": ticket_events}
        assert self.http.post("/_ui/plan", json=chosen).status_code == 200

    def desk(self, ticket_id: int | str, act: str, body: dict[str, Any]) -> dict[str, Any]:
        answer = self.http.post(f"/_ui/tickets/{ticket_id}/{act}", json=body)
        assert answer.status_code in (200, 201), answer.text
        said: dict[str, Any] = answer.json()
        return said


@contextmanager
def running(folder: Path | None = None) -> Iterator[EmulatedZendesk]:
    """An emulated Zendesk with one account, real time, and no fault switched on."""
    faults.clear()
    clock.set_offset(0)
    door = socket.create_server(("127.0.0.1", 0))
    port = door.getsockname()[1]
    settings = Settings(state_path=folder, url=f"http://127.0.0.1:{port}")
    world = World(settings)
    app = Flask("zendesk-under-test")
    app.register_blueprint(sandbox.zendesk.create_blueprint(world))
    server = make_server("127.0.0.1", port, app, threaded=True, fd=door.fileno())
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    url = f"http://127.0.0.1:{port}/zendesk/{SUBDOMAIN}"
    try:
        with httpx.Client(base_url=url, trust_env=False) as http:
            yield EmulatedZendesk(url, settings, http)
    finally:
        server.shutdown()
        server.server_close()
        door.close()
        thread.join(timeout=5)
        world.stop()
        faults.clear()
        clock.set_offset(0)


@dataclass
class Heard:
    headers: dict[str, str]
    body: bytes
    at: float


@dataclass
class Listener:
    """Hears webhooks. `answers` are given in turn, then 200."""

    url: str = ""
    heard: list[Heard] = field(default_factory=list)
    answers: list[tuple[int, dict[str, str]]] = field(default_factory=list)

    def wait(self, count: int, seconds: float = 5.0) -> list[Heard]:
        wait_until(lambda: len(self.heard) >= count, seconds)
        return list(self.heard)


@contextmanager
def listening() -> Iterator[Listener]:
    """A door on a free port."""
    listener = Listener()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            listener.heard.append(Heard(dict(self.headers.items()), body, time.monotonic()))
            status, headers = listener.answers.pop(0) if listener.answers else (200, {})
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    listener.url = f"http://127.0.0.1:{server.server_port}/webhooks/zendesk/door"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield listener
    finally:
        server.shutdown()
        server.server_close()
        thread.join(timeout=5)


def wait_until(true: Callable[[], bool], seconds: float) -> None:
    """Return as soon as `true()`; fail after so many seconds."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.01)
