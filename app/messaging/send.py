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
from typing import Any

import sqlalchemy as sa
import structlog

from app.consent.permission import PROACTIVE, Purpose
from app.consent.verdicts import Reason
from app.foundation.db import Session
from app.foundation.errors import Temporary, Unknowable
from app.foundation.metrics import TEXTS_ENDED, TEXTS_SENT
from app.messaging.events import TextAccepted, TextEnded
from app.messaging.locks import lock, lock_text
from app.messaging.models import Message, MessageStatusEvent
from app.messaging.permit import Allowed, Denied, NotBefore, Subject, ask_permission
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
    sender: Any  # what `messaging.jobs.access_to` reads of the shop's line
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


# The contact comes first, and in a statement of its own, see `messaging.locks`.
LOCK_CONTACT_OF = """
SELECT FROM contacts
WHERE id = (SELECT contact_id FROM messages WHERE id = %s AND state = 'queued') FOR UPDATE
"""

# Waits for whoever holds the text: a claim that passed over it would end this job, and if the
# other one is then undone, nobody would come for this text again.
QUEUED = """
SELECT m.id, m.shop_id, m.contact_id, m.conversation_id, m.order_id, m.author, m.purpose, m.body,
  m.segments, m.retry_of, m.slot_at, m.created_at, c.phone, c.last_inbound_at,
  ARRAY(SELECT p.id FROM media p WHERE p.message_id = m.id AND p.state = 'stored'
        ORDER BY p.ordinal) AS photos
FROM messages m JOIN contacts c ON c.id = m.contact_id
WHERE m.id = %(message)s AND m.state = 'queued'
  AND (m.not_before IS NULL OR m.not_before <= %(now)s)
FOR UPDATE OF m
"""

# For no segments the line stays as it is.
TAKE_PLACE = """
UPDATE senders SET next_slot_at = greatest(next_slot_at, %(now)s::timestamptz)
  + make_interval(secs => %(segments)s / segments_per_second)
WHERE shop_id = %(shop)s AND state = 'active'
RETURNING id, account_sid, auth_token, messaging_service_sid, phone, door_key,
  next_slot_at - make_interval(secs => %(segments)s / segments_per_second) AS slot_at
"""

CLAIM = """
UPDATE messages SET state = 'sending', reason = NULL, sender_id = %(sender)s,
  attempts = attempts + 1, looked_up = 0, look_up_at = NULL, claimed_at = clock_timestamp(),
  expires_at = %(expires)s
WHERE id = %(message)s RETURNING attempts
"""

# As a row, never asleep after the claim: a STOP meanwhile must find it.
STAND_IN_LINE = """
UPDATE messages SET slot_at = %(slot)s, not_before = %(slot)s, reason = 'in_line'
WHERE id = %(message)s
"""


def claim_text(
    session: Session, *, now: datetime, message_id: int, media_address: MediaAddress
) -> Claimed | Held | Blocked | NotWaiting:
    """Take one queued text, if it may leave now."""
    session.sql(LOCK_CONTACT_OF, message_id)
    text = session.sql(QUEUED, {"message": message_id, "now": now}).one_or_none()
    if text is None:
        return NotWaiting()
    if parts_before_wait(session, text):
        waiting = lock(session, message_id)
        waiting.not_before, waiting.reason = None, "in_order"
        return Held(None)
    purpose = Purpose(text.purpose or "")
    verdict = ask_permission(
        session,
        now=now,
        subject=Subject(
            shop_id=text.shop_id,
            contact_id=text.contact_id,
            purpose=purpose,
            order_id=text.order_id,
            message_id=text.id,
            retry_of=text.retry_of,
            being_helped=wrote_since_the_miss(text),
        ),
    )
    if not isinstance(verdict, Allowed):
        return stay(session, now=now, message=lock(session, message_id), verdict=verdict)
    has_place = text.slot_at is not None and now - text.slot_at <= PLACE_KEPT
    line = session.sql(
        TAKE_PLACE,
        {"now": now, "segments": 0.0 if has_place else float(text.segments), "shop": text.shop_id},
    ).one()
    slot_at = text.slot_at if has_place else line.slot_at
    # A buyer who waits for an answer does not stand in line behind check-ins.
    if purpose in PROACTIVE and slot_at - now > BURST:
        session.sql(STAND_IN_LINE, {"slot": slot_at, "message": text.id})
        return Held(slot_at)
    claimed = session.sql(
        CLAIM, {"sender": line.id, "expires": verdict.window_end, "message": text.id}
    ).one()
    validity = int((verdict.window_end - now).total_seconds())
    return Claimed(
        text=OutboundText(
            message_id=text.id,
            to=text.phone,
            body=text.body,
            media_urls=[media_address(text.shop_id, photo) for photo in text.photos],
            validity_seconds=max(SHORTEST_VALIDITY, min(LONGEST_VALIDITY, validity)),
        ),
        sender=line,
        attempt=claimed.attempts,
    )


def stay(
    session: Session, *, now: datetime, message: Message, verdict: Denied | NotBefore
) -> Held | Blocked:
    """Permission said no, or not yet."""
    reason = verdict.reason.value
    if isinstance(verdict, NotBefore):
        message.not_before, message.reason = verdict.at, reason
    elif outlives_pause(message, verdict, now):
        message.not_before, message.reason = now + LOOK_AT_PAUSED_LINE, reason
    else:
        end_text(session, now=now, message=message, state="blocked", reason=reason)
        return Blocked(reason)
    return Held(message.not_before)


EARLIER_PART = """
SELECT FROM messages WHERE conversation_id = %s AND id < %s AND author = 'agent'
  AND state IN ('queued', 'sending') AND retry_of IS NULL
ORDER BY id DESC LIMIT 1 FOR UPDATE
"""


def parts_before_wait(session: Session, text: Any) -> bool:
    """Whether an agent's earlier text to this buyer is still on its way to the provider.

    It is locked: either its settlement is seen here, or it sees that this text waits. A second
    attempt, hours after the first, holds up nothing.
    """
    if text.author != "agent":
        return False
    earlier = session.sql(EARLIER_PART, text.conversation_id, text.id)
    return earlier.one_or_none() is not None


def wrote_since_the_miss(text: Any) -> bool:
    """Whether the buyer was heard of since the first attempt at this text did not arrive."""
    heard: datetime | None = text.last_inbound_at
    return text.retry_of is not None and heard is not None and heard >= text.created_at


def outlives_pause(message: Message, verdict: Denied, now: datetime) -> bool:
    """Whether this text waits for the shop's line to be mended. An agent's is not kept: its
    author is told at once and may choose another way."""
    return (
        verdict.reason is Reason.SENDER_PAUSED
        and message.purpose in PROACTIVE
        and now - message.created_at < PAUSE_OUTLIVED
    )


ACCEPTED = """
UPDATE messages SET state = 'accepted', reason = NULL, provider_sid = %(sid)s, sent_at = %(now)s
WHERE id = %(message)s AND provider_sid IS NULL
RETURNING shop_id, conversation_id, purpose
"""


def settle_accepted(session: Session, *, now: datetime, message_id: int, provider_sid: str) -> None:
    """The provider took it. A status report may have said so before us.

    Whatever the row says by now: a recovery may have put it back, and somebody called it off,
    while the call was still under way.
    """
    text = session.sql(
        ACCEPTED, {"sid": provider_sid, "now": now, "message": message_id}
    ).one_or_none()
    if text is None:
        if lock(session, message_id).provider_sid != provider_sid:
            log.error("the provider took one text twice", message_id=message_id)
        return
    purpose = text.purpose or ""
    session.publish(
        TextAccepted(
            shop_id=text.shop_id,
            message_id=message_id,
            conversation_id=text.conversation_id,
            purpose=purpose,
        ),
        now=now,
    )
    bind_waiting(
        session,
        now=now,
        shop_id=text.shop_id,
        message_id=message_id,
        provider_sid=provider_sid,
    )
    TEXTS_SENT.labels(purpose).inc()


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
    if state != "blocked":  # of which the verdict tells
        session.add(
            MessageStatusEvent(
                shop_id=message.shop_id,
                message_id=message.id,
                status=state,
                reason=reason,
                error_code=message.error_code,
                at=now,
            )
        )
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
