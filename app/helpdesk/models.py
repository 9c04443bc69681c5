"""A shop's helpdesk account, our ties to its tickets, and the ledger of what we wrote there."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from app.foundation.columns import CreatedAt, Id, ShopId
from app.foundation.db import Base


class HelpdeskAccount(Base):
    __tablename__ = "helpdesk_accounts"

    id: Mapped[Id]
    shop_id: Mapped[ShopId]
    kind: Mapped[str]  # zendesk | gorgias; see `kinds`
    subdomain: Mapped[str]
    state: Mapped[str] = mapped_column(server_default="connected")  # connected | disconnected
    access_token: Mapped[str]  # encrypted
    refresh_token: Mapped[str]  # encrypted
    expires_at: Mapped[datetime]
    refresh_expires_at: Mapped[datetime | None]  # null: it does not end
    # Who refreshes holds this lease (the database's time), for refreshing kills both old tokens.
    refreshing_until: Mapped[datetime | None]
    bot_user_id: Mapped[str]
    door_key: Mapped[str] = mapped_column(unique=True)  # secret in the webhook's path
    webhook_id: Mapped[str | None]
    webhook_secret: Mapped[str | None]  # encrypted
    updates_per_minute: Mapped[int] = mapped_column(server_default="90")  # of the account's plan
    problem: Mapped[str | None]  # why it is disconnected, for the merchant
    connected_at: Mapped[datetime]
    created_at: Mapped[CreatedAt]

    __table_args__ = (sa.Index("helpdesk_accounts_shop", "shop_id", "kind", unique=True),)


LIVE = ("opening", "open", "solved")  # states of a link whose ticket takes this thread's texts


class TicketLink(Base):
    """Our tie to one ticket. A conversation has at most one that is live."""

    __tablename__ = "ticket_links"

    id: Mapped[Id]
    shop_id: Mapped[ShopId]
    account_id: Mapped[int] = mapped_column(
        sa.ForeignKey("helpdesk_accounts.id", ondelete="CASCADE")
    )
    conversation_id: Mapped[int] = mapped_column(
        sa.ForeignKey("conversations.id", ondelete="CASCADE")
    )
    state: Mapped[str]  # opening | open | solved | closed | gone
    external_id: Mapped[str] = mapped_column(unique=True)
    ticket_id: Mapped[str | None]
    requester_id: Mapped[str | None]
    follow_up_of: Mapped[str | None]
    mirrored_to: Mapped[int] = mapped_column(server_default="0")  # last message id in the ticket
    read_to: Mapped[str | None]  # last comment id that we have read
    wanted_state: Mapped[str | None]  # solved | open: as our side wants the ticket
    tag_obeyed: Mapped[str | None]  # a steering tag that is still to be taken off
    routed_as: Mapped[dict[str, Any] | None]  # what the shop's rules said last
    polled_at: Mapped[datetime | None]
    last_activity_at: Mapped[datetime]
    created_at: Mapped[CreatedAt]

    __table_args__ = (
        sa.Index(
            "ticket_links_one_open",
            "conversation_id",
            unique=True,
            postgresql_where="state IN ('opening', 'open', 'solved')",
        ),
        sa.Index("ticket_links_ticket", "account_id", "ticket_id"),
        sa.Index("ticket_links_conversation", "conversation_id", "id"),
        sa.Index(
            "ticket_links_lively",
            "account_id",
            "last_activity_at",
            postgresql_where="state IN ('open', 'solved')",
        ),
    )


class TicketWrite(Base):
    """The echo ledger: an intent before each write, settled with the helpdesk's comment id."""

    __tablename__ = "ticket_writes"

    id: Mapped[Id]
    shop_id: Mapped[ShopId]
    link_id: Mapped[int] = mapped_column(sa.ForeignKey("ticket_links.id", ondelete="CASCADE"))
    message_ids: Mapped[list[int]] = mapped_column(
        ARRAY(sa.BigInteger), server_default=sa.text("'{}'")
    )
    note_key: Mapped[str | None]  # a private note is written once per key
    body_hash: Mapped[str]
    # intent | settled | abandoned | refused: a history that the helpdesk does not take
    state: Mapped[str] = mapped_column(server_default="intent")
    comments: Mapped[int] = mapped_column(server_default="1")  # more: a thread's history
    comment_id: Mapped[str | None]  # the last of them
    intended_at: Mapped[CreatedAt]
    settled_at: Mapped[datetime | None]

    __table_args__ = (
        sa.Index("ticket_writes_comment", "link_id", "comment_id"),
        sa.Index("ticket_writes_note", "link_id", "note_key", unique=True),
        sa.Index("ticket_writes_recent", "link_id", "intended_at"),
        sa.Index("ticket_writes_of_shop", "shop_id", "intended_at"),
    )
