"""RQ doors of orders, and the reads from Shopify that the ticker asks for."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Protocol

import sqlalchemy as sa

from app.foundation.jobs import Tools
from app.orders.models import Order
from app.orders.ports import Commerce
from app.orders.track import track_order
from app.shops.models import Shop
from app.shops.ports import TokenSource
from app.shops.tokens import access_to

OVERLAP = timedelta(hours=2)  # a poll reads a little further back than the last one came
FIRST_LOOK = timedelta(hours=24)  # of a shop that was never read


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


def reconcile_shop(tools: Needs, *, shop_id: int) -> None:
    """The nightly poll: whatever changed since the last one, in case a webhook never came.

    Shopify lists the oldest change first, and how far we came is stored after each page: a poll
    that breaks off goes on from there, and however long nobody polled, no change is passed over.
    """
    began = tools.clock.now()
    with tools.db.shop(shop_id) as session:
        read_to = session.scalar(sa.select(Shop.reconciled_at).where(Shop.id == shop_id))
    since = (read_to or began - FIRST_LOOK) - OVERLAP
    access = access_to(tools.db, tools.keys, tools.tokens, now=began, shop_id=shop_id)
    for page in tools.commerce.orders_updated_since(access, since):
        for facts in page:
            with tools.db.shop(shop_id) as session:
                track_order(session, now=tools.clock.now(), shop_id=shop_id, facts=facts)
        _note_read_to(tools, shop_id, max(facts.updated_at for facts in page))
    _note_read_to(tools, shop_id, began)


def _note_read_to(tools: Needs, shop_id: int, moment: datetime) -> None:
    with tools.db.shop(shop_id) as session:
        session.execute(
            sa.update(Shop)
            .where(Shop.id == shop_id)
            .values(reconciled_at=sa.func.greatest(Shop.reconciled_at, moment))
        )
