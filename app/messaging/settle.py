"""What the provider answered is stored, one transaction after the call. See `messaging.send`.

A settlement names its attempt: an earlier one's late refusal changes nothing. Whoever proves that
the provider took a text is believed, whatever the row said meanwhile.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

import sqlalchemy as sa
import structlog

from app.foundation.db import Session
from app.foundation.errors import Temporary, Unknowable
from app.foundation.metrics import TEXTS_ENDED, TEXTS_SENT
from app.messaging.events import AcceptedText, TextEnded, TextsAccepted
from app.messaging.locks import lock, lock_text
from app.messaging.models import Message, MessageStatusEvent
from app.messaging.ports import CodeAction, Rejected
from app.messaging.status import bind_waiting

log = structlog.get_logger()

RETRIES = 8  # of what the provider certainly did not take
FIRST_LOOK_UP_SECONDS = 15.0

# Locked by their ids first, see `messaging.locks`.
ACCEPTED = """
WITH taken AS (
  SELECT m.id, t.sid FROM messages m
  JOIN unnest(%(messages)s::bigint[], %(sids)s::text[]) AS t(id, sid) ON t.id = m.id
  WHERE m.provider_sid IS NULL ORDER BY m.id FOR UPDATE OF m)
UPDATE messages SET state = 'accepted', reason = NULL, provider_sid = taken.sid, sent_at = %(now)s
FROM taken WHERE messages.id = taken.id
RETURNING messages.id, conversation_id, purpose
"""


def settle_accepted(
    session: Session, *, now: datetime, shop_id: int, taken: Mapping[int, str]
) -> None:
    """The provider took these texts; `taken`: our id -> the provider's.

    A status report may have said so before us. Whatever the rows say by now: a recovery may have
    put one back, and somebody called it off, while the call was still under way.
    """
    asked = {"now": now, "messages": list(taken), "sids": list(taken.values())}
    texts = session.sql(ACCEPTED, asked).all()
    for message_id in taken.keys() - {text.id for text in texts}:
        if lock(session, message_id).provider_sid != taken[message_id]:
            log.error("the provider took one text twice", message_id=message_id)
    if not texts:
        return
    accepted = tuple(
        AcceptedText(text.id, text.conversation_id, text.purpose or "") for text in texts
    )
    session.publish(TextsAccepted(shop_id=shop_id, texts=accepted), now=now)
    bind_waiting(session, now=now, shop_id=shop_id, bound={t.id: taken[t.id] for t in texts})
    for text in accepted:
        TEXTS_SENT.labels(text.purpose).inc()


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
