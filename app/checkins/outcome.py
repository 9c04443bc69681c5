"""What became of a check-in's text, and whether the buyer answered.

`mark_sent`, `mark_ended` and `follow_retry` run now, when messaging knows; `record_answers` is a
job.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa

from app.checkins.facts import read_facts
from app.checkins.models import CheckIn
from app.checkins.reasons import GOES_ONCE_MORE, LEFT_BEFORE
from app.checkins.send import out_of_place
from app.consent.permission import Purpose
from app.consent.verdicts import Reason
from app.foundation.db import Session
from app.messaging.events import TextEnded, TextRetried, TextsAccepted
from app.messaging.queue import cancel_text

OF_CHECK_INS = (Purpose.CHECK_IN.value, Purpose.FOLLOW_UP.value)

SENT = """
UPDATE check_ins SET state = 'sent', sent_at = %(now)s, ended_at = NULL,
  reason = CASE state WHEN 'cancelled' THEN %(left_before)s || reason END
WHERE id = ANY (ARRAY(
  SELECT id FROM check_ins
  WHERE message_id = ANY(%(messages)s) AND state IN ('queued', 'skipped', 'cancelled')
  ORDER BY id FOR UPDATE))
"""
ANSWERED = """
UPDATE check_ins SET state = 'answered', reason = NULL, answered_at = %(now)s
WHERE id = ANY (ARRAY(
  SELECT id FROM check_ins
  WHERE (state = 'sent' OR reason = %(once_more)s) AND id = ANY (ARRAY(
    SELECT latest.id FROM unnest(%(contacts)s::bigint[]) AS buyer(id) CROSS JOIN LATERAL (
      SELECT i.id FROM check_ins i JOIN orders o ON o.id = i.order_id
      WHERE o.contact_id = buyer.id AND (i.state = 'sent' OR i.reason = %(once_more)s)
      ORDER BY i.id DESC LIMIT 1) AS latest))
  ORDER BY id FOR UPDATE))
"""


def mark_sent(session: Session, event: TextsAccepted, *, now: datetime) -> None:
    """The buyer gets the text, whatever was decided meanwhile: one that was called off while it
    was leaving is `sent`, and its reason says what came too late."""
    texts = [text.message_id for text in event.texts if text.purpose in OF_CHECK_INS]
    if texts:
        session.sql(SENT, {"left_before": LEFT_BEFORE, "now": now, "messages": texts})


def mark_ended(session: Session, event: TextEnded, *, now: datetime) -> None:
    """Not sent after all, or sent and not delivered; `unknown` counts as sent."""
    if event.purpose not in OF_CHECK_INS or event.state == "unknown":
        return
    state = "cancelled" if event.state == "cancelled" else "skipped"
    session.execute(
        sa.update(CheckIn)
        .where(CheckIn.message_id == event.message_id)
        .where(CheckIn.state.in_(("queued", "sent")))
        .values(state=state, reason=event.reason, ended_at=now)
    )


def follow_retry(session: Session, event: TextRetried, *, now: datetime) -> None:
    """The check-in's text goes once more: the check-in is that text from here on. If the order
    has meanwhile become one that is not asked about, the text is called off instead.

    The order is locked by the caller, see `messaging.locks.lock_text`.
    """
    if event.purpose not in OF_CHECK_INS:
        return
    check_in = session.scalars(
        sa.select(CheckIn).where(CheckIn.message_id == event.first_id).with_for_update()
    ).one_or_none()
    if check_in is None:
        cancel_text(session, now=now, message_id=event.message_id, reason="called_off")
        return
    reason = why_not_again(session, check_in, now=now)
    if reason is not None:
        cancel_text(session, now=now, message_id=event.message_id, reason=reason)
        return
    check_in.message_id, check_in.state = event.message_id, "queued"
    check_in.reason, check_in.ended_at = GOES_ONCE_MORE, None


def why_not_again(session: Session, check_in: CheckIn, *, now: datetime) -> str | None:
    if check_in.state == "cancelled":
        return check_in.reason
    if check_in.state == "answered":
        return Reason.ALREADY_TALKING.value
    [facts] = read_facts(session, [check_in.id])
    return out_of_place(facts, now=now)


def record_answers(session: Session, *, now: datetime, contact_ids: Sequence[int]) -> None:
    """These buyers wrote: of each the latest open check-in is answered, also one of which the
    carrier says that it did not arrive."""
    values = {"now": now, "contacts": list(contact_ids), "once_more": GOES_ONCE_MORE}
    session.sql(ANSWERED, values)
