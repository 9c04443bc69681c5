"""A confirmation did not arrive: the merchant can read why, and what would help.

Runs now, when messaging knows. A carrier goes on blocking a number that once texted STOP until it
texts START, whatever our ledger says; only the buyer can mend that, so somebody must tell them.
"""

from __future__ import annotations

from datetime import datetime

from app.consent.permission import Purpose
from app.foundation import audit
from app.foundation.db import Session
from app.messaging.events import TextEnded

REMEDIES = {
    "opted_out": "The carrier blocks this number until its owner texts START to yours.",
}


def note_unsent(session: Session, event: TextEnded, *, now: datetime) -> None:
    if event.purpose != Purpose.OPT_IN_CONFIRMATION.value or event.state == "unknown":
        return
    audit.record(
        session,
        now=now,
        shop_id=event.shop_id,
        actor="system",
        action="joining.confirmation_not_sent",
        subject=f"message:{event.message_id}",
        reason=event.reason,
        remedy=REMEDIES.get(event.reason, ""),
    )
