"""RQ doors of check-ins, and what the ticker asks of them."""

from __future__ import annotations

import psycopg
import sqlalchemy as sa
import structlog

from app.checkins import outcome
from app.checkins.claim import BATCH, list_due, put_off, send_on
from app.foundation.db import is_away
from app.foundation.jobs import Tools

log = structlog.get_logger()


def send_due(tools: Tools) -> int:
    """Send on what is due, each check-in by itself; returns how many were looked at."""
    now = tools.clock.now()
    with tools.db.across_shops("ticker: check-ins due") as session:
        due = list_due(session, now=now, limit=BATCH)
    for row in due:
        try:
            with tools.db.shop(row.shop_id) as session:
                send_on(session, now=now, shop_id=row.shop_id, check_in_id=row.id)
        except (sa.exc.SQLAlchemyError, psycopg.Error, ValueError, LookupError) as error:
            if is_away(error) and not is_locked(error):
                raise
            log.exception("check-in put off", check_in_id=row.id)
            with tools.db.shop(row.shop_id) as session:
                put_off(session, now=now, check_in_id=row.id)
    return len(due)


def is_locked(error: BaseException) -> bool:
    """Whether it only waited too long for a row that somebody else holds."""
    cause = getattr(error, "orig", error)
    return isinstance(cause, psycopg.errors.LockNotAvailable | psycopg.errors.DeadlockDetected)


def record_answer(tools: Tools, *, shop_id: int, contact_id: int, message_id: int) -> None:
    with tools.db.shop(shop_id) as session:
        outcome.record_answer(session, now=tools.clock.now(), contact_id=contact_id)
