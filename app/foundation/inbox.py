"""Receipts: webhooks as they came, verified, stored and answered before anything is done.

A receipt has no `shop_id`: it may come before its shop is known. Row-level security lets any
door add one and lets only work across shops read them.

Two unique keys: the sender's delivery id, and the business key (a hash of topic and body), for
the same fact may come under several delivery ids.
"""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.foundation.columns import CreatedAt, Id
from app.foundation.db import Base, Database

INSERT_RECEIPT = """
INSERT INTO receipts (source, topic, owner, delivery_id, event_id, business_key, body, occurred_at)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING
"""


class Receipt(Base):
    __tablename__ = "receipts"

    id: Mapped[Id]
    source: Mapped[str]  # shopify | zendesk | gorgias
    topic: Mapped[str]
    owner: Mapped[str]  # shop domain or helpdesk account: whose it is, in the source's words
    delivery_id: Mapped[str]
    event_id: Mapped[str | None]
    business_key: Mapped[bytes]
    occurred_at: Mapped[datetime | None]  # when the sender says that it happened
    body: Mapped[bytes]
    # pending -> done | waiting (for the shop's token) | failed (given up, shown)
    state: Mapped[str] = mapped_column(server_default="pending")
    received_at: Mapped[CreatedAt]
    relayed_at: Mapped[datetime | None]
    leased_until: Mapped[datetime | None]
    available_at: Mapped[CreatedAt]
    attempts: Mapped[int] = mapped_column(server_default="0")
    processed_at: Mapped[datetime | None]
    error: Mapped[str | None]

    __table_args__ = (
        sa.Index("receipts_delivery", "source", "owner", "delivery_id", unique=True),
        sa.Index("receipts_business", "source", "owner", "business_key", unique=True),
        sa.Index(
            "receipts_to_relay",
            "source",
            "available_at",
            "id",
            postgresql_where="state = 'pending' AND relayed_at IS NULL",
        ),
        sa.Index(
            "receipts_handed_out",
            "relayed_at",
            postgresql_where="state = 'pending' AND relayed_at IS NOT NULL",
        ),
        sa.Index("receipts_waiting", "owner", postgresql_where="state = 'waiting'"),
        sa.Index("receipts_not_done", "state", postgresql_where="state <> 'done'"),
        sa.Index("receipts_done", "processed_at", postgresql_where="state = 'done'"),
    )


def store_receipt(
    db: Database,
    *,
    source: str,
    topic: str,
    owner: str,
    delivery_id: str,
    body: bytes,
    event_id: str | None = None,
    occurred_at: datetime | None = None,
) -> bool:
    """Store one verified webhook, durably, in one statement. False if it was there already.

    Raises what `foundation.db.is_away` recognises when the database is away.
    """
    business_key = hashlib.sha256(topic.encode() + b"\0" + body).digest()
    with db.statement() as connection:
        cursor = connection.execute(
            INSERT_RECEIPT,
            (source, topic, owner, delivery_id, event_id, business_key, body, occurred_at),
        )
        stored = cursor.rowcount == 1
    if stored:
        db.ring()
    return stored


RELEASE = (
    "UPDATE receipts SET state = 'pending', relayed_at = NULL, available_at = now()"
    " WHERE source = %s AND owner = %s AND state = 'waiting'"
)


def release_waiting(db: Database, *, source: str, owner: str) -> int:
    """Have the receipts worked that waited for this owner; returns how many there were."""
    with db.across_shops("receipts: owner became known") as session:
        released: Any = session.sql(RELEASE, source, owner).rowcount
    if released:
        db.ring()
    return int(released)
