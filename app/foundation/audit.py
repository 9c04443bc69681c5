"""Who did what, and who read what, when: an append-only list that a merchant can read and export.

Sends and consents have ledgers of their own (`permissions`, `consent_events`); this one holds
what people and the system did otherwise. Ids, codes and the merchant's own settings only, never
a buyer's texts, name or number. Shopify's rules for protected customer data ask for a log of who
saw it (shopify.dev/docs/apps/launch/protected-customer-data, level 2): `record_read`.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.foundation.columns import Id, ShopId, Xid
from app.foundation.db import Base, Session

# A stored text lost a piece of a card number, whose rest came with a later one.
TEXT_MASKED = "text.masked"


class AuditEntry(Base):
    __tablename__ = "audit_entries"

    id: Mapped[Id]
    shop_id: Mapped[ShopId]
    at: Mapped[datetime]
    actor: Mapped[str]  # merchant | staff:<id> | agent:<id> | buyer | operator | system
    action: Mapped[str]
    subject: Mapped[str]  # conversation:12, sender:3, …
    detail: Mapped[dict[str, Any]] = mapped_column(server_default=sa.text("'{}'"))
    xid: Mapped[Xid]

    __table_args__ = (
        sa.Index("audit_entries_by_shop", "shop_id", "id"),
        sa.Index("audit_entries_to_seal", "shop_id", "xid", "id"),
        sa.Index(
            "audit_entries_reads",
            "shop_id",
            "subject",
            "actor",
            "at",
            postgresql_where="action = 'data.read'",
        ),
    )


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


def record_read(
    session: Session, *, now: datetime, shop_id: int, actor: str, subject: str, **detail: Any
) -> None:
    """Somebody was shown, or took away, what is stored of a buyer. `subject`: contact:12, …"""
    record(
        session,
        now=now,
        shop_id=shop_id,
        actor=actor,
        action="data.read",
        subject=subject,
        **detail,
    )


READ_LATELY = """
SELECT EXISTS (SELECT FROM audit_entries WHERE shop_id = %s AND subject = %s AND actor = %s
               AND action = 'data.read' AND at > %s)
"""


def record_read_once(
    session: Session,
    *,
    now: datetime,
    shop_id: int,
    actor: str,
    subject: str,
    within: timedelta,
    **detail: Any,
) -> None:
    """The same, of somebody who goes on looking: noted at most once `within` this time."""
    asked = (READ_LATELY, shop_id, subject, actor, now - within)
    if session.sql(*asked).scalar():
        return
    # Two looks in one moment are one: the second waits here, and then finds the first.
    lock = "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))"
    session.sql(lock, f"read:{shop_id}:{subject}:{actor}")
    if not session.sql(*asked).scalar():
        record_read(session, now=now, shop_id=shop_id, actor=actor, subject=subject, **detail)
