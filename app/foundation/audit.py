"""Who did what, when: an append-only list that a merchant can read and export.

Sends and consents have ledgers of their own (`permissions`, `consent_events`); this one holds
what people and the system did otherwise. Ids and codes only, never texts or numbers.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.foundation.columns import Id, ShopId
from app.foundation.db import Base, Session


class AuditEntry(Base):
    __tablename__ = "audit_entries"

    id: Mapped[Id]
    shop_id: Mapped[ShopId]
    at: Mapped[datetime]
    actor: Mapped[str]  # merchant | staff:<id> | agent:<id> | buyer | operator | system
    action: Mapped[str]
    subject: Mapped[str]  # conversation:12, sender:3, …
    detail: Mapped[dict[str, Any]] = mapped_column(server_default=sa.text("'{}'"))

    __table_args__ = (sa.Index("audit_entries_by_shop", "shop_id", "id"),)


def record(
    session: Session,
    *,
    now: datetime,
    shop_id: int,
    actor: str,
    action: str,
    subject: str,
    **detail: Any,
) -> None:
    session.add(
        AuditEntry(
            shop_id=shop_id, at=now, actor=actor, action=action, subject=subject, detail=detail
        )
    )
