"""A check-in that would be out of place is called off, with a reason the merchant can read.

Runs now, in the transaction of what caused it: a cancelled or refunded order, an opt-out, an
uninstalled app.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa

from app.checkins.models import CheckIn
from app.consent.events import ConsentRevoked
from app.foundation.db import Session
from app.messaging.queue import cancel_text
from app.messaging.suppress import suppressions_of
from app.orders.events import OrderStopped
from app.orders.models import Order
from app.shops.events import ShopUninstalled

OPEN = ("scheduled", "queued")


def cancel_for_order(session: Session, event: OrderStopped, *, now: datetime) -> None:
    _cancel(session, CheckIn.order_id == event.order_id, now=now, reason=event.reason)


def cancel_for_contact(session: Session, event: ConsentRevoked, *, now: datetime) -> None:
    """Its texts that waited are called off already. A check-in that is being sent at this moment
    is passed over: whoever sends it leaves it while we hold the contact, and is then refused by
    permission."""
    orders = sa.select(Order.id).where(Order.contact_id == event.contact_id)
    free = (
        sa.select(CheckIn.id)
        .where(CheckIn.order_id.in_(orders), CheckIn.state.in_(OPEN))
        .with_for_update(skip_locked=True)
    )
    _call_off(session, CheckIn.id.in_(free), now=now, reason="opted_out")


def cancel_for_orders(session: Session, *, now: datetime, order_ids: Sequence[int]) -> None:
    """Their buyers are to be forgotten (`privacy.redact`)."""
    _cancel(session, CheckIn.order_id.in_(order_ids), now=now, reason="redacted")


def cancel_all_of_shop(session: Session, event: ShopUninstalled, *, now: datetime) -> None:
    _cancel(session, CheckIn.shop_id == event.shop_id, now=now, reason="uninstalled")


def _cancel(session: Session, which: sa.ColumnElement[bool], *, now: datetime, reason: str) -> None:
    """The texts first, see `messaging.locks`. A text that is just leaving may yet prove the
    check-in sent, see `checkins.outcome`."""
    queued = session.scalars(
        sa.select(CheckIn.message_id)
        .where(which, CheckIn.state.in_(OPEN))
        .order_by(CheckIn.message_id)
    ).all()
    for message_id in filter(None, queued):
        cancel_text(session, now=now, message_id=message_id, reason=reason)
    _call_off(session, which, now=now, reason=reason)


def _call_off(
    session: Session, which: sa.ColumnElement[bool], *, now: datetime, reason: str
) -> None:
    ended = (
        sa.update(CheckIn)
        .where(which, CheckIn.state.in_(OPEN))
        .values(state="cancelled", reason=reason, ended_at=now)
        .returning(CheckIn.id, CheckIn.shop_id, CheckIn.order_id, CheckIn.kind)
        .cte("ended")
    )
    kept = suppressions_of(ended, now=now, reason=reason)
    session.execute(sa.select(ended.c.id).add_cte(kept))
