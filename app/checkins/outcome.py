"""What became of a check-in's text, and whether the buyer answered.

`mark_sent` and `mark_ended` run now, when messaging knows; `record_answer` is a job.
"""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from app.checkins.models import CheckIn
from app.consent.permission import Purpose
from app.foundation.db import Session
from app.messaging.events import TextAccepted, TextEnded
from app.orders.models import Order

OF_CHECK_INS = (Purpose.CHECK_IN.value, Purpose.FOLLOW_UP.value)


def mark_sent(session: Session, event: TextAccepted, *, now: datetime) -> None:
    if event.purpose not in OF_CHECK_INS:
        return
    session.execute(
        sa.update(CheckIn)
        .where(CheckIn.message_id == event.message_id)
        .where(CheckIn.state.in_(("queued", "skipped")))
        .values(state="sent", reason=None, sent_at=now)
    )


def mark_ended(session: Session, event: TextEnded, *, now: datetime) -> None:
    """Not sent after all, or sent and not delivered; `unknown` counts as sent."""
    if event.purpose not in OF_CHECK_INS or event.state == "unknown":
        return
    state = "cancelled" if event.state == "cancelled" else "skipped"
    session.execute(
        sa.update(CheckIn)
        .where(CheckIn.message_id == event.message_id)
        .where(CheckIn.state.in_(("queued", "sent")))
        .values(state=state, reason=event.reason, ended_at=now)
    )


def record_answer(session: Session, *, now: datetime, contact_id: int) -> int | None:
    """The buyer wrote: their latest open check-in is answered. Its id, if there was one."""
    latest = (
        sa.select(CheckIn.id)
        .join(Order, Order.id == CheckIn.order_id)
        .where(Order.contact_id == contact_id, CheckIn.state == "sent")
        .order_by(CheckIn.id.desc())
        .limit(1)
        .scalar_subquery()
    )
    return session.scalar(
        sa.update(CheckIn)
        .where(CheckIn.id == latest)
        .values(state="answered", answered_at=now)
        .returning(CheckIn.id)
    )
