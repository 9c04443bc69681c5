"""Reads for the merchant's page: what was asked lately, and why not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from app.checkins.models import CheckIn
from app.checkins.reasons import sentence
from app.foundation.db import Session
from app.orders.models import Order


@dataclass(frozen=True)
class CheckInLine:
    order_name: str
    state: str
    why: str
    due_at: datetime
    basis: str


def recent_check_ins(session: Session, *, limit: int = 50) -> Sequence[CheckInLine]:
    """The latest check-ins of the session's shop, newest due time first."""
    rows = session.execute(
        sa.select(CheckIn, Order.name)
        .join(Order, Order.id == CheckIn.order_id)
        .order_by(CheckIn.due_at.desc())
        .limit(limit)
    )
    return [
        CheckInLine(
            order_name=name or "an order",
            state=check_in.state,
            why=sentence(check_in.reason) if check_in.reason else "",
            due_at=check_in.due_at,
            basis=check_in.basis,
        )
        for check_in, name in rows
    ]


def counts_by_state(session: Session, *, since: datetime) -> dict[str, int]:
    rows = session.execute(
        sa.select(CheckIn.state, sa.func.count())
        .where(CheckIn.due_at >= since)
        .group_by(CheckIn.state)
    )
    return {row[0]: row[1] for row in rows}
