"""A human steps in: the thread is theirs, and what the assistant was about to say is dropped.

Called by `reply` with an agent's public reply, by `helpdesk.obey_steering` for a tag or a command
in a note, and by whoever shows a button.
"""

from __future__ import annotations

from datetime import datetime

from app.conversations.events import TakenOver
from app.conversations.holder import Changed, Unchanged, give_to_human, locked_thread
from app.foundation.db import Session


def take_over(
    session: Session, *, now: datetime, conversation_id: int, by: str
) -> Changed | Unchanged:
    """`by`: agent:zendesk:8817, staff:42, ticket. An open, crisis or resolved thread stays so."""
    thread = locked_thread(session, conversation_id)
    outcome = give_to_human(thread, now=now)
    if isinstance(outcome, Changed):
        session.publish(
            TakenOver(shop_id=thread.shop_id, conversation_id=thread.id, by=by), now=now
        )
    return outcome
