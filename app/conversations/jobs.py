"""What the ticker asks of threads."""

from __future__ import annotations

import psycopg
import sqlalchemy as sa
import structlog

from app.conversations.break_promise import LOOK, break_promise, list_due
from app.foundation.db import is_away, is_locked
from app.foundation.jobs import Tools

log = structlog.get_logger()


def break_due(tools: Tools) -> bool:
    """Promises whose time is over, each in a transaction of its own: one that cannot be worked on
    does not hold up the rest. Whether there may be more at once."""
    now = tools.clock.now()
    with tools.db.across_shops("ticker: promises due") as session:
        due = list_due(session, now=now)
    worked = 0
    for shop_id, promise_id in due:
        try:
            with tools.db.shop(shop_id) as session:
                break_promise(session, now=now, promise_id=promise_id)
            worked += 1
        except (sa.exc.SQLAlchemyError, psycopg.Error) as error:
            if is_away(error) and not is_locked(error):
                raise
            log.exception("promise not settled", promise_id=promise_id)
    return worked == LOOK
