"""Lines, texts, photos, and what carriers said of them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.foundation.columns import CreatedAt, Id, ShopId, Xid
from app.foundation.db import Base


class Sender(Base):
    """A shop's line at the provider: account, service, number, and its speed limit."""

    __tablename__ = "senders"

    id: Mapped[Id]
    shop_id: Mapped[ShopId]
    account_sid: Mapped[str]
    auth_token: Mapped[str]  # encrypted
    messaging_service_sid: Mapped[str]
    phone: Mapped[str]
    kind: Mapped[str]  # toll_free | ten_dlc | short_code
    segments_per_second: Mapped[float]
    next_slot_at: Mapped[datetime]  # when the next segment may leave
    door_key: Mapped[str] = mapped_column(unique=True)  # secret in the doors' path
    state: Mapped[str] = mapped_column(server_default="active")  # active | paused | retired
    pause_reason: Mapped[str | None]
    # The provider itself confirms STOP and START (its default), so that we must not.
    provider_confirms: Mapped[bool] = mapped_column(server_default="true")
    backfilled_at: Mapped[datetime | None]
    created_at: Mapped[CreatedAt]

    __table_args__ = (
        sa.Index("senders_one_line", "shop_id", unique=True, postgresql_where="state <> 'retired'"),
    )


class Message(Base):
    """One text, in or out. `state` moves forward only; see `messaging/states.py`."""

    __tablename__ = "messages"

    id: Mapped[Id]
    shop_id: Mapped[ShopId]
    contact_id: Mapped[int] = mapped_column(sa.ForeignKey("contacts.id", ondelete="CASCADE"))
    conversation_id: Mapped[int | None]
    sender_id: Mapped[int | None] = mapped_column(sa.ForeignKey("senders.id", ondelete="SET NULL"))
    direction: Mapped[str]  # in | out
    author: Mapped[str]  # contact | assistant | agent | system
    author_name: Mapped[str | None]
    # who exactly: agent:zendesk:8817 | copy:opener:<version>
    written_by: Mapped[str | None]
    # Of an outbound text, in consent's words; of an inbound one `join` if it was the shop's
    # keyword or the yes to our question, and so asks nothing of a human
    purpose: Mapped[str | None]
    body: Mapped[str]
    segments: Mapped[int] = mapped_column(server_default="1")
    state: Mapped[str]
    reason: Mapped[str | None]  # why blocked, cancelled, failed or unknown
    error_code: Mapped[str | None]
    provider_sid: Mapped[str | None]
    dedupe_key: Mapped[str | None]  # one text per check-in, per helpdesk comment part, …
    order_id: Mapped[int | None]
    turn: Mapped[int | None]  # texts within seconds share a turn
    not_before: Mapped[datetime | None]
    slot_at: Mapped[datetime | None]  # its place in the line of its sender, once it has one
    expires_at: Mapped[datetime | None]  # a proactive text must not be delivered later
    attempts: Mapped[int] = mapped_column(server_default="0")
    claimed_at: Mapped[datetime | None]  # the database's time, when a sender took it
    looked_up: Mapped[int] = mapped_column(server_default="0")  # times the list lacked it
    look_up_at: Mapped[datetime | None]  # the database's time; of an `unknown`: None for no more
    retry_of: Mapped[int | None]  # the text that did not arrive and goes once more as this row
    opt_out_type: Mapped[str | None]  # inbound: the provider has answered already
    raw: Mapped[dict[str, Any] | None]  # inbound form, for what we do not read yet
    created_at: Mapped[datetime]
    sent_at: Mapped[datetime | None]  # accepted by the provider
    delivered_at: Mapped[datetime | None]
    xid: Mapped[Xid]

    media: Mapped[list[Media]] = relationship(order_by="Media.ordinal")

    __table_args__ = (
        sa.Index("messages_provider", "shop_id", "provider_sid", unique=True),
        sa.Index("messages_dedupe", "shop_id", "dedupe_key", unique=True),
        sa.Index("messages_thread", "conversation_id", "id"),
        sa.Index("messages_contact", "contact_id", "created_at"),
        sa.Index("messages_by_age", "shop_id", "created_at"),
        sa.Index("messages_retry", "retry_of", postgresql_where="retry_of IS NOT NULL"),
        sa.Index("messages_to_seal", "shop_id", "xid", "id"),
        sa.Index(
            "messages_held",
            "not_before",
            postgresql_where="state = 'queued' AND not_before IS NOT NULL",
        ),
        sa.Index(
            "messages_in_flight",
            "claimed_at",
            postgresql_where="state IN ('sending', 'unknown')",
        ),
    )


class Media(Base):
    """A photo of a text. `stored` ones lie cleaned in the media room."""

    __tablename__ = "media"

    id: Mapped[Id]
    shop_id: Mapped[ShopId]
    message_id: Mapped[int] = mapped_column(sa.ForeignKey("messages.id", ondelete="CASCADE"))
    ordinal: Mapped[int]
    provider_url: Mapped[str | None]  # None: it is ours (an agent's attachment)
    declared_type: Mapped[str | None]
    state: Mapped[str] = mapped_column(server_default="pending")  # pending | stored | failed
    error: Mapped[str | None]
    content_type: Mapped[str | None]
    size_bytes: Mapped[int | None]
    width: Mapped[int | None]
    height: Mapped[int | None]
    storage_key: Mapped[str | None]
    provider_deleted_at: Mapped[datetime | None]

    __table_args__ = (
        sa.Index("media_message", "message_id", "ordinal", unique=True),
        sa.Index("media_storage", "storage_key", postgresql_where="storage_key IS NOT NULL"),
    )


class MessageStatus(Base):
    """What the provider reported, each status once; may come before its text is bound."""

    __tablename__ = "message_statuses"

    id: Mapped[Id]
    shop_id: Mapped[ShopId]
    provider_sid: Mapped[str]
    status: Mapped[str]
    error_code: Mapped[str | None]
    received_at: Mapped[CreatedAt]

    __table_args__ = (
        sa.Index("message_statuses_once", "shop_id", "provider_sid", "status", unique=True),
    )


class MessageStatusEvent(Base):
    """The history of a text's fate, kept for proof: append-only, where `message_statuses` is
    emptied. Reports carry the provider's id, our own endings the row's."""

    __tablename__ = "message_status_events"

    id: Mapped[Id]
    shop_id: Mapped[ShopId]
    message_id: Mapped[int | None]
    provider_sid: Mapped[str | None]
    status: Mapped[str]
    error_code: Mapped[str | None]
    reason: Mapped[str | None]
    at: Mapped[datetime]
    xid: Mapped[Xid]

    __table_args__ = (
        sa.Index(
            "message_status_events_message",
            "message_id",
            postgresql_where="message_id IS NOT NULL",
        ),
        sa.Index("message_status_events_once", "shop_id", "provider_sid", "status", unique=True),
        sa.Index("message_status_events_to_seal", "shop_id", "xid", "id"),
    )
