"""The emulated Shopify for tests: doors by a test client, and an app that hears its webhooks."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

import sandbox.shopify
from sandbox import clock, faults
from sandbox.settings import Settings
from sandbox.shopify.world import ShopifyWorld
from sandbox.world import World

SHOP = "acme-outfitters.myshopify.com"
SECRET = "hush-hush-hush-hush-hush-hush-32"
EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
ID_TOKEN = "urn:ietf:params:oauth:token-type:id_token"
OFFLINE = "urn:shopify:params:oauth:token-type:offline-access-token"


@dataclass
class Heard:
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def topic(self) -> str:
        return self.headers["X-Shopify-Topic"]


@dataclass
class Listener:
    """Stands for the app: answers 200, or the statuses that a test lines up in `answers`."""

    url: str = ""
    heard: list[Heard] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)

    def topics(self) -> list[str]:
        return [one.topic for one in self.heard]


@contextmanager
def listening() -> Iterator[Listener]:
    listener = Listener()

    class Door(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            listener.heard.append(Heard(self.path, dict(self.headers.items()), body))
            self.send_response(listener.answers.pop(0) if listener.answers else 200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Tests are quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Door)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    listener.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield listener
    finally:
        server.shutdown()
        server.server_close()


@dataclass
class EmulatedShopify:
    world: ShopifyWorld
    http: FlaskClient
    listener: Listener
    settings: Settings

    def act(self, name: str, /, **arguments: Any) -> Any:
        answer = self.http.post(f"/shopify/_actions/{name}", json=arguments)
        assert answer.status_code == 200, answer.text
        return answer.json

    def token(self) -> str:
        """A good access token."""
        answer = self.token_request()
        assert answer.status_code == 200, answer.text
        return str(answer.json["access_token"])

    def quiet(self) -> list[Heard]:
        """What the app heard, once everything is delivered."""
        assert self.world.courier.wait_until_quiet(10), "webhooks are still under way"
        return self.listener.heard

    def token_request(self, shop: str = SHOP, **changes: Any) -> TestResponse:
        """A token exchange as an app sends it, with `changes`; None leaves a field out."""
        asked = {
            "client_id": self.settings.shopify_api_key,
            "client_secret": SECRET,
            "grant_type": EXCHANGE,
            "subject_token_type": ID_TOKEN,
            "requested_token_type": OFFLINE,
            "expiring": 1,
            **changes,
        }
        if asked["grant_type"] == EXCHANGE and "subject_token" not in asked:
            asked["subject_token"] = self.act("id_token", shop=shop)["id_token"]
        body = {key: value for key, value in asked.items() if value is not None}
        return self.http.post(f"/shopify/{shop}/admin/oauth/access_token", json=body)

    def refresh(self, token: str) -> TestResponse:
        return self.token_request(grant_type="refresh_token", refresh_token=token)

    def ask(
        self, query: str, variables: dict[str, Any] | None = None, *, token: str, shop: str = SHOP
    ) -> TestResponse:
        return self.http.post(
            f"/shopify/{shop}/admin/api/2026-10/graphql.json",
            json={"query": query, "variables": variables or {}},
            headers={"X-Shopify-Access-Token": token},
        )


@contextmanager
def running(
    *, state_path: Path | None = None, retry_seconds: tuple[float, ...] = (0.02, 0.02)
) -> Iterator[EmulatedShopify]:
    """A sandbox with Shopify alone, the app installed at the demo shop."""
    faults.clear()
    with listening() as listener:
        settings = Settings(app_url=listener.url, shopify_api_secret=SECRET, state_path=state_path)
        shared = World(settings)
        app = Flask("sandbox")
        app.register_blueprint(
            sandbox.shopify.create_blueprint(shared, retry_seconds=retry_seconds)
        )
        world: ShopifyWorld = app.extensions["shopify"]
        shopify = EmulatedShopify(world, app.test_client(), listener, settings)
        if not world.shop(None)["installed"]:
            shopify.act("install")
        try:
            yield shopify
        finally:
            faults.clear()
            clock.set_offset(0)
            shared.stop()
