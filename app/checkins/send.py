"""Check-ins are due: ask permission, write them, hand them to their threads. Or say why not.

Called by `checkins.jobs` for those of one shop that the ticker found due together. The texts
themselves leave by `messaging.send`, which asks permission once more in that moment. Only a
check-in that is really queued opens a thread or points one at its order.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from app.checkins.claim import Claim, claim_due
from app.checkins.facts import read_facts
from app.checkins.models import CheckIn
from app.checkins.schedule_rules import DEFAULT_MAX_LATENESS, TOO_LATE
from app.checkins.wording import DEFAULT_COPY, CopyKind, render
from app.consent.permission import Purpose
from app.consent.verdicts import Denied, NotBefore, Reason
from app.conversations.open import open_conversations
from app.conversations.reply import OwnText, add_own_texts
from app.foundation.db import Session
from app.messaging.permit import Subject, ask_permissions
from app.messaging.standing import version_of
from app.messaging.suppress import record_suppression

SPREAD_SECONDS = 600
STILL_WAITING = timedelta(days=3)
ORDER_MAY_COME = timedelta(days=1)  # webhooks may be a day late
LOOK_AGAIN = timedelta(minutes=10)
LOOK_AT_PAUSED_LINE = timedelta(hours=1)
SIZE_OPTIONS = ("size", "taille", "größe", "talla")

QUEUED = """
UPDATE check_ins SET state = 'queued', reason = NULL, message_id = t.message_id
FROM unnest(%s::bigint[], %s::bigint[]) AS t(id, message_id) WHERE check_ins.id = t.id
"""


def send_check_ins(
    session: Session, *, now: datetime, shop_id: int, check_in_ids: Sequence[int]
) -> Claim:
    """Each of these that is still due goes on its way, ends with a reason, or waits.

    Returns which they were, and which are to be given again once this transaction has ended.
    """
    claim = claim_due(session, now=now, check_in_ids=check_in_ids)
    facts_of_each = read_facts(session, claim.ours)
    asked = [facts for facts in facts_of_each if may_be_asked(session, facts, now=now)]
    subjects = [subject_of(facts, now) for facts in asked]
    verdicts = ask_permissions(session, now=now, subjects=subjects)
    allowed = []
    for facts, verdict in zip(asked, verdicts, strict=True):
        if isinstance(verdict, NotBefore):
            # Spread, so that what waits for the same hour does not leave in the same second.
            change(session, facts, due_at=verdict.at + spread(facts))
        elif isinstance(verdict, Denied):
            obey(session, facts, verdict, now=now)
        else:
            allowed.append(facts)
    if allowed:
        queue(session, allowed, now=now, shop_id=shop_id)
    return claim


def may_be_asked(session: Session, facts: Any, *, now: datetime) -> bool:
    """Whether permission is the next question; else the check-in waits or has ended."""
    if facts.shopify_updated_at is None and now - facts.arrived_at < ORDER_MAY_COME:
        # Heard of by its parcel alone: who bought it comes with a webhook that is under way.
        change(session, facts, due_at=now + LOOK_AGAIN)
        return False
    reason = out_of_place(facts, now=now)
    if reason is None:
        return True
    skip(session, facts, now=now, reason=reason)
    record_suppression(
        session,
        now=now,
        shop_id=facts.shop_id,
        check_in_id=facts.id,
        order_id=facts.order_id,
        purpose=Purpose.CHECK_IN,
        reason=reason,
    )
    return False


def subject_of(facts: Any, now: datetime) -> Subject:
    return Subject(
        shop_id=facts.shop_id,
        contact_id=facts.contact_id,
        purpose=Purpose.CHECK_IN,
        order_id=facts.order_id,
        check_in_id=facts.id,
        being_helped=is_being_helped(facts.waiting_since, now),
    )


def obey(session: Session, facts: Any, verdict: Denied, *, now: datetime) -> None:
    if verdict.reason is Reason.SENDER_PAUSED and outlives_pause(facts, now):
        hold(session, facts, now=now)
    else:
        skip(session, facts, now=now, reason=verdict.reason.value)


def queue(session: Session, allowed: Sequence[Any], *, now: datetime, shop_id: int) -> None:
    """Each joins its buyer's thread, which is about its order from now on."""
    about = {facts.contact_id: facts.order_id for facts in allowed}
    threads = open_conversations(session, now=now, shop_id=shop_id, about=about)
    texts = [(thread, text_of(facts)) for thread, facts in zip(threads, allowed, strict=True)]
    added = add_own_texts(session, now=now, texts=texts)
    ids = [facts.id for facts in allowed]
    session.sql(QUEUED, ids, [each.message_ids[0] for each in added])


def text_of(facts: Any) -> OwnText:
    return OwnText(
        body=write(facts),
        author="system",
        written_by=written_by(facts),
        purpose=Purpose.CHECK_IN,
        key=f"check-in:{facts.id}",
        order_id=facts.order_id,
    )


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
