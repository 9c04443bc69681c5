"""One outreach about one order (or parcel). It always ends in a state with a reason."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.foundation.columns import CreatedAt, Id, ShopId
from app.foundation.db import Base


class CheckIn(Base):
    __tablename__ = "check_ins"

    id: Mapped[Id]
    shop_id: Mapped[ShopId]
    order_id: Mapped[int] = mapped_column(sa.ForeignKey("orders.id", ondelete="CASCADE"))
    parcel_id: Mapped[int | None] = mapped_column(
        sa.ForeignKey("fulfillments.id", ondelete="CASCADE")
    )  # only where the shop asked for one check-in per parcel
    kind: Mapped[str]  # opener | follow_up
    basis: Mapped[str]  # carrier | estimate | days_after_shipping
    state: Mapped[str] = mapped_column(server_default="scheduled")
    # scheduled -> queued -> sent -> answered; or skipped, cancelled, with a reason
    reason: Mapped[str | None]
    arrived_at: Mapped[datetime]
    due_at: Mapped[datetime]
    held_since: Mapped[datetime | None]  # it was due then, and the shop's line is paused
    message_id: Mapped[int | None]
    sent_at: Mapped[datetime | None]
    answered_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    created_at: Mapped[CreatedAt]

    __table_args__ = (
        sa.Index(
            "check_ins_once",
            "order_id",
            "kind",
            sa.text("coalesce(parcel_id, 0)"),
            unique=True,
        ),
        sa.Index("check_ins_due", "due_at", postgresql_where="state = 'scheduled'"),
        sa.Index("check_ins_recent", "shop_id", "due_at"),
        sa.Index("check_ins_message", "message_id"),
    )
