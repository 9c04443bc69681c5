"""RQ doors of check-ins."""

from __future__ import annotations

from app.checkins import outcome
from app.foundation.jobs import Tools


def record_answer(tools: Tools, *, shop_id: int, contact_id: int, message_id: int) -> None:
    with tools.db.shop(shop_id) as session:
        outcome.record_answer(session, now=tools.clock.now(), contact_id=contact_id)
