"""Webhooks on their way: real HMAC, all headers, five seconds, eight retries with the old payload.

https://shopify.dev/docs/apps/build/webhooks. Anything but 2xx fails. What waits lies in the store,
so that a restart of the sandbox sends it still. At most a few are under way at once; the order is
not promised, as at Shopify. Switches (`sandbox/faults.py`): `duplicate` (the second copy has the
same X-Shopify-Webhook-Id, a third one a new id and the same X-Shopify-Event-Id), `reorder` (late
by up to `seconds`) and `drop` (lost for good; only polling finds it).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
import time
import uuid
from collections import deque

import httpx

from sandbox import clock, faults, stream
from sandbox.shopify.admin_schema import VERSION
from sandbox.shopify.app_toml import AppConfig, Subscription
from sandbox.shopify.store import Record, Store
from sandbox.world import World

TIMEOUT = httpx.Timeout(5.0, connect=1.0)
# Shopify spreads eight retries over four hours; here they come within some six minutes.
RETRY_SECONDS = (1.0, 2.0, 5.0, 10.0, 20.0, 40.0, 90.0, 180.0)
MOST_UNDER_WAY = 6
REMEMBERED = 200


class Courier:
    """Takes payloads to the addresses in the app's toml."""

    def __init__(
        self, shared: World, store: Store, app: AppConfig, retry_seconds: tuple[float, ...]
    ) -> None:
        self._shared = shared
        self._store = store
        self._app = app
        self._retry_seconds = retry_seconds
        self._lock = threading.Lock()
        self._ready: deque[int] = deque(store.pending_deliveries())
        self._under_way = 0
        self._waiting = 0  # for a retry, or late by a switch
        self._age = 0  # grows with every `forget`
        self.recent: deque[Record] = deque(maxlen=REMEMBERED)
        if self._ready:
            shared.later(2.0, self._pump)  # the app may still be starting

    @property
    def pending(self) -> int:
        """Webhooks that are still to be sent, retries included."""
        with self._lock:
            return len(self._ready) + self._under_way + self._waiting

    def wait_until_quiet(self, seconds: float = 30.0) -> bool:
        """Whether everything was delivered (or given up) within that time."""
        end = time.monotonic() + seconds
        while self.pending and time.monotonic() < end:
            time.sleep(0.01)
        return self.pending == 0

    def forget(self) -> None:
        """Drop what waits."""
        with self._lock:
            self._ready.clear()
            self._waiting = 0
            self._age += 1
            self.recent.clear()

    def enqueue(self, shop: Record, topic: str, payload: Record, event_id: str) -> None:
        """Send one event to whoever subscribed, after the current change is kept."""
        for subscription in self._app.subscriptions:
            if subscription.topic != topic:
                continue
            fate = faults.webhook_fate("shopify", topic)
            delivery = self._delivery(shop, subscription, payload, event_id)
            if fate.copies == 0:
                self._note(delivery, "dropped", 0)
            for copy in range(fate.copies):
                if copy == 2:
                    delivery["webhook_id"] = str(uuid.uuid4())
                self._keep(delivery, fate.delay_seconds)

    def send_forged(self, shop: Record, topic: str, payload: Record) -> str:
        """What the app answers to a stranger who does not know its secret: a status, or an error.

        Raises KeyError for a topic that the app did not subscribe to.
        """
        subscription = {one.topic: one for one in self._app.subscriptions}[topic]
        delivery = self._delivery(shop, subscription, payload, str(uuid.uuid4()))
        url, body = self._shared.settings.app_url + subscription.uri, _body(delivery)
        return self._post(url, body, _headers(delivery, sign("not the secret", body)))

    def _delivery(
        self, shop: Record, subscription: Subscription, payload: Record, event_id: str
    ) -> Record:
        if subscription.include_fields:
            payload = {k: v for k, v in payload.items() if k in subscription.include_fields}
        return {
            "shop": shop["domain"],
            "topic": subscription.topic,
            "name": subscription.name,
            "uri": subscription.uri,
            "webhook_id": str(uuid.uuid4()),
            "event_id": event_id,
            "triggered_at": clock.now().strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
            "attempt": 0,
            "payload": payload,
        }

    def _keep(self, delivery: Record, delay: float) -> None:
        with self._store.changing():
            number = self._store.add_delivery(delivery)
            self._store.after_commit(lambda: self._start(number, delay))

    def _start(self, number: int, delay: float) -> None:
        if delay > 0:
            self._wait(number, delay)
            return
        with self._lock:
            self._ready.append(number)
        self._pump()

    def _wait(self, number: int, seconds: float) -> None:
        with self._lock:
            self._waiting += 1
            age = self._age
        self._shared.later(seconds, self._waited, number, age)

    def _waited(self, number: int, age: int) -> None:
        with self._lock:
            if age != self._age:
                return
            self._waiting -= 1
            self._ready.append(number)
        self._pump()

    def _pump(self) -> None:
        with self._lock:
            wanted = min(MOST_UNDER_WAY - self._under_way, len(self._ready))
            numbers = [self._ready.popleft() for _ in range(max(0, wanted))]
            self._under_way += len(numbers)
        for number in numbers:
            self._shared.later(0, self._deliver, number)

    def _deliver(self, number: int) -> None:
        try:
            delivery = self._store.delivery(number)
            if delivery is not None:
                self._attempt(number, delivery)
        finally:
            with self._lock:
                self._under_way -= 1
            self._pump()

    def _attempt(self, number: int, delivery: Record) -> None:
        url, body = self._shared.settings.app_url + delivery["uri"], _body(delivery)
        signature = sign(self._shared.settings.shopify_api_secret, body)
        started = time.monotonic()
        outcome = self._post(url, body, _headers(delivery, signature))
        delivery["attempt"] += 1
        self._note(delivery, outcome, round((time.monotonic() - started) * 1000))
        if outcome.startswith("2"):
            self._store.remove_delivery(number)
        elif delivery["attempt"] > len(self._retry_seconds):
            self._store.remove_delivery(number)
            self._note(delivery, "given up", 0)
        else:
            self._store.update_delivery(number, delivery)
            self._wait(number, self._retry_seconds[delivery["attempt"] - 1])

    def _post(self, url: str, body: bytes, headers: dict[str, str]) -> str:
        try:
            answer = self._shared.http.post(url, content=body, headers=headers, timeout=TIMEOUT)
        except httpx.HTTPError as error:
            return type(error).__name__
        return str(answer.status_code)

    def _note(self, delivery: Record, outcome: str, took_ms: int) -> None:
        note: Record = {
            "shop": delivery["shop"],
            "topic": delivery["topic"],
            "webhook_id": delivery["webhook_id"],
            "event_id": delivery["event_id"],
            "attempt": delivery["attempt"],
            "outcome": outcome,
            "took_ms": took_ms,
            "at": clock.now().isoformat(),
        }
        self.recent.append(note)
        stream.publish("shopify_webhook", note)


def _body(delivery: Record) -> bytes:
    return json.dumps(delivery["payload"], separators=(",", ":")).encode()


def _headers(delivery: Record, signature: str) -> dict[str, str]:
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "Shopify-Captain-Hook",
        "X-Shopify-Topic": delivery["topic"],
        "X-Shopify-Hmac-Sha256": signature,
        "X-Shopify-Shop-Domain": delivery["shop"],
        "X-Shopify-API-Version": VERSION,
        "X-Shopify-Webhook-Id": delivery["webhook_id"],
        "X-Shopify-Event-Id": delivery["event_id"],
        "X-Shopify-Triggered-At": delivery["triggered_at"],
    }
    if delivery["name"]:
        headers["X-Shopify-Name"] = delivery["name"]
    return headers


def sign(secret: str, body: bytes) -> str:
    """X-Shopify-Hmac-Sha256 of a raw body."""
    return base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha256).digest()).decode()
