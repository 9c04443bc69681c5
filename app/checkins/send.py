"""A check-in is due: ask permission, write it, hand it to the thread. Or say why not.

Runs now, for each check-in that the ticker found due. The text itself leaves by `messaging.send`,
which asks permission once more in that moment. Only a check-in that is really queued opens a
thread or points one at its order.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from app.checkins.events import CheckInDue
from app.checkins.facts import read_facts
from app.checkins.models import CheckIn
from app.checkins.schedule_rules import DEFAULT_MAX_LATENESS, TOO_LATE
from app.checkins.wording import DEFAULT_COPY, CopyKind, render
from app.consent.permission import Purpose
from app.consent.verdicts import Denied, NotBefore, Reason
from app.conversations.open import open_conversation
from app.conversations.reply import OwnText, add_own_text
from app.foundation.db import Session
from app.messaging.locks import lock_contact
from app.messaging.permit import Subject, ask_permission
from app.messaging.standing import version_of
from app.messaging.suppress import record_suppression

SPREAD_SECONDS = 600
STILL_WAITING = timedelta(days=3)
ORDER_MAY_COME = timedelta(days=1)  # webhooks may be a day late
LOOK_AGAIN = timedelta(minutes=10)
LOOK_AT_PAUSED_LINE = timedelta(hours=1)
SIZE_OPTIONS = ("size", "taille", "größe", "talla")

# Both at once and without waiting, see `messaging.locks`: whoever holds one of them is at it, or
# changes what we are about to read.
CLAIM = """
SELECT o.contact_id FROM check_ins c JOIN orders o ON o.id = c.order_id
WHERE c.id = %s AND c.state = 'scheduled' AND c.due_at <= %s
FOR UPDATE OF c, o SKIP LOCKED
"""
QUEUED = "UPDATE check_ins SET state = 'queued', reason = NULL, message_id = %s WHERE id = %s"


def send_check_in(session: Session, event: CheckInDue, *, now: datetime) -> None:
    claimed = session.sql(CLAIM, event.check_in_id, now).one_or_none()
    if claimed is None:
        return
    if claimed.contact_id is not None:
        lock_contact(session, claimed.contact_id)
    facts = read_facts(session, event.check_in_id)
    if facts.shopify_updated_at is None and now - facts.arrived_at < ORDER_MAY_COME:
        # Heard of by its parcel alone: who bought it comes with a webhook that is under way.
        change(session, facts, due_at=now + LOOK_AGAIN)
        return
    reason = out_of_place(facts, now=now)
    if reason:
        skip(session, facts, now=now, reason=reason)
        record_suppression(
            session,
            now=now,
            shop_id=event.shop_id,
            check_in_id=facts.id,
            order_id=facts.order_id,
            purpose=Purpose.CHECK_IN,
            reason=reason,
        )
        return
    verdict = ask_permission(
        session,
        now=now,
        subject=Subject(
            shop_id=facts.shop_id,
            contact_id=facts.contact_id,
            purpose=Purpose.CHECK_IN,
            order_id=facts.order_id,
            check_in_id=facts.id,
            being_helped=is_being_helped(facts.waiting_since, now),
        ),
    )
    if isinstance(verdict, NotBefore):
        # Spread, so that what waits for the same hour does not leave in the same second.
        change(session, facts, due_at=verdict.at + spread(facts))
        return
    if isinstance(verdict, Denied):
        if verdict.reason is Reason.SENDER_PAUSED and outlives_pause(facts, now):
            hold(session, facts, now=now)
        else:
            skip(session, facts, now=now, reason=verdict.reason.value)
        return
    thread = open_conversation(
        session,
        now=now,
        shop_id=facts.shop_id,
        contact_id=facts.contact_id,
        order_id=facts.order_id,
    )
    added = add_own_text(
        session,
        now=now,
        thread=thread,
        text=OwnText(
            body=write(facts),
            author="system",
            written_by=written_by(facts),
            purpose=Purpose.CHECK_IN,
            key=f"check-in:{facts.id}",
            order_id=facts.order_id,
        ),
    )
    session.sql(QUEUED, added.message_ids[0], facts.id)


def is_being_helped(waiting_since: datetime | None, now: datetime) -> bool:
    """A text that nobody answered for days, such as a "Thanks!", waits for nothing any more."""
    return waiting_since is not None and now - waiting_since < STILL_WAITING


def out_of_place(facts: Any, *, now: datetime) -> str | None:
    """Why this order is not to be asked about, apart from permission."""
    if facts.cancelled_at:
        return "order_cancelled"
    if facts.financial_status in ("refunded", "voided"):
        return "order_refunded"
    if facts.returned:
        return "order_returned"
    if facts.contact_id is None:
        return facts.phone_problem or "no_phone"
    if facts.has_lines and not facts.in_hand:
        return "nothing_left"
    if now - facts.due_at > DEFAULT_MAX_LATENESS:
        return TOO_LATE
    return None


def outlives_pause(facts: Any, now: datetime) -> bool:
    """A paused line is mostly mended within days; after that the question comes too late."""
    held_since: datetime = facts.held_since or facts.due_at
    return now - held_since < DEFAULT_MAX_LATENESS


def hold(session: Session, facts: Any, *, now: datetime) -> None:
    """The shop's line is paused: look again now and then. The reason shows meanwhile."""
    change(
        session,
        facts,
        held_since=facts.held_since or facts.due_at,
        reason=Reason.SENDER_PAUSED.value,
        due_at=now + LOOK_AT_PAUSED_LINE + spread(facts),
    )


def skip(session: Session, facts: Any, *, now: datetime, reason: str) -> None:
    change(session, facts, state="skipped", reason=reason, ended_at=now)


def change(session: Session, facts: Any, **values: Any) -> None:
    session.execute(sa.update(CheckIn).where(CheckIn.id == facts.id).values(**values))


def spread(facts: Any) -> timedelta:
    return timedelta(seconds=facts.id % SPREAD_SECONDS)


def write(facts: Any) -> str:
    """The words: the merchant's copy or our own, filled with what is known."""
    only = facts.in_hand[0] if facts.in_hand and len(facts.in_hand) == 1 else None
    kind = kind_of(facts)
    return render(
        copy_of(facts, kind),
        {
            # Several people share this phone: nobody is addressed by another's name.
            "first_name": None if facts.shared_phone else facts.first_name,
            "shop_name": facts.shop_name,
            "item": only["title"] if only else None,
            "size": size_of(only["options"]) if only else None,
            "order_name": facts.order_name,
        },
        kind=kind,
        first_contact=not facts.heard_from_us,
    )


def kind_of(facts: Any) -> CopyKind:
    return CopyKind.OPENER if facts.basis == "carrier" else CopyKind.SOFT_OPENER


def written_by(facts: Any) -> str:
    """Which copy, in which version, wrote the text."""
    kind = kind_of(facts)
    return f"copy:{kind.value}:{version_of(copy_of(facts, kind))}"


def copy_of(preferences: Any, kind: CopyKind) -> str:
    """`preferences`: a shop's, or facts, which hold its copy too."""
    own: str | None = (
        preferences.opener_copy if kind is CopyKind.OPENER else preferences.soft_opener_copy
    )
    return own or DEFAULT_COPY[kind]


def size_of(options: Mapping[str, str]) -> str | None:
    """The variant's size, if one of its options is called so."""
    for name, value in options.items():
        if name.strip().lower() in SIZE_OPTIONS:
            return value
    return None
