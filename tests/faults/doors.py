"""Knocks at Doorstep's doors as the vendors do, and remembers every answer.

What was answered with 2xx is what Doorstep took upon itself: the first of the three ledgers that
a fault test compares.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import itertools
import json
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar

import urllib3
from twilio.request_validator import RequestValidator

from sandbox.settings import Settings as SandboxSettings
from tests.factories import payloads
from tests.faults.buyers import Buyer
from tests.faults.stack import DOMAIN, SHOPIFY_SECRET, Stack

T = TypeVar("T")
AT_ONCE = 12
AGAIN_SECONDS = 0.4


@dataclass(frozen=True)
class Answer:
    """One knock. `status` 0: no connection, or the line broke."""

    door: str  # shopify | inbound
    key: str  # delivery id, or the text's sid
    business_key: str
    status: int
    seconds: float
    at: float  # unix time of the answer

    @property
    def acknowledged(self) -> bool:
        return 200 <= self.status < 300


class Doors:
    def __init__(self, stack: Stack, *, patience: float = 15.0) -> None:
        """`patience`: read time-out of a knock in seconds; Twilio waits 15."""
        self._stack = stack
        self._lines = urllib3.PoolManager(
            num_pools=2, maxsize=64, retries=False, timeout=urllib3.Timeout(2.0, patience)
        )
        plain = SandboxSettings()
        self._account = plain.twilio_account_sid
        self._signer = RequestValidator(plain.twilio_auth_token)
        self._numbers = itertools.count(1)
        self._run = f"{time.time_ns() & 0xFFFFFFFFFF:010x}"
        self._lock = threading.Lock()
        self.answers: list[Answer] = []
        self.stopped_at: dict[str, float] = {}  # phone -> unix time of the answer to its STOP

    # --- Single knocks

    def shopify(
        self, topic: str, payload: dict[str, Any], *, delivery: str | None = None
    ) -> Answer:
        body = json.dumps(payload).encode()
        digest = hmac.digest(SHOPIFY_SECRET.encode(), body, "sha256")
        delivery = delivery or self.new_id("delivery")
        business = hashlib.sha256(topic.encode() + b"\0" + body).hexdigest()
        return self._knock(
            "shopify",
            delivery,
            business,
            "/webhooks/shopify",
            body,
            {
                "Content-Type": "application/json",
                "X-Shopify-Topic": topic,
                "X-Shopify-Hmac-Sha256": base64.b64encode(digest).decode(),
                "X-Shopify-Shop-Domain": DOMAIN,
                "X-Shopify-Webhook-Id": delivery,
                "X-Shopify-Triggered-At": self._stack.now.isoformat(),
            },
        )

    def text(self, buyer: Buyer, body: str, *, sid: str | None = None) -> Answer:
        sid = sid or self.new_sid()
        path = f"/webhooks/twilio/{self._stack.door_key}/inbound"
        form = payloads.inbound_form(
            body,
            sid=sid,
            account_sid=self._account,
            from_phone=buyer.phone,
            to_phone=self._stack.line,
        )
        signature = self._signer.compute_signature(self._stack.web_url + path, dict(form))
        return self._knock(
            "inbound",
            sid,
            sid,
            path,
            payloads.encode(form).encode(),
            {
                "Content-Type": "application/x-www-form-urlencoded",
                "X-Twilio-Signature": signature,
            },
        )

    def _knock(
        self, door: str, key: str, business: str, path: str, body: bytes, headers: dict[str, str]
    ) -> Answer:
        began = time.monotonic()
        try:
            status = self._lines.request(
                "POST", self._stack.web_url + path, body=body, headers=headers
            ).status
        except urllib3.exceptions.HTTPError:
            status = 0
        answer = Answer(door, key, business, status, time.monotonic() - began, time.time())
        with self._lock:
            self.answers.append(answer)
        return answer

    def new_id(self, what: str) -> str:
        return f"{what}-{self._run}-{next(self._numbers)}"

    def new_sid(self) -> str:
        return f"SM{self._run}{next(self._numbers):022x}"

    # --- Stories

    def insist(self, knock: Callable[[], Answer], seconds: float = 60.0) -> Answer:
        """Knock again until it is acknowledged, as a vendor does with what failed."""
        deadline = time.monotonic() + seconds
        while True:
            answer = knock()
            if answer.acknowledged or time.monotonic() > deadline:
                assert answer.acknowledged, f"never acknowledged: {answer}"
                return answer
            time.sleep(AGAIN_SECONDS)

    def deliver(self, buyer: Buyer, *, due_in: float = -1.0) -> None:
        """The buyer's order was placed, and arrived; see `Buyer.delivery`."""
        now = self._stack.now
        for topic, payload in (
            ("orders/create", buyer.order(now)),
            ("fulfillment_events/create", buyer.delivery(now, due_in=due_in)),
        ):
            delivery = self.new_id("delivery")
            self.insist(lambda t=topic, p=payload, d=delivery: self.shopify(t, p, delivery=d))  # type: ignore[misc]

    def write(self, buyer: Buyer, body: str) -> Answer:
        sid = self.new_sid()
        return self.insist(lambda: self.text(buyer, body, sid=sid))

    def stop(self, buyer: Buyer) -> None:
        self.stopped_at[buyer.phone] = self.write(buyer, "STOP").at


def crowd(items: Iterable[T], act: Callable[[T], object], *, at_once: int = AT_ONCE) -> None:
    """Do it for all of them, some at a time; the first error is raised at the end."""
    with ThreadPoolExecutor(at_once, thread_name_prefix="crowd") as pool:
        for done in [pool.submit(act, item) for item in items]:
            done.result()


def percentile(values: Sequence[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else 0.0
