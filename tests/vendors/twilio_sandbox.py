"""A sandbox with only Twilio in it, a receiver of its webhooks, and twilio-python to drive it."""

from __future__ import annotations

import base64
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from flask import Flask, Response, request
from twilio.base.exceptions import TwilioRestException
from twilio.http.http_client import TwilioHttpClient
from twilio.request_validator import RequestValidator
from twilio.rest import Client
from werkzeug.serving import make_server

import sandbox.twilio
from sandbox import clock, faults, switches
from sandbox.settings import Settings
from sandbox.world import World

BUYER = "+14155550142"
LINE = "+18885550188"
PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
)


@dataclass
class Serving:
    """A Flask program on a free port of this machine."""

    app: Flask
    url: str = ""
    _stop: Callable[[], None] = field(default=lambda: None)

    def start(self, port: int = 0) -> Serving:
        server = make_server("127.0.0.1", port, self.app, threaded=True)
        self.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        self._stop = server.shutdown
        return self

    def stop(self) -> None:
        self._stop()


@dataclass
class Received:
    url: str
    form: dict[str, str]
    headers: dict[str, str]


class Receiver:
    """Stands where Doorstep stands: records webhooks and answers as it is told."""

    def __init__(self) -> None:
        self.got: list[Received] = []
        self.answers: list[Response] = []
        app = Flask("receiver")
        app.add_url_rule("/<path:path>", view_func=self._take, methods=["GET", "POST"])
        self.serving = Serving(app).start()
        self.url = self.serving.url

    def _take(self, path: str) -> Response:
        if request.method == "GET":
            return Response(PIXEL, content_type="image/png")
        raw = request.environ["RAW_URI"]
        self.got.append(Received(self.url + raw, request.form.to_dict(), dict(request.headers)))
        answer = self.answers.pop(0) if self.answers else None
        return answer or Response("<Response/>", content_type="text/xml")

    def wait(self, count: int, kind: str = "") -> list[Received]:
        """The webhooks of a kind (part of the path), once there are so many."""
        wait_for(lambda: len([one for one in self.got if kind in one.url]) >= count)
        return [one for one in self.got if kind in one.url]


def wait_for(condition: Callable[[], object], seconds: float = 5.0) -> None:
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "it did not happen in time"
        time.sleep(0.01)


@dataclass
class Place:
    """A sandbox with only Twilio in it, a receiver, and a client of twilio-python."""

    url: str
    settings: Settings
    client: Client
    receiver: Receiver

    def send(self, body: str = "Hi Ana, did everything arrive okay?", **more: Any) -> Any:
        more.setdefault("to", BUYER)
        more.setdefault("messaging_service_sid", self.settings.twilio_service_sid)
        return self.client.messages.create(body=body, **more)

    def act(self, path: str, **body: Any) -> Any:
        response = httpx.post(f"{self.url}{path}", json=body)
        assert response.status_code < 300, response.text
        return response.json()

    def text(self, body: str, **more: Any) -> Any:
        return self.act(
            "/twilio/_actions/text", **{"from": BUYER, "to": LINE, "body": body, **more}
        )

    def ledger(self, to: str = BUYER) -> Any:
        return httpx.get(f"{self.url}/twilio/_ledger", params={"to": to}).json()

    def status_of(self, sid: str) -> str:
        return str(self.client.messages(sid).fetch().status)


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@contextmanager
def open_place(tmp_path: Path) -> Iterator[Place]:
    port = free_port()
    settings = Settings(port=port, url=f"http://127.0.0.1:{port}", clock_path=tmp_path / "clock")
    clock.use_file(settings.clock_path)
    faults.clear()
    world = World(settings)
    app = Flask("sandbox")
    app.register_blueprint(switches.create_blueprint(world))
    app.register_blueprint(sandbox.twilio.create_blueprint(world))
    serving = Serving(app).start(port)
    receiver = Receiver()
    client = Client(
        settings.twilio_account_sid,
        settings.twilio_auth_token,
        http_client=TwilioHttpClient(timeout=5),
    )
    client.api.base_url = f"{serving.url}/twilio"
    place = Place(serving.url, settings, client, receiver)
    place.act("/twilio/_actions/pace", sent_after=0.01, delivered_after=0.01)
    place.act(
        "/twilio/_actions/numbers",
        phone=LINE,
        mps=1000,
        inbound_url=f"{receiver.url}/inbound",
        fallback_url=f"{receiver.url}/fallback",
    )
    yield place
    faults.clear()
    clock.set_offset(0)
    world.stop()
    serving.stop()
    receiver.serving.stop()


def refused(call: Callable[[], object]) -> TwilioRestException:
    with pytest.raises(TwilioRestException) as caught:
        call()
    return caught.value


def signed_rightly(place: Place, webhook: Received) -> bool:
    validator = RequestValidator(place.settings.twilio_auth_token)
    signature = webhook.headers["X-Twilio-Signature"]
    return bool(validator.validate(webhook.url, webhook.form, signature))
