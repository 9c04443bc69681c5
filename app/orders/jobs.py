"""RQ doors of orders, and the reads from Shopify that the ticker asks for."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Protocol

import sqlalchemy as sa

from app.foundation.jobs import Tools
from app.orders.models import Order
from app.orders.ports import Commerce
from app.orders.track import track_order
from app.shops.ports import TokenSource
from app.shops.tokens import access_to

OVERLAP = timedelta(hours=2)  # a poll reads a little further back than the last one began


class Needs(Tools, Protocol):
    @property
    def commerce(self) -> Commerce: ...
    @property
    def tokens(self) -> TokenSource: ...


def complete_order(tools: Needs, *, shop_id: int, order_id: int) -> None:
    """Read the order in full once: options, images, phone, and what webhooks left out."""
    with tools.db.shop(shop_id) as session:
        order = session.scalars(sa.select(Order).where(Order.id == order_id)).one_or_none()
    if order is None or order.complete:
        return
    read_order(tools, shop_id=shop_id, shopify_id=order.shopify_id)


def read_order(tools: Needs, *, shop_id: int, shopify_id: int) -> bool:
    """Read one order from the API and track it. False if Shopify does not know it."""
    now = tools.clock.now()
    access = access_to(tools.db, tools.keys, tools.tokens, now=now, shop_id=shop_id)
    facts = tools.commerce.read_order(access, shopify_id)
    if facts is None:
        return False
    with tools.db.shop(shop_id) as session:
        track_order(session, now=now, shop_id=shop_id, facts=facts)
    return True


def reconcile_shop(tools: Needs, *, shop_id: int, since: str) -> None:
    """The nightly poll: whatever changed since then, in case a webhook never came.

    `since` is an ISO 8601 time with its offset.
    """
    now = tools.clock.now()
    access = access_to(tools.db, tools.keys, tools.tokens, now=now, shop_id=shop_id)
    for page in tools.commerce.orders_updated_since(
        access, datetime.fromisoformat(since) - OVERLAP
    ):
        for facts in page:
            with tools.db.shop(shop_id) as session:
                track_order(session, now=now, shop_id=shop_id, facts=facts)
