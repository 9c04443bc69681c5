"""The emulated Gorgias for tests: over HTTP on a free port, with agents who do as they are told."""

from __future__ import annotations

import base64
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import httpx
from flask import Flask
from werkzeug.serving import make_server

import sandbox.gorgias
from sandbox import clock, faults
from sandbox.settings import Settings
from sandbox.world import World
from tests.vendors.zendesk_sandbox import Heard, wait_until

SUBDOMAIN = "acme-apparel"


class File(Protocol):
    @property
    def filename(self) -> str: ...
    @property
    def content_type(self) -> str: ...
    @property
    def content(self) -> bytes: ...


@dataclass
class EmulatedGorgias:
    """`http` speaks to the account without any token; `api()` speaks as the app."""

    url: str
    settings: Settings
    http: httpx.Client

    def grant(self, user: str = "doorstep", scope: str = "") -> dict[str, Any]:
        answer = self.http.post("/_ui/grant", json={"user": user, "scope": scope})
        assert answer.status_code == 201, answer.text
        tokens: dict[str, Any] = answer.json()
        return tokens

    def api(self, token: str | None = None, *, scope: str = "") -> httpx.Client:
        bearer = token or self.grant(scope=scope)["access_token"]
        headers = {"Authorization": f"Bearer {bearer}"}
        return httpx.Client(base_url=f"{self.url}/api", headers=headers, trust_env=False)

    def plan(self, *, metered: bool = True, widgets: bool = True) -> None:
        chosen = {"metered": metered, "widgets": widgets}
        assert self.http.post("/_ui/plan", json=chosen).status_code == 200

    def desk(self, ticket_id: int | str, act: str, body: dict[str, Any]) -> dict[str, Any]:
        answer = self.http.post(f"/_ui/tickets/{ticket_id}/{act}", json=body)
        assert answer.status_code in (200, 201), answer.text
        said: dict[str, Any] = answer.json()
        return said

    def ticket(self, ticket_id: int | str) -> dict[str, Any]:
        shown: dict[str, Any] = self.http.get(f"/_ui/tickets/{ticket_id}").json()
        return dict(shown["ticket"])

    def tickets(self) -> list[dict[str, Any]]:
        return list(self.http.get("/_ui/tickets").json()["tickets"])

    def agent_replies(
        self,
        ticket_id: int | str,
        text: str,
        *,
        public: bool = True,
        rule: bool = False,
        author: str = "priya",
        files: Sequence[File] = (),
    ) -> str:
        attached = [
            {
                "filename": one.filename,
                "content_type": one.content_type,
                "content": base64.b64encode(one.content).decode(),
            }
            for one in files
        ]
        body = {"body": text, "public": public, "rule": rule, "author": author, "files": attached}
        return str(self.desk(ticket_id, "comments", body)["comment"]["id"])

    def tried_to_send(self) -> list[int]:
        return list(self.http.get("/_ui/tried-to-send").json()["message_ids"])


@dataclass
class Mailbox:
    """Keeps the webhooks to one address that is not to be reached, each answered with 200."""

    host: str
    heard: list[Heard] = field(default_factory=list)

    def line(self) -> httpx.Client:
        mounts = {f"all://{self.host}": httpx.MockTransport(self._keep)}
        return httpx.Client(mounts=mounts, trust_env=False)

    def wait(self, count: int) -> list[Heard]:
        wait_until(lambda: len(self.heard) >= count, 5.0)
        return list(self.heard)

    def _keep(self, request: httpx.Request) -> httpx.Response:
        self.heard.append(Heard(dict(request.headers), request.content, time.monotonic()))
        return httpx.Response(200)


@contextmanager
def running(
    folder: Path | None = None, *, mailbox: Mailbox | None = None
) -> Iterator[EmulatedGorgias]:
    """An emulated Gorgias with one account, real time, and no fault switched on."""
    faults.clear()
    clock.set_offset(0)
    door = socket.create_server(("127.0.0.1", 0))
    port = door.getsockname()[1]
    settings = Settings(state_path=folder, url=f"http://127.0.0.1:{port}")
    world = World(settings)
    if mailbox is not None:
        world.http.close()
        world.http = mailbox.line()
    app = Flask("gorgias-under-test")
    app.register_blueprint(sandbox.gorgias.create_blueprint(world))
    server = make_server("127.0.0.1", port, app, threaded=True, fd=door.fileno())
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    url = f"http://127.0.0.1:{port}/gorgias/{SUBDOMAIN}"
    try:
        with httpx.Client(base_url=url, trust_env=False) as http:
            yield EmulatedGorgias(url, settings, http)
    finally:
        server.shutdown()
        server.server_close()
        door.close()
        thread.join(timeout=5)
        world.stop()
        faults.clear()
        clock.set_offset(0)
