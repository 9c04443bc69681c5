"""A parcel arrived: one check-in is put in the diary.

Runs now, in the transaction that learnt of the arrival. One check-in for one order, after its
last parcel; if another parcel is still under way the diary entry waits for it, but not longer
than the shop's number of days, and moves up when it arrives. Where the shop asked for one per
parcel, each has its own.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from app.checkins.models import CheckIn
from app.checkins.schedule_rules import NotDue, due_at
from app.consent.permission import Purpose
from app.consent.state_rules import load_rules
from app.consent.zones import Places, locate
from app.contacts.models import Contact
from app.foundation.db import Session
from app.messaging.permit import window_of
from app.messaging.suppress import record_suppression
from app.orders.events import ParcelDelivered
from app.orders.models import Fulfillment, Order
from app.orders.ports import Place
from app.shops.models import ShopPreferences
from app.shops.preferences import preferences_of

PATIENCE_DAYS = 7  # for the rest of an order, where the shop set no number of days
ENDED_PARCEL = ("cancelled", "error", "failure")


def schedule_for_parcel(session: Session, event: ParcelDelivered, *, now: datetime) -> int | None:
    """The check-in's id, or None if the order has had its check-in already."""
    order = session.scalars(
        sa.select(Order).where(Order.id == event.order_id).with_for_update()
    ).one()
    preferences = preferences_of(session, event.shop_id)
    parcel_id = event.parcel_id if preferences.check_in_per_parcel else None
    due = due_time(session, now=now, order=order, preferences=preferences, event=event)
    skipped = due.reason if isinstance(due, NotDue) else None
    statement = insert(CheckIn).values(
        shop_id=event.shop_id,
        order_id=order.id,
        parcel_id=parcel_id,
        kind="opener",
        basis=event.basis,
        arrived_at=event.arrived_at,
        due_at=now if isinstance(due, NotDue) else due,
        state="skipped" if skipped else "scheduled",
        reason=skipped,
        ended_at=now if skipped else None,
    )
    check_in_id = session.scalar(
        statement.on_conflict_do_update(
            index_elements=["order_id", "kind", sa.text("coalesce(parcel_id, 0)")],
            set_={
                "due_at": statement.excluded.due_at,
                "arrived_at": statement.excluded.arrived_at,
                "basis": statement.excluded.basis,
                "state": statement.excluded.state,
                "reason": statement.excluded.reason,
                "ended_at": statement.excluded.ended_at,
                "held_since": None,
            },
            where=CheckIn.state == "scheduled",
        ).returning(CheckIn.id)
    )
    if check_in_id is not None and skipped:
        record_suppression(
            session,
            now=now,
            shop_id=event.shop_id,
            check_in_id=check_in_id,
            order_id=order.id,
            purpose=Purpose.CHECK_IN,
            reason=skipped,
        )
    return check_in_id


def due_time(
    session: Session,
    *,
    now: datetime,
    order: Order,
    preferences: ShopPreferences,
    event: ParcelDelivered,
) -> datetime | NotDue:
    """When to ask; permission is asked again at that moment, and may move it further."""
    delay = timedelta(minutes=preferences.check_in_delay_minutes)
    if not preferences.check_in_per_parcel and not whole_order_arrived(session, order):
        patience = preferences.days_after_shipping or PATIENCE_DAYS
        return event.arrived_at + timedelta(days=patience)
    places = places_of(session, order)
    if places is None or not places.zones:
        # Not known yet, or abroad: permission says what follows when the moment comes.
        return max(now, event.arrived_at + delay)
    due = due_at(
        event.arrived_at,
        now=now,
        delay=delay,
        jitter_seed=f"{order.shop_id}:{order.shopify_id}:{event.parcel_id}",
        places=places,
        rules=load_rules(),
        shop_window=window_of(preferences),
    )
    return due if isinstance(due, NotDue) else due.at


def whole_order_arrived(session: Session, order: Order) -> bool:
    """Whether every parcel arrived and no line that ships is still without one."""
    parcels = session.scalars(
        sa.select(Fulfillment).where(
            Fulfillment.order_id == order.id,
            sa.func.coalesce(Fulfillment.status, "success").not_in(ENDED_PARCEL),
        )
    ).all()
    if any(parcel.delivered_at is None for parcel in parcels):
        return False
    shipped = {line_id for parcel in parcels for line_id in parcel.line_ids}
    if not shipped:
        return True  # parcels that do not say what is in them: nothing speaks against it
    waiting = [
        line
        for line in order.lines
        if line.requires_shipping and line.current_quantity > 0 and line.shopify_id not in shipped
    ]
    return not waiting


def places_of(session: Session, order: Order) -> Places | None:
    """Where the buyer may be, as far as it is known by now."""
    phone = session.scalar(sa.select(Contact.phone).where(Contact.id == order.contact_id))
    if phone is None:
        return None
    return locate(
        phone,
        Place(country=order.ship_country, region=order.ship_region, zip=order.ship_zip)
        if order.ship_country
        else None,
        Place(country=order.ship_country, zip=order.bill_zip) if order.bill_zip else None,
    )
