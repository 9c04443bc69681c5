"""Which check-ins are due, and which of them are ours to send.

Any number of tickers may run: all see the same list, and each check-in goes to whoever locks it
first. One whose order or buyer somebody else holds just now is left for the next look, a second
later, so that nobody waits.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from app.checkins.models import CheckIn
from app.foundation.db import Session

LOOK = 200  # as many are listed at once
PUT_OFF = timedelta(minutes=10)

DUE = """
SELECT id, shop_id FROM check_ins WHERE state = 'scheduled' AND due_at <= %s
ORDER BY due_at LIMIT %s
"""

# Both at once and without waiting, see `messaging.locks`: whoever holds one of them is at it, or
# changes what we are about to read.
CLAIM = """
SELECT c.id, o.contact_id FROM check_ins c JOIN orders o ON o.id = c.order_id
WHERE c.id = ANY(%s) AND c.state = 'scheduled' AND c.due_at <= %s
ORDER BY c.due_at, c.id FOR UPDATE OF c, o SKIP LOCKED
"""
LOCK_CONTACTS = "SELECT id FROM contacts WHERE id = ANY(%s) FOR UPDATE SKIP LOCKED"


def list_due(session: Session, *, now: datetime, limit: int = LOOK) -> Sequence[Any]:
    """Ids and shops of what is due by now, oldest first. Works across shops."""
    return session.sql(DUE, now, limit).all()


@dataclass(frozen=True)
class Claim:
    ours: list[int]
    next_time: list[int]  # of a buyer who is among ours already


def claim_due(session: Session, *, now: datetime, check_in_ids: Sequence[int]) -> Claim:
    """Those that are still due, locked with their orders and buyers; of one buyer the oldest alone,
    for the next one has to see what becomes of it."""
    rows = session.sql(CLAIM, list(check_in_ids), now).all()
    contacts = {row.contact_id for row in rows} - {None}
    locked = {row.id for row in session.sql(LOCK_CONTACTS, list(contacts))} if contacts else set()
    ours: dict[int | None, int] = {}
    nobodys, next_time = [], []
    for row in rows:
        if row.contact_id is None:
            nobodys.append(row.id)
        elif row.contact_id in ours:
            next_time.append(row.id)
        elif row.contact_id in locked:
            ours[row.contact_id] = row.id
    return Claim(nobodys + list(ours.values()), next_time)


def put_off(session: Session, *, now: datetime, check_in_id: int) -> None:
    """It could not be worked on: another look later, so that the rest comes first."""
    session.execute(
        sa.update(CheckIn)
        .where(CheckIn.id == check_in_id, CheckIn.state == "scheduled")
        .values(due_at=now + PUT_OFF)
    )
