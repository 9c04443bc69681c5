"""Due check-ins are claimed and sent on, a few at a time. Called by the ticker.

Any number of tickers may run: a claim skips rows that another holds. Each check-in has its own
savepoint, so one that fails does not hold up the rest: it is put off, and logged.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import psycopg
import sqlalchemy as sa
import structlog

from app.checkins.events import CheckInDue
from app.checkins.models import CheckIn
from app.foundation.db import Session

log = structlog.get_logger()

BATCH = 50
PUT_OFF = timedelta(minutes=10)

DUE = """
SELECT id, shop_id FROM check_ins WHERE state = 'scheduled' AND due_at <= %s
ORDER BY due_at LIMIT %s FOR UPDATE SKIP LOCKED
"""


def claim_due(session: Session, *, now: datetime, limit: int = BATCH) -> int:
    """Send on what is due now, oldest first; returns how many were claimed."""
    due = session.sql(DUE, now, limit).all()
    for row in due:
        try:
            with session.begin_nested():
                session.publish(CheckInDue(shop_id=row.shop_id, check_in_id=row.id), now=now)
        except (sa.exc.SQLAlchemyError, psycopg.Error, ValueError, LookupError):
            log.exception("check-in put off", check_in_id=row.id)
            session.execute(
                sa.update(CheckIn).where(CheckIn.id == row.id).values(due_at=now + PUT_OFF)
            )
    return len(due)
