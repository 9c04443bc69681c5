"""What the ticker asks of threads."""

from __future__ import annotations

import structlog

from app.conversations.break_promise import LOOK, break_promise, list_due
from app.foundation.db import is_away, is_locked
from app.foundation.jobs import Tools

log = structlog.get_logger()


def break_due(tools: Tools) -> bool:
    """Promises whose time is over, each in a transaction of its own: one that cannot be worked on
    does not hold up the rest, nor do as many as one look lists. Whether there may be more at once.
    """
    now = tools.clock.now()
    failed: set[int] = set()
    while True:
        with tools.db.across_shops("ticker: promises due") as session:
            due = list_due(session, now=now, but=failed)
        for shop_id, promise_id in due:
            try:
                with tools.db.shop(shop_id) as session:
                    break_promise(session, now=now, promise_id=promise_id)
            except Exception as error:
                if is_away(error) and not is_locked(error):
                    raise
                failed.add(promise_id)
                log.exception("promise not settled", promise_id=promise_id)
        if not due or any(promise_id not in failed for _, promise_id in due):
            return len(due) == LOOK
