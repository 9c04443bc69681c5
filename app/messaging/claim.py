"""Texts that may leave now are claimed, one transaction before the call. See `messaging.send`.

Asked here, with the contacts locked: permission, for the last time. What is claimed holds a place
in the sender's line, says `sending` and has its verdict stored; what is not says why it stays.
Claimed together are texts of one shop, of one buyer at most one: what this text uses up of the
caps, the next one has to see.

An agent's texts to one buyer leave in their order: a later one waits, without looking, until the
earlier one is settled, and is woken in that transaction (`messaging.queue.wake_next_part`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from app.consent.permission import PROACTIVE, Purpose
from app.consent.verdicts import Allowed, Denied, NotBefore, Reason
from app.foundation.db import Session
from app.messaging.locks import lock
from app.messaging.models import Message
from app.messaging.permit import Subject, ask_permissions
from app.messaging.ports import OutboundText
from app.messaging.settle import end_text

BURST = timedelta(seconds=1)  # this much ahead of its place a text may leave
# A place that was not used is lost: what was held over night must not leave all at once at ten.
PLACE_KEPT = timedelta(minutes=15)
# A check-in's text outlives a pause of the shop's line, up to the time at which it is too late.
LOOK_AT_PAUSED_LINE = timedelta(hours=1)
PAUSE_OUTLIVED = timedelta(days=3)
LONGEST_VALIDITY = 36_000  # seconds; the provider's limit
SHORTEST_VALIDITY = 60

MediaAddress = Callable[[int, int], str]
"""(shop_id, media_id) -> a signed, short-lived address the provider can fetch."""


@dataclass(frozen=True)
class Claimed:
    """Yours to hand over, once, at once."""

    text: OutboundText
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


@dataclass(frozen=True)
class NextTime:
    """Another text to the same buyer was claimed: ask again after that one's transaction."""


Outcome = Claimed | Held | Blocked | NotWaiting | NextTime


@dataclass(frozen=True)
class Claim:
    """What became of each text asked for."""

    outcomes: Mapping[int, Outcome]
    sender: Any  # what `messaging.access.access_to` reads of the shop's line; None: nothing claimed

    @property
    def claimed(self) -> list[Claimed]:
        return [one for one in self.outcomes.values() if isinstance(one, Claimed)]


# The contacts come first, and in a statement of their own, see `messaging.locks`.
LOCK_CONTACTS_OF = """
SELECT FROM contacts
WHERE id IN (SELECT contact_id FROM messages WHERE id = ANY(%s) AND state = 'queued')
ORDER BY id FOR UPDATE
"""

# Waits for whoever holds a text: a claim that passed over it would end this job, and if the
# other one is then undone, nobody would come for this text again.
QUEUED = """
SELECT m.id, m.shop_id, m.contact_id, m.conversation_id, m.order_id, m.author, m.purpose, m.body,
  m.segments, m.retry_of, m.slot_at, m.created_at, c.phone, c.last_inbound_at,
  ARRAY(SELECT p.id FROM media p WHERE p.message_id = m.id AND p.state = 'stored'
        ORDER BY p.ordinal) AS photos
FROM messages m JOIN contacts c ON c.id = m.contact_id
WHERE m.id = ANY(%(messages)s) AND m.state = 'queued'
  AND (m.not_before IS NULL OR m.not_before <= %(now)s)
ORDER BY m.id FOR UPDATE OF m
"""

# As many places as there are segments, from `first` on. For none the line stays as it is.
TAKE_PLACES = """
UPDATE senders SET next_slot_at = greatest(next_slot_at, %(now)s::timestamptz)
  + make_interval(secs => %(segments)s / segments_per_second)
WHERE shop_id = %(shop)s AND state = 'active'
RETURNING id, account_sid, auth_token, messaging_service_sid, phone, door_key, segments_per_second,
  next_slot_at - make_interval(secs => %(segments)s / segments_per_second) AS first
"""

CLAIM = """
UPDATE messages SET state = 'sending', reason = NULL, sender_id = %(sender)s,
  attempts = attempts + 1, looked_up = 0, look_up_at = NULL, claimed_at = clock_timestamp(),
  expires_at = t.expires
FROM unnest(%(messages)s::bigint[], %(expire)s::timestamptz[]) AS t(id, expires)
WHERE messages.id = t.id RETURNING messages.id, attempts
"""

# As rows, never asleep after the claim: a STOP meanwhile must find them.
STAND_IN_LINE = """
UPDATE messages SET slot_at = t.slot, not_before = t.slot, reason = 'in_line'
FROM unnest(%s::bigint[], %s::timestamptz[]) AS t(id, slot)
WHERE messages.id = t.id
"""


def claim_texts(
    session: Session,
    *,
    now: datetime,
    shop_id: int,
    message_ids: Sequence[int],
    media_address: MediaAddress,
) -> Claim:
    """Take those queued texts that may leave now."""
    outcomes: dict[int, Outcome] = dict.fromkeys(message_ids, NotWaiting())
    session.sql(LOCK_CONTACTS_OF, list(message_ids))
    texts = session.sql(QUEUED, {"messages": list(message_ids), "now": now}).all()
    asked: dict[int, Any] = {}  # contact -> text
    for text in texts:
        if text.contact_id in asked:
            outcomes[text.id] = NextTime()
        elif parts_before_wait(session, text):
            waiting = lock(session, text.id)
            waiting.not_before, waiting.reason = None, "in_order"
            outcomes[text.id] = Held(None)
        else:
            asked[text.contact_id] = text
    subjects = [subject_of(text) for text in asked.values()]
    verdicts = ask_permissions(session, now=now, subjects=subjects)
    allowed: list[tuple[Any, Allowed]] = []
    for text, verdict in zip(asked.values(), verdicts, strict=True):
        if isinstance(verdict, Allowed):
            allowed.append((text, verdict))
        else:
            message = lock(session, text.id)
            outcomes[text.id] = stay(session, now=now, message=message, verdict=verdict)
    if not allowed:
        return Claim(outcomes, None)
    line, slots = take_places(
        session, now=now, shop_id=shop_id, texts=[each[0] for each in allowed]
    )
    # A buyer who waits for an answer does not stand in line behind check-ins.
    in_line = {
        text.id: slots[text.id]
        for text, _ in allowed
        if Purpose(text.purpose) in PROACTIVE and slots[text.id] - now > BURST
    }
    if in_line:
        session.sql(STAND_IN_LINE, list(in_line), list(in_line.values()))
        outcomes |= {text_id: Held(slot) for text_id, slot in in_line.items()}
    leaving = [each for each in allowed if each[0].id not in in_line]
    attempts = mark_claimed(session, sender_id=line.id, leaving=leaving)
    for text, verdict in leaving:
        outcomes[text.id] = Claimed(outbound(text, verdict, now, media_address), attempts[text.id])
    return Claim(outcomes, line)


def subject_of(text: Any) -> Subject:
    return Subject(
        shop_id=text.shop_id,
        contact_id=text.contact_id,
        purpose=Purpose(text.purpose or ""),
        order_id=text.order_id,
        message_id=text.id,
        retry_of=text.retry_of,
        being_helped=wrote_since_the_miss(text),
    )


def take_places(
    session: Session, *, now: datetime, shop_id: int, texts: Sequence[Any]
) -> tuple[Any, dict[int, datetime]]:
    """The shop's line, and each text's place in it: its own, if it has stood there, or a new one
    behind all others."""
    slots = {
        text.id: text.slot_at
        for text in texts
        if text.slot_at is not None and now - text.slot_at <= PLACE_KEPT
    }
    new = [text for text in texts if text.id not in slots]
    segments = float(sum(text.segments for text in new))
    line = session.sql(TAKE_PLACES, {"now": now, "segments": segments, "shop": shop_id}).one()
    place = line.first
    for text in new:
        slots[text.id] = place
        place += timedelta(seconds=text.segments / line.segments_per_second)
    return line, slots


def mark_claimed(
    session: Session, *, sender_id: int, leaving: Sequence[tuple[Any, Allowed]]
) -> dict[int, int]:
    """Which attempt at each text this is."""
    if not leaving:
        return {}
    asked = {
        "sender": sender_id,
        "messages": [text.id for text, _ in leaving],
        "expire": [verdict.window_end for _, verdict in leaving],
    }
    return {row.id: row.attempts for row in session.sql(CLAIM, asked)}


def outbound(
    text: Any, verdict: Allowed, now: datetime, media_address: MediaAddress
) -> OutboundText:
    validity = int((verdict.window_end - now).total_seconds())
    return OutboundText(
        message_id=text.id,
        to=text.phone,
        body=text.body,
        media_urls=[media_address(text.shop_id, photo) for photo in text.photos],
        validity_seconds=max(SHORTEST_VALIDITY, min(LONGEST_VALIDITY, validity)),
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
