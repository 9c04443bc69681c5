"""The emulated Shopify over HTTP on a free port, as the app's own client reaches it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import httpx
from flask import Flask
from werkzeug.serving import make_server

import sandbox.shopify
from app.shops.ports import ShopAccess
from app.vendors.shopify.client import ShopifyClient
from app.vendors.shopify.commerce import ShopifyCommerce
from app.vendors.shopify.oauth import ShopifyTokenSource
from sandbox import clock, faults
from sandbox.settings import Settings
from sandbox.shopify.world import ShopifyWorld
from sandbox.world import World


@dataclass
class ReachableShopify:
    base_url: str
    settings: Settings
    http: httpx.Client
    world: ShopifyWorld

    def act(self, name: str, /, **arguments: Any) -> Any:
        """One of the merchant's, buyer's or carrier's actions, as the page would do it."""
        answer = self.http.post(f"/_actions/{name}", json=arguments)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def now(self) -> datetime:
        return clock.now()

    def pass_time(self, seconds: int) -> None:
        clock.advance(seconds)

    def commerce(self) -> ShopifyCommerce:
        return ShopifyCommerce(ShopifyClient(base_url=self.base_url))

    def tokens(self) -> ShopifyTokenSource:
        return ShopifyTokenSource(
            base_url=self.base_url,
            api_key=self.settings.shopify_api_key,
            api_secret=self.settings.shopify_api_secret,
        )

    def id_token(self, domain: str | None = None) -> str:
        token: str = self.act("id_token", shop=domain)["id_token"]
        return token

    def access(self, shop_id: int = 1, domain: str | None = None) -> ShopAccess:
        """The app's access to a shop, by a real exchange."""
        domain = domain or self.settings.shop_domain
        tokens = self.tokens().exchange(domain, self.id_token(domain), now=self.now())
        return ShopAccess(shop_id, domain, tokens.access_token)


@contextmanager
def running() -> Iterator[ReachableShopify]:
    """An emulated Shopify with the app installed on its demo shop, real time, and no fault on."""
    faults.clear()
    clock.set_offset(0)
    settings = Settings(shopify_api_secret="hush-hush-hush-hush-hush-hush-32")
    world = World(settings)
    app = Flask("shopify-under-test")
    app.register_blueprint(sandbox.shopify.create_blueprint(world))
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    url = f"http://127.0.0.1:{server.server_port}/shopify"
    try:
        with httpx.Client(base_url=url, trust_env=False) as http:
            emulated = ReachableShopify(url + "/{shop}", settings, http, app.extensions["shopify"])
            emulated.act("install")
            yield emulated
    finally:
        server.shutdown()
        server.server_close()
        thread.join(timeout=5)
        world.stop()
        faults.clear()
        clock.set_offset(0)
