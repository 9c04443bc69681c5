"""An agent takes a thread, hands it back, ends it or opens it again.

Called by `api`. The deeds are the conversation's own, with their events; here it is noted who did
it from the desk.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

import sqlalchemy as sa

from app.conversations.hand_back import hand_back
from app.conversations.holder import Changed, Unchanged
from app.conversations.models import Conversation
from app.conversations.resolve import reopen, resolve
from app.conversations.take_over import take_over
from app.desk.seats import Seat
from app.foundation import audit
from app.foundation.db import Session
from app.messaging.locks import lock_contact

Deed = Callable[..., Changed | Unchanged]
DEEDS: Mapping[str, tuple[Deed, str]] = {
    "take-over": (take_over, "taken_over"),
    "hand-back": (hand_back, "handed_back"),
    "resolve": (resolve, "resolved"),
    "reopen": (reopen, "reopened"),
}
"""By the last part of their address; with what is noted."""


def do(session: Session, *, now: datetime, seat: Seat, name: str) -> None:
    """A second press of the button changes nothing, and is not noted again."""
    deed, noted = DEEDS[name]
    which = Conversation.id == seat.conversation_id
    lock_contact(session, session.scalars(sa.select(Conversation.contact_id).where(which)).one())
    done = deed(session, now=now, conversation_id=seat.conversation_id, by=seat.actor)
    if isinstance(done, Changed):
        audit.record(
            session,
            now=now,
            shop_id=seat.shop_id,
            actor=seat.actor,
            action=f"thread.{noted}",
            subject=f"conversation:{seat.conversation_id}",
        )
