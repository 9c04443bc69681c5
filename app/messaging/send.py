"""One text leaves, or does not, and its row says which.

The only caller of the provider. Four steps, no transaction open across the call:

claim     lock, ask permission, take a place in the sender's line; state `sending`, verdict stored
call      hand the text to the provider, once
settle    store what came back, of this attempt: an earlier one's late refusal changes nothing
look_up   (`messaging.look_up`) learn the fate of a text whose answer never came

There is no idempotency at the provider. A call that was refused or never connected may be made
again; one that broke off may not: the row says `unknown`, and the status report (which carries
our id) or the look-up binds it. Whoever proves that the provider took a text is believed, whatever
the row said meanwhile.

An agent's texts to one buyer leave in their order: a later one waits, without looking, until the
earlier one is settled, and is woken in that transaction (`messaging.queue.wake_next_part`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
import structlog

from app.consent.permission import PROACTIVE, Purpose
from app.consent.verdicts import Reason
from app.contacts.models import Contact
from app.foundation.db import Session
from app.foundation.errors import Temporary, Unknowable
from app.foundation.metrics import TEXTS_ENDED, TEXTS_SENT
from app.messaging.events import TextAccepted, TextEnded
from app.messaging.locks import lock, lock_contact, lock_text
from app.messaging.models import Media, Message, Sender
from app.messaging.permit import Denied, NotBefore, Subject, ask_permission
from app.messaging.ports import CodeAction, OutboundText, Rejected
from app.messaging.status import bind_waiting

log = structlog.get_logger()

BURST = timedelta(seconds=1)  # this much ahead of its place a text may leave
# A place that was not used is lost: what was held over night must not leave all at once at ten.
PLACE_KEPT = timedelta(minutes=15)
# A check-in's text outlives a pause of the shop's line, up to the time at which it is too late.
LOOK_AT_PAUSED_LINE = timedelta(hours=1)
PAUSE_OUTLIVED = timedelta(days=3)
LONGEST_VALIDITY = 36_000  # seconds; the provider's limit
SHORTEST_VALIDITY = 60
RETRIES = 8  # of what the provider certainly did not take
FIRST_LOOK_UP_SECONDS = 15.0

MediaAddress = Callable[[int, int], str]
"""(shop_id, media_id) -> a signed, short-lived address the provider can fetch."""


@dataclass(frozen=True)
class Claimed:
    text: OutboundText
    sender: Sender
    attempt: int  # which one this is; its settlement has to name it


@dataclass(frozen=True)
class Held:
    until: datetime | None  # None: until an earlier part is settled


@dataclass(frozen=True)
class Blocked:
    reason: str


@dataclass(frozen=True)
class NotWaiting:
    """Already sent, cancelled, claimed by another, or not due yet."""


TAKE_PLACE = """
UPDATE senders SET next_slot_at = greatest(next_slot_at, %(now)s::timestamptz)
  + make_interval(secs => %(segments)s / segments_per_second)
WHERE id = %(sender)s
RETURNING next_slot_at - make_interval(secs => %(segments)s / segments_per_second) AS slot_at
"""


def claim_text(
    session: Session, *, now: datetime, message_id: int, media_address: MediaAddress
) -> Claimed | Held | Blocked | NotWaiting:
    """Take one queued text, if it may leave now."""
    contact_id = session.scalar(
        sa.select(Message.contact_id).where(Message.id == message_id, Message.state == "queued")
    )
    if contact_id is None:
        return NotWaiting()
    lock_contact(session, contact_id)
    message = session.scalars(
        sa.select(Message)
        .where(Message.id == message_id, Message.state == "queued")
        .where(sa.or_(Message.not_before.is_(None), Message.not_before <= now))
        # Waits for whoever holds it: a claim that passed over it would end this job, and if the
        # other one is then undone, nobody would come for this text again.
        .with_for_update()
    ).one_or_none()
    if message is None:
        return NotWaiting()
    if parts_before_wait(session, message):
        message.not_before, message.reason = None, "in_order"
        return Held(None)
    purpose = Purpose(message.purpose or "")
    verdict = ask_permission(
        session,
        now=now,
        subject=Subject(
            shop_id=message.shop_id,
            contact_id=message.contact_id,
            purpose=purpose,
            order_id=message.order_id,
            message_id=message.id,
            retry_of=message.retry_of,
            being_helped=wrote_since_the_miss(session, message),
        ),
    )
    if isinstance(verdict, Denied) and outlives_pause(message, verdict, now):
        message.not_before, message.reason = now + LOOK_AT_PAUSED_LINE, verdict.reason.value
        return Held(message.not_before)
    if isinstance(verdict, Denied):
        end_text(session, now=now, message=message, state="blocked", reason=verdict.reason.value)
        return Blocked(verdict.reason.value)
    if isinstance(verdict, NotBefore):
        message.not_before, message.reason = verdict.at, verdict.reason.value
        return Held(verdict.at)
    sender = session.scalars(
        sa.select(Sender).where(Sender.shop_id == message.shop_id, Sender.state == "active")
    ).one()
    slot_at = message.slot_at
    if slot_at is None or now - slot_at > PLACE_KEPT:
        slot_at = take_place(session, now=now, sender=sender, segments=message.segments)
    # A buyer who waits for an answer does not stand in line behind check-ins.
    wait = slot_at - now if purpose in PROACTIVE else timedelta(0)
    if wait > BURST:
        # As a row, never asleep after the claim: a STOP meanwhile must find it.
        message.slot_at = message.not_before = slot_at
        message.reason = "in_line"
        return Held(slot_at)
    message.state, message.reason, message.sender_id = "sending", None, sender.id
    message.attempts += 1
    message.looked_up, message.look_up_at = 0, None
    message.claimed_at = session.scalar(sa.func.clock_timestamp())
    validity = int((verdict.window_end - now).total_seconds())
    message.expires_at = verdict.window_end
    photos = session.scalars(
        sa.select(Media.id)
        .where(Media.message_id == message.id, Media.state == "stored")
        .order_by(Media.ordinal)
    )
    return Claimed(
        text=OutboundText(
            message_id=message.id,
            to=session.scalars(
                sa.text("SELECT phone FROM contacts WHERE id = :id").bindparams(
                    id=message.contact_id
                )
            ).one(),
            body=message.body,
            media_urls=[media_address(message.shop_id, photo) for photo in photos],
            validity_seconds=max(SHORTEST_VALIDITY, min(LONGEST_VALIDITY, validity)),
        ),
        sender=sender,
        attempt=message.attempts,
    )


def parts_before_wait(session: Session, message: Message) -> bool:
    """Whether an agent's earlier text to this buyer is still on its way to the provider.

    It is locked: either its settlement is seen here, or it sees that this text waits. A second
    attempt, hours after the first, holds up nothing.
    """
    if message.author != "agent":
        return False
    earlier = session.scalar(
        sa.select(Message.id)
        .where(Message.conversation_id == message.conversation_id, Message.id < message.id)
        .where(Message.author == "agent", Message.state.in_(("queued", "sending")))
        .where(Message.retry_of.is_(None))
        .order_by(Message.id.desc())
        .limit(1)
        .with_for_update()
    )
    return earlier is not None


def wrote_since_the_miss(session: Session, message: Message) -> bool:
    """Whether the buyer was heard of since the first attempt at this text did not arrive."""
    if message.retry_of is None:
        return False
    heard = session.scalar(
        sa.select(Contact.last_inbound_at).where(Contact.id == message.contact_id)
    )
    return heard is not None and heard >= message.created_at


def outlives_pause(message: Message, verdict: Denied, now: datetime) -> bool:
    """Whether this text waits for the shop's line to be mended. An agent's is not kept: its
    author is told at once and may choose another way."""
    return (
        verdict.reason is Reason.SENDER_PAUSED
        and message.purpose in PROACTIVE
        and now - message.created_at < PAUSE_OUTLIVED
    )


def take_place(session: Session, *, now: datetime, sender: Sender, segments: int) -> datetime:
    """The moment at which this text may leave, by the speed of the number's kind."""
    row = session.connection().exec_driver_sql(
        TAKE_PLACE, {"now": now, "segments": float(segments), "sender": sender.id}
    )
    slot_at: datetime = row.scalar_one()
    return slot_at


def settle_accepted(session: Session, *, now: datetime, message_id: int, provider_sid: str) -> None:
    """The provider took it. A status report may have said so before us.

    Whatever the row says by now: a recovery may have put it back, and somebody called it off,
    while the call was still under way.
    """
    message = lock(session, message_id)
    if message.provider_sid not in (None, provider_sid):
        log.error("the provider took one text twice", message_id=message.id)
    if message.provider_sid is None:
        message.state, message.reason, message.provider_sid = "accepted", None, provider_sid
        message.sent_at = now
        session.flush()
        session.publish(
            TextAccepted(
                shop_id=message.shop_id,
                message_id=message.id,
                conversation_id=message.conversation_id,
                purpose=message.purpose or "",
            ),
            now=now,
        )
        bind_waiting(
            session,
            now=now,
            shop_id=message.shop_id,
            message_id=message.id,
            provider_sid=provider_sid,
        )
        TEXTS_SENT.labels(message.purpose or "").inc()


def settle_failure(
    session: Session,
    *,
    now: datetime,
    message_id: int,
    attempt: int,
    error: Rejected | Temporary | Unknowable,
) -> CodeAction | None:
    """The provider did not take it, or may have. Returns what its code asks of us."""
    message = lock_text(session, message_id)
    if message.state != "sending" or message.attempts != attempt:
        return None  # proven taken, or put back and under way once more: that one has the say
    message.error_code = error.code or None
    if isinstance(error, Unknowable):
        end_text(session, now=now, message=message, state="unknown", reason="no_answer")
        look_up_in(message, FIRST_LOOK_UP_SECONDS)
        return None
    if isinstance(error, Temporary):
        if message.attempts >= RETRIES:
            end_text(session, now=now, message=message, state="failed", reason="provider_busy")
            return None
        pause = error.retry_after or min(300.0, 2.0**message.attempts)
        again = now + timedelta(seconds=pause)
        put_back(session, now=now, message=message, reason="provider_busy", not_before=again)
        return None
    if error.action in (CodeAction.BACK_OFF, CodeAction.NEXT_DAY) and message.attempts < RETRIES:
        again = now + timedelta(seconds=60 if error.action is CodeAction.BACK_OFF else 86_400)
        put_back(session, now=now, message=message, reason="provider_busy", not_before=again)
        return error.action
    reason = _REASON_OF.get(error.action, "rejected")
    end_text(session, now=now, message=message, state="failed", reason=reason)
    return error.action


_REASON_OF = {CodeAction.SUPPRESS: "opted_out", CodeAction.LITIGATOR: "litigator"}


def end_text(session: Session, *, now: datetime, message: Message, state: str, reason: str) -> None:
    """This text will not arrive, or nobody can say; whoever cares is told."""
    message.state, message.reason = state, reason
    session.flush()
    session.publish(
        TextEnded(
            shop_id=message.shop_id,
            message_id=message.id,
            conversation_id=message.conversation_id,
            purpose=message.purpose or "",
            state=state,
            reason=reason,
        ),
        now=now,
    )
    TEXTS_ENDED.labels(state, reason).inc()


def put_back(
    session: Session, *, now: datetime, message: Message, reason: str, not_before: datetime
) -> None:
    """It certainly was not taken: it may try again, unless it was called off meanwhile."""
    if message.reason is not None:  # see `messaging.queue.cancel_text`
        end_text(session, now=now, message=message, state="cancelled", reason=message.reason)
        return
    message.state, message.reason, message.not_before = "queued", reason, not_before


def look_up_in(message: Message, seconds: float | None) -> None:
    """Have the ticker ask about it after so long by the database's time; None: no more."""
    pause = sa.func.make_interval(0, 0, 0, 0, 0, 0, seconds)
    message.look_up_at = None if seconds is None else sa.func.now() + pause
