"""Learn the fate of a text whose answer never came, by asking what the provider lists.

Two ways lead here. The call broke off (`unknown`): the text may be on its way, so it is bound if
the provider lists it, and else stays unknown, shown to a human, never sent again. Or the sender
process died while the row said `sending`: nothing can still be under way once the call's
time-outs have passed, so a text that the provider does not list, twice, some seconds apart, was
never handed over, and goes back to the queue, once.

No row stays `sending`. The ticker alone sees to that (`ask_about_lost`), whatever became of the
call, of the jobs and of Redis: each row that has been `sending` for `LOST` is asked about; again
every `ASK_AGAIN` if the job brought nothing back, for it may have been given up or lost; and after
an hour it is `unknown`. A provider that refuses the look-up makes it `unknown` at once. An
`unknown` row is asked about less and less often, and no more after a day.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import sqlalchemy as sa

from app.foundation.db import LaterWork, Session
from app.messaging.locks import lock
from app.messaging.models import Message
from app.messaging.ports import SentText
from app.messaging.settle import end_text, look_up_in, put_back, settle_accepted

UNSETTLED = ("sending", "unknown")
AGAIN_SECONDS = (10.0, 60.0, 300.0, 1800.0)  # between the looks for an `unknown`
# 20 s to time out, 2 s to be found and these make a killed sender's text leave within a minute.
LOOKS_FOR_A_LOST_CALL = 2
LOST_CALL_AGAIN_SECONDS = 10.0

# The database's own time: a claim older than the call's time-outs has nobody behind it any more.
LOST = """
SELECT id, shop_id, state = 'sending' AND claimed_at < now() - interval '1 hour' AS given_up
FROM messages
WHERE state = 'sending' AND claimed_at < now() - interval '20 seconds'
    AND (look_up_at IS NULL OR look_up_at <= now())
  OR state = 'unknown' AND look_up_at <= now()
ORDER BY claimed_at LIMIT %s FOR UPDATE SKIP LOCKED
"""
ASK_AGAIN = "UPDATE messages SET look_up_at = now() + interval '5 minutes' WHERE id = ANY(%s)"
# Without an answer: after a quarter of the text's age, so that an outage of hours is no flood.
NO_ANSWER = """
UPDATE messages SET look_up_at = CASE
  WHEN state = 'unknown' AND claimed_at < now() - interval '24 hours' THEN NULL
  ELSE now() + greatest(interval '10 seconds', (now() - claimed_at) / 4) END
WHERE id = %s AND state IN ('sending', 'unknown') AND claimed_at = %s
"""


def ask_about_lost(session: Session, *, now: datetime, limit: int = 200) -> int:
    """Have texts looked up whose answer is missing. Works across shops; called by the ticker."""
    rows = session.sql(LOST, limit).all()
    for row in rows:
        if row.given_up:
            message = lock(session, row.id)
            end_text(session, now=now, message=message, state="unknown", reason="no_answer")
        session.later(
            LaterWork(
                shop_id=row.shop_id,
                topic="messaging.look_up",
                queue="send",
                payload={"message_id": row.id},
            )
        )
    session.sql(ASK_AGAIN, [row.id for row in rows])
    return len(rows)


def settle_look_up(
    session: Session,
    *,
    now: datetime,
    message_id: int,
    claimed_at: datetime | None,
    listed: Sequence[SentText],
) -> None:
    """Bind the text if it is among `listed`; else decide whether to look again.

    `claimed_at`: of the claim that was asked about; a newer one is not this look's business.
    """
    message = lock(session, message_id)
    if message.state not in UNSETTLED or message.claimed_at != claimed_at:
        return
    match = find_match(session, message=message, listed=listed)
    if match is not None:
        taken = {message.id: match.provider_sid}
        settle_accepted(session, now=now, shop_id=message.shop_id, taken=taken)
        return
    message.looked_up += 1
    if message.state == "unknown":
        more = message.looked_up <= len(AGAIN_SECONDS)
        look_up_in(message, AGAIN_SECONDS[message.looked_up - 1] if more else None)
    elif message.looked_up < LOOKS_FOR_A_LOST_CALL:
        look_up_in(message, LOST_CALL_AGAIN_SECONDS)
    elif message.attempts > 1:
        look_up_in(message, None)
        end_text(session, now=now, message=message, state="unknown", reason="no_answer")
    else:
        message.looked_up = 0
        put_back(session, now=now, message=message, reason="sender_died", not_before=now)


def settle_refused_look_up(
    session: Session, *, now: datetime, message_id: int, claimed_at: datetime | None
) -> None:
    """The provider does not let us look: nobody can say whether the text left."""
    message = lock(session, message_id)
    if message.state not in UNSETTLED or message.claimed_at != claimed_at:
        return
    look_up_in(message, None)
    if message.state == "sending":
        end_text(session, now=now, message=message, state="unknown", reason="no_answer")


def put_off_look_up(session: Session, *, message_id: int, claimed_at: datetime | None) -> None:
    """The provider could not answer now; the ticker asks again."""
    session.sql(NO_ANSWER, message_id, claimed_at)


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
