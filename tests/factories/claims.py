"""Texts claimed or sent as a worker does it, for tests of what happens meanwhile."""

from __future__ import annotations

from datetime import datetime

from app.foundation.db import Session
from app.messaging.access import Needs
from app.messaging.claim import Outcome, claim_texts
from app.messaging.send import send_texts


def claim_text(session: Session, *, now: datetime, shop_id: int, message_id: int) -> Outcome:
    claim = claim_texts(
        session,
        now=now,
        shop_id=shop_id,
        message_ids=[message_id],
        media_address=lambda shop_id, media_id: "",
    )
    return claim.outcomes[message_id]


def send_now(tools: Needs, shop_id: int, *message_ids: int) -> list[int]:
    """Returns those that were over, in that order."""
    over: list[int] = []
    send_texts(tools, shop_id=shop_id, message_ids=message_ids, over=over.extend)
    return over
