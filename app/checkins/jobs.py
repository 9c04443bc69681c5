"""RQ doors of check-ins, and what the ticker asks of them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import psycopg
import sqlalchemy as sa
import structlog

from app.checkins import outcome
from app.checkins.claim import list_due, put_off
from app.checkins.send import send_check_ins
from app.foundation.db import is_away
from app.foundation.jobs import Tools

log = structlog.get_logger()

TOGETHER = 50  # a buyer who writes waits for so many at most, some tens of milliseconds


def send_due(tools: Tools) -> int:
    """Send what is due, those of one shop together; returns how many were looked at."""
    now = tools.clock.now()
    with tools.db.across_shops("ticker: check-ins due") as session:
        due = list_due(session, now=now)
    by_shop: dict[int, list[int]] = {}
    for row in due:
        by_shop.setdefault(row.shop_id, []).append(row.id)
    for shop_id, ids in by_shop.items():
        for start in range(0, len(ids), TOGETHER):
            send_together(tools, now=now, shop_id=shop_id, ids=ids[start : start + TOGETHER])
    return len(due)


def send_together(tools: Tools, *, now: datetime, shop_id: int, ids: Sequence[int]) -> None:
    """In one transaction. If that fails, each by itself, and those that fail are put off: one that
    cannot be worked on does not hold up the rest."""
    try:
        with tools.db.shop(shop_id) as session:
            left = send_check_ins(session, now=now, shop_id=shop_id, check_in_ids=ids)
    except (sa.exc.SQLAlchemyError, psycopg.Error, ValueError, LookupError) as error:
        if is_away(error) and not is_locked(error):
            raise
        if len(ids) > 1:
            for check_in_id in ids:
                send_together(tools, now=now, shop_id=shop_id, ids=[check_in_id])
            return
        log.exception("check-in put off", check_in_id=ids[0])
        with tools.db.shop(shop_id) as session:
            put_off(session, now=now, check_in_id=ids[0])
        return
    if left:
        send_together(tools, now=now, shop_id=shop_id, ids=left)


def is_locked(error: BaseException) -> bool:
    """Whether it only waited too long for a row that somebody else holds."""
    cause = getattr(error, "orig", error)
    return isinstance(cause, psycopg.errors.LockNotAvailable | psycopg.errors.DeadlockDetected)


def record_answer(tools: Tools, *, shop_id: int, contact_id: int, message_id: int) -> None:
    with tools.db.shop(shop_id) as session:
        outcome.record_answer(session, now=tools.clock.now(), contact_id=contact_id)
