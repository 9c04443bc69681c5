"""Shopify's webhook door: verified over the raw body, stored, answered. Nothing else.

No token is touched here: a shop that has uninstalled must still be heard. Shopify waits 5 s and
repeats 8 times over 4 h (shopify.dev/docs/apps/build/webhooks), so a database that is away is
answered with 503, quickly.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime

from flask import Blueprint, Response, request

from app.foundation.inbox import store_receipt
from app.foundation.jobs import Tools
from app.foundation.metrics import DOOR_ANSWERS
from app.vendors.shopify import webhooks

MAX_BODY = 2 * 1024 * 1024
DOMAIN = re.compile(r"[a-z0-9][a-z0-9-]{0,59}\.myshopify\.com")


def blueprint(tools: Tools, *, secrets: Sequence[str]) -> Blueprint:
    """`secrets`: the app's client secret, then the one before it while a rotation settles."""
    door = Blueprint("shopify_webhooks", __name__)
    db = tools.db

    def answer(status: int) -> Response:
        DOOR_ANSWERS.labels("shopify", str(status)).inc()
        return Response(status=status)

    @door.post("/webhooks/shopify")
    @door.post("/webhooks/shopify/compliance")
    def receive() -> Response:
        length = request.content_length
        if length is None or length > MAX_BODY:
            return answer(413)
        body = request.get_data(cache=False)
        headers = request.headers
        if not webhooks.verify(body, headers.get("X-Shopify-Hmac-Sha256"), secrets):
            return answer(401)
        topic = headers.get("X-Shopify-Topic", "")
        domain = headers.get("X-Shopify-Shop-Domain", "").lower()
        delivery = headers.get("X-Shopify-Webhook-Id", "")
        if topic not in webhooks.TOPICS or not DOMAIN.fullmatch(domain) or not delivery:
            # Signed by Shopify, yet not ours to work: repeating it would not help.
            return answer(200)
        store_receipt(
            db,
            source="shopify",
            topic=topic,
            owner=domain,
            delivery_id=delivery[:255],
            event_id=headers.get("X-Shopify-Event-Id", "")[:255] or None,
            body=body,
            occurred_at=triggered_at(headers.get("X-Shopify-Triggered-At", "")),
        )
        return answer(200)

    return door


def triggered_at(text: str) -> datetime | None:
    """The header's time, or None if it is missing, malformed or without a zone."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else None
