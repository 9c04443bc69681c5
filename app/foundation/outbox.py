"""Work put off, as rows: written by `Session.later`, handed out by `app/relay.py`.

A row is deleted when its job is done. `leased_until` and `available_at` are the database's own
time, never the domain's: a shifted clock must not make two workers share a job.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.foundation.columns import CreatedAt, Id, ShopId
from app.foundation.db import Base

QUEUES = ("reply", "send", "sync", "slow")  # by urgency; workers take them in this order
LEASE_SECONDS = 45  # a row whose worker has not renewed its claim for so long may be begun again


class OutboxRow(Base):
    __tablename__ = "outbox"

    id: Mapped[Id]
    shop_id: Mapped[ShopId]
    topic: Mapped[str]
    queue: Mapped[str]
    payload: Mapped[dict[str, Any]]
    ordering_key: Mapped[str | None]
    created_at: Mapped[CreatedAt]
    available_at: Mapped[CreatedAt]
    relayed_at: Mapped[datetime | None]
    leased_until: Mapped[datetime | None]
    attempts: Mapped[int] = mapped_column(server_default="0")
    failed_at: Mapped[datetime | None]  # given up; shown to the operator
    error: Mapped[str | None]

    __table_args__ = (
        sa.Index(
            "outbox_to_relay",
            "queue",
            "available_at",
            "id",
            postgresql_where="relayed_at IS NULL AND failed_at IS NULL",
        ),
        sa.Index(
            "outbox_handed_out",
            "relayed_at",
            postgresql_where="relayed_at IS NOT NULL AND failed_at IS NULL",
        ),
        sa.Index("outbox_failed", "failed_at", postgresql_where="failed_at IS NOT NULL"),
        sa.Index(
            "outbox_in_order",
            "ordering_key",
            "id",
            postgresql_where="ordering_key IS NOT NULL AND failed_at IS NULL",
        ),
    )


class Postponed(Exception):
    """A job cannot go on now and is to run again after `seconds`. Not a failure."""

    def __init__(self, seconds: float, why: str) -> None:
        super().__init__(why)
        self.seconds = seconds
