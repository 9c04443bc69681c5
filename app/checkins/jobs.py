"""RQ doors of check-ins, and what the ticker asks of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime

import psycopg
import sqlalchemy as sa
import structlog

from app.checkins import outcome
from app.checkins.claim import LOOK, list_due, put_off
from app.checkins.send import send_check_ins
from app.foundation.db import is_away, is_locked
from app.foundation.jobs import Tools

log = structlog.get_logger()

TOGETHER = 50  # a buyer who writes waits for so many at most, some tens of milliseconds


def send_due(tools: Tools) -> bool:
    """Send what is due, those of one shop together. Whether more of it may be worked on at once."""
    now = tools.clock.now()
    with tools.db.across_shops("ticker: check-ins due") as session:
        due = list_due(session, now=now)
    by_shop: dict[int, list[int]] = {}
    for row in due:
        by_shop.setdefault(row.shop_id, []).append(row.id)
    worked = 0
    for shop_id, ids in by_shop.items():
        for start in range(0, len(ids), TOGETHER):
            together = ids[start : start + TOGETHER]
            worked += send_together(tools, now=now, shop_id=shop_id, ids=together)
    return worked > 0 and len(due) == LOOK


def send_together(tools: Tools, *, now: datetime, shop_id: int, ids: Sequence[int]) -> int:
    """In one transaction. If that fails, each by itself, and those that fail are put off: one that
    cannot be worked on does not hold up the rest. Returns how many were worked on."""
    try:
        with tools.db.shop(shop_id) as session:
            claim = send_check_ins(session, now=now, shop_id=shop_id, check_in_ids=ids)
    except (sa.exc.SQLAlchemyError, psycopg.Error, ValueError, LookupError) as error:
        if is_away(error) and not is_locked(error):
            raise
        if len(ids) > 1:
            return sum(send_together(tools, now=now, shop_id=shop_id, ids=[one]) for one in ids)
        log.exception("check-in put off", check_in_id=ids[0])
        with tools.db.shop(shop_id) as session:
            put_off(session, now=now, check_in_id=ids[0])
        return 1
    worked = len(claim.ours)
    if claim.next_time:
        worked += send_together(tools, now=now, shop_id=shop_id, ids=claim.next_time)
    return worked


def record_answers(
    tools: Tools,
    *,
    shop_id: int,
    contact_ids: Sequence[int],
    over: Callable[[Iterable[int]], None],
) -> None:
    """Of one shop's buyers who wrote about the same time; `over` is told of all."""
    with tools.db.shop(shop_id) as session:
        outcome.record_answers(session, now=tools.clock.now(), contact_ids=contact_ids)
    over(set(contact_ids))
