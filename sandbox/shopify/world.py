"""The emulated Shopify: its shops, their state, and what the other files here share.

One `ShopifyWorld` per sandbox. `orders`, `buyers` and `installs` are its verbs, `payloads` and
`views` show it as webhooks and GraphQL do, `courier` sends, `doors` and `actions` are the HTTP.
"""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from pathlib import Path

from sandbox import clock, stream
from sandbox.shopify import catalogue, payloads
from sandbox.shopify.app_toml import AppConfig, read_app_toml
from sandbox.shopify.cost import Bucket
from sandbox.shopify.courier import RETRY_SECONDS, Courier
from sandbox.shopify.redaction import without_protected
from sandbox.shopify.store import Record, Store
from sandbox.world import World

APP_TOML = Path(__file__).parents[2] / "shopify.app.toml"
DEMO_SHOP_ID = 54_838_000_901


class ActionRefused(Exception):
    """Shopify (or sense) would not let a merchant do that; the text says why."""


class ShopifyWorld:
    """`shared` is the sandbox's own world: settings, HTTP client, threads."""

    def __init__(
        self,
        shared: World,
        *,
        app_toml: Path = APP_TOML,
        retry_seconds: tuple[float, ...] = RETRY_SECONDS,
    ) -> None:
        self.settings = shared.settings
        self.app: AppConfig = read_app_toml(app_toml)
        folder = shared.settings.state_path
        self.store = Store(folder / "shopify.sqlite3" if folder else None)
        self.courier = Courier(shared, self.store, self.app, retry_seconds)
        self._buckets: dict[str, Bucket] = {}
        if self.store.get("shop", self.settings.shop_domain) is None:
            self._open_demo_shop()

    def reset(self) -> None:
        """Start afresh without orders and buyers. The app stays installed, for it is not told."""
        self.courier.forget()
        self.store.forget_orders()

    def add_shop(
        self,
        domain: str,
        *,
        name: str,
        timezone: str = "America/Los_Angeles",
        country: str = "US",
        currency: str = "USD",
    ) -> Record:
        """Open one more shop with the demo goods. Raises ActionRefused if there is one already."""
        if not domain.endswith(".myshopify.com"):
            raise ActionRefused("a shop's domain ends in .myshopify.com")
        if self.store.get("shop", domain) is not None:
            raise ActionRefused(f"{domain} exists already")
        number = len(self.store.all("shop"))
        shop: Record = {
            "id": DEMO_SHOP_ID + 10 * number,
            "domain": domain,
            "name": name,
            "email": f"owner@{domain.removesuffix('.myshopify.com')}.example",
            "timezone": timezone,
            "country": country,
            "currency": currency,
            "plan": "plus",
            "next_order_number": 1001,
            "created_at": self.stamp(),
            "installed": False,
            "scopes": [],
            "approved": True,  # for protected customer data
            "redact_due": None,
        }
        with self.store.changing():
            self.store.put("shop", domain, shop)
            catalogue.stock_shop(self.store, domain, number)
        return shop

    def _open_demo_shop(self) -> None:
        self.add_shop(self.settings.shop_domain, name="Acme Outfitters")

    def shop(self, domain: str | None) -> Record:
        """The shop, the demo shop for None. Raises ActionRefused."""
        shop = self.store.get("shop", domain or self.settings.shop_domain)
        if shop is None:
            raise ActionRefused(f"no shop {domain}")
        return shop

    def put_shop(self, shop: Record) -> None:
        self.store.put("shop", shop["domain"], shop)

    def bucket(self, shop: Record) -> Bucket:
        """The app's points at this shop."""
        domain = str(shop["domain"])
        if domain not in self._buckets:
            self._buckets[domain] = Bucket(shop["plan"])
        return self._buckets[domain]

    def image_url(self, name: str | None) -> str | None:
        return f"{self.settings.url}/shopify/images/{name}" if name else None

    def stamp(self, moment: datetime | None = None) -> str:
        """A moment (default: now) as kept here and as GraphQL shows it: UTC, whole seconds."""
        moment = (moment or clock.now()).astimezone(UTC)
        return moment.strftime("%Y-%m-%dT%H:%M:%SZ")

    def announce(self, shop: Record, topic: str, payload: Record) -> None:
        """Send a webhook, if the app is installed there and subscribed to the topic."""
        if shop["installed"] or topic in ("app/uninstalled", "shop/redact"):
            if not shop["approved"]:
                payload = without_protected(payload)
            self.courier.enqueue(shop, topic, payload, str(uuid.uuid4()))

    def announce_order(self, shop: Record, order: Record, topic: str) -> None:
        """Send an order's webhook with the order as it is now."""
        customer = self.store.customer(order["customer_id"])
        self.announce(shop, topic, payloads.order(shop, order, customer))

    def keep_order(self, order: Record) -> None:
        """Store a changed order; its `updated_at` moves with the change."""
        order["updated_at"] = max(self.stamp(), order["updated_at"])
        self.store.put_order(order)

    def tell_order(self, order: Record, what: str) -> None:
        """Tell the page what became of an order."""
        facts = {"shop": order["shop"], "order_id": str(order["id"]), "name": order["name"]}
        self.tell_page("order", {**facts, "what": what})

    def tell_page(self, kind: str, data: Record) -> None:
        """Tell the open page once the change is kept."""
        self.store.after_commit(lambda: stream.publish(f"shopify_{kind}", data))
