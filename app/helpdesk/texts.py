"""Which texts of a conversation belong into its ticket, and which stand there already.

Read by `plan` and `catch_up`. `TicketLink.mirrored_to` is a low-water mark: all texts up to it are
settled. Texts past it are looked up in the ledger, because a text of ours may be accepted by the
provider after the buyer's next one has been mirrored.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import selectinload

from app.conversations.models import Conversation
from app.foundation.db import Session
from app.helpdesk.models import HelpdeskAccount, TicketLink
from app.messaging.models import Message

NOT_SENT_YET = ("queued", "sending", "unknown")
HISTORY = timedelta(days=7)  # how far back a first connection reaches
FORGET_UNKNOWN = timedelta(days=3)  # after which a text of unknown fate is not waited for
PHOTO_PATIENCE = timedelta(seconds=60)
MOST_TEXTS = 20  # in one comment; the helpdesk cuts a comment at 64 kB without a word
MOST_PHOTOS = 5
ORDER_NOTE = "order"  # key of the note with the order's facts

ALREADY_WRITTEN = """
SELECT link_id, message_ids, note_key FROM ticket_writes
WHERE link_id = ANY(%s) AND state = 'settled' AND (note_key = %s OR message_ids && %s::bigint[])
"""


@dataclass(frozen=True)
class Texts:
    """The texts past the mark, in the order in which they joined the thread."""

    waiting: tuple[Message, ...]  # belong into the ticket and do not stand there yet
    mark: int | None  # how far everything is settled; None: nothing moved
    unsent: tuple[int, ...]  # ids of ours that may still leave
    order_noted: bool  # the live ticket has its order note


def read_texts(
    session: Session,
    *,
    now: datetime,
    conversation: Conversation,
    account: HelpdeskAccount,
    links: Sequence[TicketLink],
    live: TicketLink | None,
) -> Texts:
    """What stands between the conversation and its ticket. `links`: all it ever had."""
    wanted = sa.select(Message).where(Message.conversation_id == conversation.id)
    if links:
        wanted = wanted.where(Message.id > max(link.mirrored_to for link in links))
    else:
        wanted = wanted.where(Message.created_at >= account.connected_at - HISTORY)
    texts = session.scalars(
        wanted.options(selectinload(Message.media))
        .order_by(Message.id)
        .execution_options(populate_existing=True)
    ).all()
    rows = session.sql(
        ALREADY_WRITTEN, [link.id for link in links], ORDER_NOTE, [text.id for text in texts]
    ).all()
    written = {one for row in rows for one in row.message_ids}
    mark = None
    for text in texts:
        if text.id not in written and not never_comes(text, account.kind, now):
            break
        mark = text.id
    return Texts(
        waiting=tuple(
            text for text in texts if text.id not in written and belongs(text, account.kind)
        ),
        mark=mark,
        unsent=tuple(text.id for text in texts if text.state in NOT_SENT_YET),
        order_noted=live is not None
        and any(row.note_key == ORDER_NOTE and row.link_id == live.id for row in rows),
    )


def belongs(text: Message, kind: str) -> bool:
    """The buyer's texts, and those of ours that the provider took, but for agents' replies that
    came from the helpdesk itself."""
    if text.direction == "in":
        return True
    return text.sent_at is not None and not _came_from(kind, text)


def never_comes(text: Message, kind: str, now: datetime) -> bool:
    """Whether this text has no place in the ticket, now or later."""
    if text.direction == "in":
        return False
    if _came_from(kind, text):
        return True
    if text.sent_at is not None:
        return False
    forgotten = text.state == "unknown" and now - text.created_at > FORGET_UNKNOWN
    return text.state not in NOT_SENT_YET or forgotten


def next_batch(waiting: Sequence[Message], now: datetime) -> list[Message]:
    """The oldest waiting texts of one author; empty while the first one's photos are loading."""
    batch: list[Message] = []
    photos = 0
    for text in waiting:
        if batch and (text.author, text.author_name) != (batch[0].author, batch[0].author_name):
            break
        photos += len(text.media)
        if batch and (len(batch) == MOST_TEXTS or photos > MOST_PHOTOS):
            break
        loading = any(photo.state == "pending" for photo in text.media)
        if loading and now - text.created_at < PHOTO_PATIENCE:
            break
        batch.append(text)
    return batch


def _came_from(kind: str, text: Message) -> bool:
    return (text.dedupe_key or "").startswith(f"{kind}:")
