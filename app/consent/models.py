"""The consent ledger and the verdicts that rest on it. Both append-only, by grant and trigger."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.foundation.columns import CreatedAt, Id, ShopId, Xid
from app.foundation.db import Base


class ConsentEvent(Base):
    """One grant or revocation with its evidence. State is derived, opt-outs never expire."""

    __tablename__ = "consent_events"

    id: Mapped[Id]
    shop_id: Mapped[ShopId]
    phone: Mapped[str]  # E.164; outlives the contact
    purpose: Mapped[str]  # care | marketing | number (given at checkout) | all (revocations)
    action: Mapped[str]  # granted | revoked | pending (waits for the buyer's confirmation)
    source: Mapped[str]  # see `sources.Source`
    wording: Mapped[str | None]
    covers_assistant: Mapped[bool] = mapped_column(server_default="false")
    order_id: Mapped[int | None]
    message_id: Mapped[int | None]
    evidence: Mapped[dict[str, Any]] = mapped_column(server_default=sa.text("'{}'"))
    proof: Mapped[str]  # sha256 over the row's facts
    occurred_at: Mapped[datetime]
    recorded_at: Mapped[CreatedAt]
    xid: Mapped[Xid]

    __table_args__ = (
        sa.Index("consent_events_to_seal", "shop_id", "xid", "id"),
        sa.Index("consent_events_phone", "shop_id", "phone", "id"),
        # one fact reported twice is one row
        sa.Index("consent_events_once", "shop_id", "proof", unique=True),
    )


class PermissionRecord(Base):
    """The verdict on one text, stored in the transaction of the attempt."""

    __tablename__ = "permissions"

    id: Mapped[Id]
    shop_id: Mapped[ShopId]
    message_id: Mapped[int | None]
    check_in_id: Mapped[int | None]
    purpose: Mapped[str]
    verdict: Mapped[str]  # allowed | denied | not_before
    reason: Mapped[str | None]
    not_before: Mapped[datetime | None]
    evidence: Mapped[dict[str, Any]]
    decided_at: Mapped[datetime]
    xid: Mapped[Xid]

    __table_args__ = (
        sa.Index("permissions_message", "message_id"),
        sa.Index("permissions_check_in", "check_in_id", postgresql_where="check_in_id IS NOT NULL"),
        sa.Index("permissions_to_seal", "shop_id", "xid", "id"),
    )
