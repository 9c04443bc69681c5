"""Learn the fate of a text whose answer never came, by asking what the provider lists.

Two ways lead here. The call broke off (`unknown`): the text may be on its way, so it is bound if
the provider lists it, and else stays unknown, shown to a human, never sent again. Or the sender
process died while the row said `sending`: nothing can still be under way once the call's
time-outs have passed, so a text that the provider does not list, twice, some seconds apart, was
never handed over, and goes back to the queue, once.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import sqlalchemy as sa

from app.foundation.db import Session
from app.messaging.models import Message
from app.messaging.ports import SentText
from app.messaging.send import end_text, lock, look_up_later, settle_accepted

AGAIN_SECONDS = (10.0, 60.0, 300.0, 1800.0)
# `find_orphans` marks a lost call by counting one ahead, so this is two looks, ten seconds apart:
# 20 s to time out, 5 s to be found and these make a killed sender's text leave within a minute.
LOOK_UPS_OF_A_LOST_CALL = 3
LOST_CALL_AGAIN_SECONDS = 10.0

# The database's own time: a claim older than the call's time-outs has nobody behind it any more.
ORPHANED = """
SELECT id, shop_id FROM messages
WHERE state = 'sending' AND claimed_at < now() - interval '20 seconds' AND looked_up = 0
ORDER BY claimed_at LIMIT %s FOR UPDATE SKIP LOCKED
"""


def find_orphans(session: Session, *, limit: int = 200) -> int:
    """Have the texts looked up whose sender died. Works across shops; called by the ticker."""
    rows = session.sql(ORPHANED, limit).all()
    for row in rows:
        message = lock(session, row.id)
        message.looked_up = 1
        session.later(look_up_later(message, 0.0))
    return len(rows)


def settle_look_up(
    session: Session, *, now: datetime, message_id: int, listed: Sequence[SentText]
) -> None:
    """Bind the text if it is among `listed`; else decide whether to look again."""
    message = lock(session, message_id)
    if message.state not in ("sending", "unknown"):
        return
    match = find_match(session, message=message, listed=listed)
    if match is not None:
        settle_accepted(session, now=now, message_id=message.id, provider_sid=match.provider_sid)
        return
    message.looked_up += 1
    if message.state == "sending":
        if message.looked_up < LOOK_UPS_OF_A_LOST_CALL:
            session.later(look_up_later(message, LOST_CALL_AGAIN_SECONDS))
            return
        if message.attempts > 1:
            end_text(session, now=now, message=message, state="unknown", reason="no_answer")
            return
        message.state, message.reason, message.looked_up = "queued", "sender_died", 0
        message.slot_at = message.not_before = now
        return
    if message.looked_up <= len(AGAIN_SECONDS):
        session.later(look_up_later(message, AGAIN_SECONDS[message.looked_up - 1]))


def find_match(
    session: Session, *, message: Message, listed: Sequence[SentText]
) -> SentText | None:
    """The listed text that is this row's: same words, and no other row's already."""
    alike = [text for text in listed if text.body == message.body]
    if not alike:
        return None
    taken = set(
        session.scalars(
            sa.select(Message.provider_sid).where(
                Message.shop_id == message.shop_id,
                Message.provider_sid.in_([text.provider_sid for text in alike]),
            )
        )
    )
    free = [text for text in alike if text.provider_sid not in taken]
    return min(free, key=lambda text: text.created_at) if free else None


def since(message: Message) -> datetime:
    """How far back the provider's list must reach for this text."""
    return message.created_at - timedelta(minutes=5)
