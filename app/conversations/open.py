"""The thread of a contact, made when there is none yet."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from app.conversations.models import Conversation
from app.foundation.db import Session


def open_conversation(
    session: Session, *, now: datetime, shop_id: int, contact_id: int, order_id: int | None
) -> Conversation:
    """The one durable conversation of this contact, locked; about `order_id` from now on."""
    session.execute(
        insert(Conversation)
        .values(shop_id=shop_id, contact_id=contact_id, last_message_at=now)
        .on_conflict_do_nothing(index_elements=["shop_id", "contact_id"])
    )
    conversation = session.scalars(
        sa.select(Conversation)
        .where(Conversation.shop_id == shop_id, Conversation.contact_id == contact_id)
        .with_for_update()
    ).one()
    conversation.order_id = order_id or conversation.order_id
    return conversation
