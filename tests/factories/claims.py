"""One text claimed as a worker claims it, for tests of what happens while its call is under way."""

from __future__ import annotations

from datetime import datetime

from app.foundation.db import Session
from app.messaging.claim import Outcome, claim_texts


def claim_text(session: Session, *, now: datetime, shop_id: int, message_id: int) -> Outcome:
    claim = claim_texts(
        session,
        now=now,
        shop_id=shop_id,
        message_ids=[message_id],
        media_address=lambda shop_id, media_id: "",
    )
    return claim.outcomes[message_id]
