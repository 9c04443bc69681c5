"""The durable thread of one contact with one shop, and what was promised in it."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.foundation.columns import CreatedAt, Id, ShopId
from app.foundation.db import Base


class Conversation(Base):
    __tablename__ = "conversations"

    id: Mapped[Id]
    shop_id: Mapped[ShopId]
    contact_id: Mapped[int] = mapped_column(sa.ForeignKey("contacts.id", ondelete="CASCADE"))
    state: Mapped[str] = mapped_column(server_default="open")  # open | snoozed | resolved
    handled_by: Mapped[str] = mapped_column(server_default="agent")  # assistant | agent
    order_id: Mapped[int | None] = mapped_column(sa.ForeignKey("orders.id", ondelete="SET NULL"))
    turn: Mapped[int] = mapped_column(server_default="0")
    turn_at: Mapped[datetime | None]  # last text of the current turn
    turn_began_with: Mapped[int | None]  # its first text
    waiting_since: Mapped[datetime | None]  # a buyer's text that nobody has answered yet
    raised_at: Mapped[datetime | None]  # a human was called for, or stepped in; see `holder`
    urgent_at: Mapped[datetime | None]  # the buyer wrote of danger; a human must look
    last_inbound_at: Mapped[datetime | None]
    last_message_at: Mapped[datetime]
    created_at: Mapped[CreatedAt]

    __table_args__ = (
        sa.Index("conversations_contact", "shop_id", "contact_id", unique=True),
        sa.Index("conversations_recent", "shop_id", "last_message_at"),
    )


class Promise(Base):
    """Something that we told the buyer we would do by a time."""

    __tablename__ = "promises"

    id: Mapped[Id]
    shop_id: Mapped[ShopId]
    conversation_id: Mapped[int] = mapped_column(
        sa.ForeignKey("conversations.id", ondelete="CASCADE")
    )
    kind: Mapped[str]  # human_answer
    state: Mapped[str] = mapped_column(server_default="open")  # open | kept | broken | released
    made_at: Mapped[datetime]
    due_at: Mapped[datetime]
    settled_at: Mapped[datetime | None]
    # The broken one for which we apologised with this one
    instead_of: Mapped[int | None] = mapped_column(
        sa.ForeignKey("promises.id", ondelete="CASCADE"), unique=True
    )

    __table_args__ = (
        sa.Index(
            "promises_one_open",
            "conversation_id",
            "kind",
            unique=True,
            postgresql_where="state = 'open'",
        ),
        sa.Index("promises_due", "due_at", postgresql_where="state = 'open'"),
        sa.Index("promises_conversation", "conversation_id", "id"),
    )
