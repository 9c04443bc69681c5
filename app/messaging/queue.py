"""Texts of ours are written down to be sent. Nothing is decided here but that they exist.

Called by `conversations.reply`. Permission is asked when they leave, in `messaging.claim`.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from app.consent.events import ConsentRevoked
from app.consent.permission import Purpose
from app.foundation.db import LaterWork, Session
from app.messaging.events import AcceptedText, TextEnded, TextsAccepted
from app.messaging.models import Media, Message, MessageStatusEvent
from app.messaging.photos import refer_to
from app.messaging.segments import count_segments


@dataclass(frozen=True)
class Photo:
    """A picture that lies in the media room already."""

    storage_key: str
    content_type: str
    size_bytes: int
    width: int
    height: int


@dataclass(frozen=True)
class NewText:
    shop_id: int
    contact_id: int
    conversation_id: int
    body: str = field(repr=False)
    author: str  # assistant | agent | system
    purpose: Purpose
    key: str  # unique in the shop
    author_name: str | None = field(default=None, repr=False)
    written_by: str | None = None
    order_id: int | None = None
    photos: Sequence[Photo] = ()


QUEUE = """
INSERT INTO messages (shop_id, contact_id, conversation_id, direction, author, author_name,
  written_by, purpose, body, segments, state, dedupe_key, order_id, created_at)
SELECT shop_id, contact_id, conversation_id, 'out', author, author_name, written_by, purpose, body,
  segments, 'queued', key, order_id, %s
FROM jsonb_to_recordset(%s::jsonb) AS t(shop_id bigint, contact_id bigint, conversation_id bigint,
  author text, author_name text, written_by text, purpose text, body text, segments int, key text,
  order_id bigint)
ON CONFLICT (shop_id, dedupe_key) DO NOTHING RETURNING id, dedupe_key
"""


def queue_texts(session: Session, *, now: datetime, texts: Sequence[NewText]) -> dict[str, int]:
    """Store texts of one shop as `queued`; key -> id, without those whose key there is already.

    The caller publishes what makes them leave. Raises Postponed if a photo of one is being deleted
    just now.
    """
    rows = session.sql(QUEUE, now, json.dumps([as_row(text) for text in texts])).all()
    ids = {row.dedupe_key: row.id for row in rows}
    for text in texts:
        if text.key in ids:
            attach(session, message_id=ids[text.key], text=text)
    return ids


def as_row(text: NewText) -> dict[str, Any]:
    return {
        "shop_id": text.shop_id,
        "contact_id": text.contact_id,
        "conversation_id": text.conversation_id,
        "author": text.author,
        "author_name": text.author_name,
        "written_by": text.written_by,
        "purpose": text.purpose.value,
        "body": text.body,
        "segments": max(1, count_segments(text.body).segments),
        "key": text.key,
        "order_id": text.order_id,
    }


def attach(session: Session, *, message_id: int, text: NewText) -> None:
    for ordinal, photo in enumerate(text.photos):
        refer_to(session, photo.storage_key)
        session.add(
            Media(
                shop_id=text.shop_id,
                message_id=message_id,
                ordinal=ordinal,
                state="stored",
                storage_key=photo.storage_key,
                content_type=photo.content_type,
                size_bytes=photo.size_bytes,
                width=photo.width,
                height=photo.height,
            )
        )


def cancel_for_contact(session: Session, event: ConsentRevoked, *, now: datetime) -> None:
    """Nothing queued before an opt-out leaves after it, whoever wrote it."""
    which = (Message.contact_id == event.contact_id) & (
        Message.purpose != Purpose.OPT_OUT_CONFIRMATION.value
    )
    _cancel(session, which, now=now, reason="opted_out")


def cancel_for_contacts(session: Session, *, now: datetime, contact_ids: Sequence[int]) -> None:
    """Nothing is sent any more to buyers who are to be forgotten. The caller has locked them."""
    _cancel(session, Message.contact_id.in_(contact_ids), now=now, reason="redacted")


def _cancel(session: Session, which: sa.ColumnElement[bool], *, now: datetime, reason: str) -> None:
    waiting = (
        sa.select(Message.id)
        .where(which, Message.direction == "out", Message.state == "queued")
        .order_by(Message.id)
        .with_for_update()
    )
    ended = (
        sa.update(Message)
        .where(Message.id.in_(waiting), Message.state == "queued")
        .values(state="cancelled", reason=reason)
        .returning(Message.id, Message.shop_id, Message.conversation_id, Message.purpose)
        .cte("ended")
    )
    kept = sa.insert(MessageStatusEvent).from_select(
        ["shop_id", "message_id", "status", "reason", "at"],
        sa.select(
            ended.c.shop_id,
            ended.c.id,
            sa.literal("cancelled"),
            sa.literal(reason),
            sa.literal(now),
        ),
    )
    for row in session.execute(sa.select(ended).add_cte(kept.cte("kept"))).all():
        session.publish(
            TextEnded(
                shop_id=row.shop_id,
                message_id=row.id,
                conversation_id=row.conversation_id,
                purpose=row.purpose,
                state="cancelled",
                reason=reason,
            ),
            now=now,
        )


CANCEL = """
WITH ended AS (
  UPDATE messages SET reason = %(reason)s,
    state = CASE state WHEN 'queued' THEN 'cancelled' ELSE state END
  WHERE id = %(message)s AND state IN ('queued', 'sending') RETURNING shop_id, id, state),
kept AS (
  INSERT INTO message_status_events (shop_id, message_id, status, reason, at)
  SELECT shop_id, id, state, %(reason)s, %(now)s FROM ended WHERE state = 'cancelled')
SELECT state FROM ended
"""


def cancel_text(session: Session, *, now: datetime, message_id: int, reason: str) -> bool:
    """Take one text back that has not left yet. False if it has, or is just leaving.

    One that is being handed over keeps the reason: if the provider does not take it now, it is
    not handed over again.
    """
    session.flush()
    asked = {"message": message_id, "reason": reason, "now": now}
    row = session.sql(CANCEL, asked).one_or_none()
    return row is not None and row.state == "cancelled"


NEXT_PART = """
SELECT id FROM messages WHERE conversation_id = %s AND id > %s
  AND author = 'agent' AND state = 'queued' AND reason = 'in_order'
ORDER BY id LIMIT 1
"""


def wake_after_accepted(session: Session, event: TextsAccepted, *, now: datetime) -> None:
    for text in event.texts:
        wake_next_part(session, shop_id=event.shop_id, text=text)


def wake_after_ended(session: Session, event: TextEnded, *, now: datetime) -> None:
    wake_next_part(session, shop_id=event.shop_id, text=event)


def wake_next_part(session: Session, *, shop_id: int, text: AcceptedText | TextEnded) -> None:
    """An agent's text is settled, in this transaction: the one that waited behind it may go."""
    if text.purpose != Purpose.AGENT_REPLY.value:
        return
    row = session.sql(NEXT_PART, text.conversation_id, text.message_id).one_or_none()
    if row is not None:
        session.later(
            LaterWork(
                shop_id=shop_id,
                topic="messaging.send",
                queue="reply",
                payload={"message_id": row.id},
            )
        )
