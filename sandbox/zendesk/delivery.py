"""Webhooks on their way out: signed, sent from another thread, repeated as Zendesk repeats them.

`doors` and `desk` hand over events once their lock is released. Timeouts are repeated up to five
times, 409 up to three, 429 and 503 only with a Retry-After below a minute, anything else never.
The sandbox's switches can double, delay or drop a webhook, or send it before the answer of the
request that caused it (`webhook_before_answer`).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from dataclasses import dataclass, field

import httpx

from sandbox import clock, faults, stream
from sandbox.zendesk.events import Event
from sandbox.zendesk.world import Account, Record, ZendeskWorld, stamp

USUAL_DELAY_SECONDS = 0.15
RETRY_SECONDS = 1.0
TIMEOUT_SECONDS = 12.0
MOST_ATTEMPTS = {"timeout": 6, "409": 4, "busy": 4}
KEPT_INVOCATIONS = 50


@dataclass
class Delivery:
    """One webhook's telling of one event, with how often it has been tried."""

    webhook: Record
    account_id: int
    event: Event
    invocation_id: str = field(default_factory=lambda: "01" + secrets.token_hex(12).upper())
    tries: dict[str, int] = field(default_factory=dict)


class Courier:
    """Takes events to the webhooks that subscribed to them."""

    def __init__(self, world: ZendeskWorld) -> None:
        self._world = world

    def dispatch(self, account: Account, events: list[Event], *, caused_by: str) -> None:
        """Send what each active webhook subscribed to; returns at once unless a switch says no."""
        if not events:
            return
        with self._world.changing():
            hooks = [hook for hook in account.webhooks.values() if hook["status"] == "active"]
        early = bool(faults.take("zendesk", caused_by, "webhook_before_answer"))
        for event in events:
            for hook in hooks:
                if event.type not in hook["subscriptions"]:
                    continue
                if event.webhook_id not in (None, hook["id"]):
                    continue
                fate = faults.webhook_fate("zendesk", event.type.rpartition(":")[2])
                for _ in range(fate.copies):
                    delivery = Delivery(hook, account.id, event)
                    if early:
                        self._attempt(delivery)
                        continue
                    wait = USUAL_DELAY_SECONDS + fate.delay_seconds
                    self._world.shared.later(wait, self._attempt, delivery)

    def _attempt(self, delivery: Delivery) -> None:
        try:
            answer = self._world.shared.http.post(
                delivery.webhook["endpoint"],
                content=delivery.event.body,
                headers=headers_for(delivery),
                timeout=TIMEOUT_SECONDS,
            )
        except httpx.HTTPError as error:
            self._note(delivery, type(error).__name__)
            self._again(delivery, "timeout", RETRY_SECONDS)
            return
        self._note(delivery, str(answer.status_code))
        if answer.status_code == 409:
            self._again(delivery, "409", RETRY_SECONDS)
        elif answer.status_code in (429, 503):
            wait = answer.headers.get("Retry-After", "")
            if wait.isdigit() and int(wait) < 60:
                self._again(delivery, "busy", float(wait))

    def _again(self, delivery: Delivery, why: str, wait: float) -> None:
        delivery.tries[why] = delivery.tries.get(why, 0) + 1
        if delivery.tries[why] < MOST_ATTEMPTS[why]:
            self._world.shared.later(max(wait, 0.01), self._attempt, delivery)

    def _note(self, delivery: Delivery, outcome: str) -> None:
        with self._world.changing():
            kept = delivery.webhook["invocations"]
            kept.append(
                {
                    "id": delivery.invocation_id,
                    "event_type": delivery.event.type,
                    "status": outcome,
                    "created_at": clock.now().isoformat(),
                }
            )
            del kept[:-KEPT_INVOCATIONS]
        stream.publish("zendesk_webhook", {"event": delivery.event.type, "outcome": outcome})


def headers_for(delivery: Delivery) -> dict[str, str]:
    """The headers of an attempt; only body and timestamp are under the signature."""
    hook, timestamp = delivery.webhook, stamp()
    headers = {
        **hook["custom_headers"],
        "Content-Type": "application/json; charset=utf-8",
        "X-Zendesk-Account-Id": str(delivery.account_id),
        "X-Zendesk-Webhook-Id": hook["id"],
        "X-Zendesk-Webhook-Invocation-Id": delivery.invocation_id,
        "X-Zendesk-Webhook-Signature": sign(hook["secret"], timestamp, delivery.event.body),
        "X-Zendesk-Webhook-Signature-Timestamp": timestamp,
    }
    authentication = hook["authentication"]
    if authentication is not None and authentication["type"] == "bearer_token":
        headers["Authorization"] = f"Bearer {authentication['data']['token']}"
    return headers


def sign(secret: str, timestamp: str, body: bytes) -> str:
    """base64(HMAC-SHA256(secret, timestamp + body)), as Zendesk documents it."""
    digest = hmac.new(secret.encode(), timestamp.encode() + body, hashlib.sha256).digest()
    return base64.b64encode(digest).decode()
