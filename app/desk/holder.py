"""An agent takes a thread, hands it back, ends it or opens it again.

Called by `api`. Each locks the thread and is noted with who did it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

import sqlalchemy as sa

from app.conversations.models import Conversation
from app.desk.seats import Seat
from app.foundation import audit
from app.foundation.db import Session


def take_over(session: Session, *, now: datetime, seat: Seat) -> None:
    """From here on the assistant is silent."""
    conversation = _locked(session, seat)
    conversation.handled_by = "agent"
    _note(session, now, seat, "taken_over")


def hand_back(session: Session, *, now: datetime, seat: Seat) -> None:
    conversation = _locked(session, seat)
    conversation.handled_by = "assistant"
    _note(session, now, seat, "handed_back")


def resolve(session: Session, *, now: datetime, seat: Seat) -> None:
    """Nobody waits any more; whatever the buyer writes next opens it again."""
    conversation = _locked(session, seat)
    conversation.state, conversation.waiting_since = "resolved", None
    _note(session, now, seat, "resolved")


def reopen(session: Session, *, now: datetime, seat: Seat) -> None:
    conversation = _locked(session, seat)
    conversation.state = "open"
    _note(session, now, seat, "reopened")


Deed = Callable[..., None]
DEEDS: Mapping[str, Deed] = {
    "take-over": take_over,
    "hand-back": hand_back,
    "resolve": resolve,
    "reopen": reopen,
}
"""By the last part of their address."""


def _locked(session: Session, seat: Seat) -> Conversation:
    return session.scalars(
        sa.select(Conversation).where(Conversation.id == seat.conversation_id).with_for_update()
    ).one()


def _note(session: Session, now: datetime, seat: Seat, what: str) -> None:
    audit.record(
        session,
        now=now,
        shop_id=seat.shop_id,
        actor=seat.actor,
        action=f"thread.{what}",
        subject=f"conversation:{seat.conversation_id}",
    )
