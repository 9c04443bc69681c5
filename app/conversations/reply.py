"""A text of ours joins a thread: check-in, agent's reply, system answer.

Called by `checkins.send`, `helpdesk.receive_reply` and `conversations.route`. It is only queued
here; `messaging.claim` asks permission in the moment it leaves.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import sqlalchemy as sa

from app.consent.permission import Purpose
from app.conversations.events import MessageAdded
from app.conversations.holder import locked_thread
from app.conversations.models import Conversation
from app.conversations.open import Thread
from app.conversations.promise import keep_promises
from app.conversations.take_over import take_over
from app.foundation.db import Session
from app.messaging.locks import lock_contact
from app.messaging.models import Message
from app.messaging.queue import NewText, Photo, queue_texts
from app.messaging.segments import split_text


@dataclass(frozen=True)
class Added:
    message_ids: tuple[int, ...]


@dataclass(frozen=True)
class AlreadyAdded:
    """The same key added these texts before; nothing was done."""

    message_ids: tuple[int, ...]


@dataclass(frozen=True)
class OwnText:
    """A text to be added. `key` makes it unique: the same key never becomes a second text."""

    body: str = field(repr=False)
    author: str  # assistant | agent | system
    purpose: Purpose
    key: str
    author_name: str | None = field(default=None, repr=False)
    written_by: str | None = None  # agent:zendesk:8817 | copy:opener:<version>
    order_id: int | None = None
    photos: Sequence[Photo] = ()


def add_own_texts(
    session: Session, *, now: datetime, texts: Sequence[tuple[Thread, OwnText]]
) -> list[Added | AlreadyAdded]:
    """Add texts of ours, each in several parts if it is too long for one, and queue them.

    All of one shop. The caller has locked the threads, and notes there that they were written to.
    """
    parts = [parts_of(thread, text) for thread, text in texts]
    ids = queue_texts(session, now=now, texts=[part for of_one in parts for part in of_one])
    return [publish_added(session, now=now, parts=of_one, ids=ids) for of_one in parts]


def add_own_text(
    session: Session, *, now: datetime, thread: Thread, text: OwnText
) -> Added | AlreadyAdded:
    """The same for one."""
    [added] = add_own_texts(session, now=now, texts=[(thread, text)])
    return added


def parts_of(thread: Thread, text: OwnText) -> list[NewText]:
    return [
        NewText(
            shop_id=thread.shop_id,
            contact_id=thread.contact_id,
            conversation_id=thread.id,
            body=part,
            author=text.author,
            author_name=text.author_name,
            written_by=text.written_by,
            purpose=text.purpose,
            key=f"{text.key}#{number}",
            order_id=text.order_id,
            photos=text.photos if number == 0 else (),
        )
        for number, part in enumerate(split_text(text.body) or [""])
    ]


def publish_added(
    session: Session, *, now: datetime, parts: Sequence[NewText], ids: Mapping[str, int]
) -> Added | AlreadyAdded:
    """Say what was added of one text; `ids` has none of its parts if it was there already."""
    added = [ids[part.key] for part in parts if part.key in ids]
    if not added:
        return AlreadyAdded(texts_of(session, parts[0].shop_id, [part.key for part in parts]))
    for message_id in added:
        session.publish(
            MessageAdded(
                shop_id=parts[0].shop_id,
                conversation_id=parts[0].conversation_id,
                message_id=message_id,
                outbound=True,
                author=parts[0].author,
            ),
            now=now,
        )
    return Added(tuple(added))


def texts_of(session: Session, shop_id: int, keys: Sequence[str]) -> tuple[int, ...]:
    which = (Message.shop_id == shop_id) & Message.dedupe_key.in_(keys)
    return tuple(session.scalars(sa.select(Message.id).where(which).order_by(Message.id)))


def reply_as_agent(
    session: Session,
    *,
    now: datetime,
    conversation_id: int,
    body: str,
    agent_name: str,
    key: str,
    written_by: str | None = None,
    photos: Sequence[Photo] = (),
) -> Added | AlreadyAdded:
    """A human's reply, written in a helpdesk. The thread is theirs from here on."""
    contact_id = session.scalars(
        sa.select(Conversation.contact_id).where(Conversation.id == conversation_id)
    ).one()
    lock_contact(session, contact_id)  # first, see `messaging.locks`
    conversation = locked_thread(session, conversation_id)
    added = add_own_text(
        session,
        now=now,
        thread=Thread(conversation_id, conversation.shop_id, contact_id),
        text=OwnText(
            body=body,
            author="agent",
            author_name=agent_name,
            written_by=written_by,
            purpose=Purpose.AGENT_REPLY,
            key=key,
            photos=photos,
        ),
    )
    if isinstance(added, Added):
        # Not when it is heard a second time: the thread may have been handed back since.
        if conversation.state != "resolved":  # a last word leaves the matter done, as in a helpdesk
            conversation.state = "open"
        conversation.last_message_at, conversation.waiting_since = now, None
        keep_promises(session, now=now, conversation_id=conversation_id)
        by = written_by or "agent"
        take_over(session, now=now, conversation_id=conversation_id, by=by)
    return added
