"""A text that did not reach its phone goes once more, hours later, as a row of its own.

Called by `messaging.codes` for codes that say "out of reach" (`CodeAction.RETRY_ONCE`). The second
row has the words, photos and author of the first and passes permission like any other: the first
does not count against it, an opt-out cancels it, and a check-in stands down if the buyer has
written meanwhile. Its key is made of the first one's, so there is one second attempt, and none of
a second attempt. An automatic answer is not repeated: hours later it answers nothing.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import sqlalchemy as sa

from app.consent.permission import PROACTIVE, Purpose
from app.foundation.db import Session
from app.messaging.events import TextRetried
from app.messaging.models import Media, Message

# A phone that was off, in the air or out of coverage is mostly back within the same day. A text
# missed at noon goes in the afternoon; one missed in the evening waits for the lawful morning.
RETRY_AFTER = timedelta(hours=4)
REPEATED = (*(purpose.value for purpose in PROACTIVE), Purpose.AGENT_REPLY.value)
MISSED = ("undelivered", "failed")


def may_go_once_more(message: Message) -> bool:
    return (
        message.retry_of is None
        and message.purpose in REPEATED
        and message.state in MISSED
        and message.dedupe_key is not None
    )


def queue_retry(session: Session, *, now: datetime, message: Message) -> Message | None:
    """The second attempt, held for `RETRY_AFTER`. None if there is one already.

    The caller has asked `may_go_once_more`, and locked the text with `messaging.locks.lock_text`.
    """
    if session.scalar(sa.select(Message.id).where(Message.retry_of == message.id).limit(1)):
        return None
    again = Message(
        shop_id=message.shop_id,
        contact_id=message.contact_id,
        conversation_id=message.conversation_id,
        direction="out",
        author=message.author,
        author_name=message.author_name,
        written_by=message.written_by,
        purpose=message.purpose,
        body=message.body,
        segments=message.segments,
        state="queued",
        reason="second_attempt",
        # Begins as the first one's does, for a helpdesk knows its own replies by that.
        dedupe_key=f"{message.dedupe_key}:again",
        retry_of=message.id,
        order_id=message.order_id,
        not_before=now + RETRY_AFTER,
        created_at=now,
        media=[
            Media(
                shop_id=photo.shop_id,
                ordinal=photo.ordinal,
                state="stored",
                storage_key=photo.storage_key,
                content_type=photo.content_type,
                size_bytes=photo.size_bytes,
                width=photo.width,
                height=photo.height,
            )
            for photo in message.media
            if photo.state == "stored"
        ],
    )
    session.add(again)
    session.flush()
    session.publish(
        TextRetried(
            shop_id=message.shop_id,
            first_id=message.id,
            message_id=again.id,
            purpose=message.purpose or "",
        ),
        now=now,
    )
    return again
