"""A check-in is due: ask permission, write it, hand it to the thread. Or say why not.

Runs now, for each check-in that the ticker found due. The text itself leaves by `messaging.send`,
which asks permission once more in that moment. Only a check-in that is really queued opens a
thread or points one at its order.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import sqlalchemy as sa

from app.checkins.events import CheckInDue
from app.checkins.models import CheckIn
from app.checkins.schedule_rules import DEFAULT_MAX_LATENESS, TOO_LATE
from app.checkins.wording import DEFAULT_COPY, CopyKind, render
from app.consent.permission import Purpose
from app.consent.verdicts import Denied, NotBefore, Reason
from app.contacts.models import Contact
from app.conversations.models import Conversation
from app.conversations.open import open_conversation
from app.conversations.reply import OwnText, add_own_text
from app.foundation.db import Session
from app.messaging.locks import lock_contact
from app.messaging.models import Message
from app.messaging.permit import Subject, ask_permission
from app.orders.models import Fulfillment, Order, OrderLine
from app.shops.models import Shop, ShopPreferences
from app.shops.preferences import preferences_of

SPREAD_SECONDS = 600
STILL_WAITING = timedelta(days=3)
ORDER_MAY_COME = timedelta(days=1)  # webhooks may be a day late
LOOK_AGAIN = timedelta(minutes=10)
LOOK_AT_PAUSED_LINE = timedelta(hours=1)
SIZE_OPTIONS = ("size", "taille", "größe", "talla")


def send_check_in(session: Session, event: CheckInDue, *, now: datetime) -> None:
    claimed = session.execute(
        sa.select(CheckIn, Order)
        .join(Order, Order.id == CheckIn.order_id)
        .where(CheckIn.id == event.check_in_id)
        .where(CheckIn.state == "scheduled", CheckIn.due_at <= now)
        # Both at once and without waiting, see `messaging.locks`: whoever holds one of them is
        # at it, or changes what we are about to read.
        .with_for_update(skip_locked=True)
    ).one_or_none()
    if claimed is None:
        return
    check_in, order = claimed
    if order.shopify_updated_at is None and now - check_in.arrived_at < ORDER_MAY_COME:
        # Heard of by its parcel alone: who bought it comes with a webhook that is under way.
        check_in.due_at = now + LOOK_AGAIN
        return
    reason = out_of_place(session, now=now, check_in=check_in, order=order)
    if reason:
        skip(check_in, now=now, reason=reason)
        return
    contact = session.scalars(sa.select(Contact).where(Contact.id == order.contact_id)).one()
    lock_contact(session, contact.id)
    waiting_since = session.scalar(
        sa.select(Conversation.waiting_since).where(Conversation.contact_id == contact.id)
    )
    verdict = ask_permission(
        session,
        now=now,
        subject=Subject(
            shop_id=order.shop_id,
            contact_id=contact.id,
            purpose=Purpose.CHECK_IN,
            order_id=order.id,
            check_in_id=check_in.id,
            being_helped=is_being_helped(waiting_since, now),
        ),
    )
    if isinstance(verdict, NotBefore):
        # Spread, so that what waits for the same hour does not leave in the same second.
        check_in.due_at = verdict.at + timedelta(seconds=check_in.id % SPREAD_SECONDS)
        return
    if isinstance(verdict, Denied):
        if verdict.reason is Reason.SENDER_PAUSED and outlives_pause(check_in, now):
            hold(check_in, now=now)
        else:
            skip(check_in, now=now, reason=verdict.reason.value)
        return
    conversation = open_conversation(
        session, now=now, shop_id=order.shop_id, contact_id=contact.id, order_id=order.id
    )
    added = add_own_text(
        session,
        now=now,
        conversation=conversation,
        text=OwnText(
            body=write(session, check_in=check_in, order=order, contact=contact),
            author="system",
            purpose=Purpose.CHECK_IN,
            key=f"check-in:{check_in.id}",
            order_id=order.id,
        ),
    )
    check_in.state, check_in.reason, check_in.message_id = "queued", None, added.message_ids[0]


def is_being_helped(waiting_since: datetime | None, now: datetime) -> bool:
    """A text that nobody answered for days, such as a "Thanks!", waits for nothing any more."""
    return waiting_since is not None and now - waiting_since < STILL_WAITING


def out_of_place(session: Session, *, now: datetime, check_in: CheckIn, order: Order) -> str | None:
    """Why this order is not to be asked about, apart from permission."""
    if order.cancelled_at:
        return "order_cancelled"
    if order.financial_status in ("refunded", "voided"):
        return "order_refunded"
    if order.returned:
        return "order_returned"
    if order.contact_id is None:
        return order.phone_problem or "no_phone"
    if order.lines and not asked_about(session, check_in=check_in, order=order):
        return "nothing_left"
    if now - check_in.due_at > DEFAULT_MAX_LATENESS:
        return TOO_LATE
    return None


def outlives_pause(check_in: CheckIn, now: datetime) -> bool:
    """A paused line is mostly mended within days; after that the question comes too late."""
    return now - (check_in.held_since or check_in.due_at) < DEFAULT_MAX_LATENESS


def hold(check_in: CheckIn, *, now: datetime) -> None:
    """The shop's line is paused: look again now and then. The reason shows meanwhile."""
    check_in.held_since = check_in.held_since or check_in.due_at
    check_in.reason = Reason.SENDER_PAUSED.value
    spread = timedelta(seconds=check_in.id % SPREAD_SECONDS)
    check_in.due_at = now + LOOK_AT_PAUSED_LINE + spread


def skip(check_in: CheckIn, *, now: datetime, reason: str) -> None:
    check_in.state, check_in.reason, check_in.ended_at = "skipped", reason, now


def asked_about(session: Session, *, check_in: CheckIn, order: Order) -> Sequence[OrderLine]:
    """The lines that the buyer holds in hand: of the parcel, if it is about one."""
    lines = [line for line in order.lines if line.current_quantity > 0 and line.requires_shipping]
    if check_in.parcel_id is not None:
        inside = session.scalar(
            sa.select(Fulfillment.line_ids).where(Fulfillment.id == check_in.parcel_id)
        )
        lines = [line for line in lines if not inside or line.shopify_id in inside]
    return lines


def write(session: Session, *, check_in: CheckIn, order: Order, contact: Contact) -> str:
    """The words: the merchant's copy or our own, filled with what is known."""
    preferences = preferences_of(session, order.shop_id)
    lines = asked_about(session, check_in=check_in, order=order)
    only = lines[0] if len(lines) == 1 else None
    kind = CopyKind.OPENER if check_in.basis == "carrier" else CopyKind.SOFT_OPENER
    heard_from_us = session.scalar(
        sa.select(Message.id)
        .where(Message.contact_id == contact.id, Message.direction == "out")
        .where(Message.sent_at.is_not(None))
        .limit(1)
    )
    return render(
        copy_of(preferences, kind),
        {
            # Several people share this phone: nobody is addressed by another's name.
            "first_name": None if contact.shared_phone else contact.first_name,
            "shop_name": session.scalars(
                sa.select(Shop.name).where(Shop.id == order.shop_id)
            ).one(),
            "item": only.title if only else None,
            "size": size_of(only) if only else None,
            "order_name": order.name,
        },
        kind=kind,
        first_contact=heard_from_us is None,
    )


def copy_of(preferences: ShopPreferences, kind: CopyKind) -> str:
    own = preferences.opener_copy if kind is CopyKind.OPENER else preferences.soft_opener_copy
    return own or DEFAULT_COPY[kind]


def size_of(line: OrderLine) -> str | None:
    """The variant's size, if one of its options is called so."""
    for name, value in line.options.items():
        if name.strip().lower() in SIZE_OPTIONS:
            return value
    return None
