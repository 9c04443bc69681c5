"""A text of ours joins a thread: check-in, agent's reply, system answer.

Called by `checkins.send`, `helpdesk.receive_reply` and `conversations.route`. It is only queued
here; `messaging.send` asks permission in the moment it leaves.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

import sqlalchemy as sa

from app.consent.permission import Purpose
from app.conversations.events import MessageAdded
from app.conversations.models import Conversation
from app.foundation.db import Session
from app.messaging.locks import lock_contact
from app.messaging.models import Message
from app.messaging.queue import NewText, Photo, queue_text
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
    order_id: int | None = None
    photos: Sequence[Photo] = ()


def add_own_text(
    session: Session, *, now: datetime, conversation: Conversation, text: OwnText
) -> Added | AlreadyAdded:
    """Add one of our texts, in several parts if it is too long for one, and queue them."""
    parts = split_text(text.body) or [""]
    existing = session.scalars(
        sa.select(Message.id)
        .where(Message.shop_id == conversation.shop_id)
        .where(Message.dedupe_key.in_([f"{text.key}#{n}" for n in range(len(parts))]))
        .order_by(Message.id)
    ).all()
    if existing:
        return AlreadyAdded(tuple(existing))
    ids = []
    for number, part in enumerate(parts):
        message = queue_text(
            session,
            now=now,
            text=NewText(
                shop_id=conversation.shop_id,
                contact_id=conversation.contact_id,
                conversation_id=conversation.id,
                body=part,
                author=text.author,
                author_name=text.author_name,
                purpose=text.purpose,
                key=f"{text.key}#{number}",
                order_id=text.order_id,
                photos=text.photos if number == 0 else (),
            ),
        )
        ids.append(message.id)
        session.publish(
            MessageAdded(
                shop_id=conversation.shop_id,
                conversation_id=conversation.id,
                message_id=message.id,
                outbound=True,
                author=text.author,
            ),
            now=now,
        )
    conversation.last_message_at = now
    if text.author in ("agent", "assistant"):
        conversation.waiting_since = None
    return Added(tuple(ids))


def reply_as_agent(
    session: Session,
    *,
    now: datetime,
    conversation_id: int,
    body: str,
    agent_name: str,
    key: str,
    photos: Sequence[Photo] = (),
) -> Added | AlreadyAdded:
    """A human's reply, written in a helpdesk. The thread is theirs from here on."""
    contact_id = session.scalars(
        sa.select(Conversation.contact_id).where(Conversation.id == conversation_id)
    ).one()
    lock_contact(session, contact_id)  # first, see `messaging.locks`
    conversation = session.scalars(
        sa.select(Conversation).where(Conversation.id == conversation_id).with_for_update()
    ).one()
    conversation.handled_by = "agent"
    conversation.state = "open"
    return add_own_text(
        session,
        now=now,
        conversation=conversation,
        text=OwnText(
            body=body,
            author="agent",
            author_name=agent_name,
            purpose=Purpose.AGENT_REPLY,
            key=key,
            photos=photos,
        ),
    )
