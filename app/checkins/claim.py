"""Which check-ins are due, and one of them sent on. Called by `checkins.jobs.send_due`.

Any number of tickers may run: all see the same list, and each check-in goes to whoever locks it
first (`checkins.send`), in a transaction of its own. So nothing of one buyer is locked while
another's is worked on, and one that fails does not hold up the rest: it is put off.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from app.checkins.events import CheckInDue
from app.checkins.models import CheckIn
from app.foundation.db import Session

BATCH = 200
PUT_OFF = timedelta(minutes=10)

DUE = """
SELECT id, shop_id FROM check_ins WHERE state = 'scheduled' AND due_at <= %s
ORDER BY due_at LIMIT %s
"""


def list_due(session: Session, *, now: datetime, limit: int = BATCH) -> Sequence[Any]:
    """Ids and shops of what is due by now, oldest first. Works across shops."""
    return session.sql(DUE, now, limit).all()


def send_on(session: Session, *, now: datetime, shop_id: int, check_in_id: int) -> None:
    """Whoever sends check-ins takes it from here, unless another has."""
    session.publish(CheckInDue(shop_id=shop_id, check_in_id=check_in_id), now=now)


def put_off(session: Session, *, now: datetime, check_in_id: int) -> None:
    """It could not be worked on: another look later, so that the rest comes first."""
    session.execute(
        sa.update(CheckIn)
        .where(CheckIn.id == check_in_id, CheckIn.state == "scheduled")
        .values(due_at=now + PUT_OFF)
    )
