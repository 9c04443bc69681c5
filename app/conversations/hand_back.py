"""A human has done what there was to do: the assistant may answer again.

Called by `helpdesk.obey_steering` for a tag or a command in a note, by `resolve` and
`helpdesk.follow_state` once the ticket is solved, and by whoever shows a button.
"""

from __future__ import annotations

from datetime import datetime

from app.conversations.events import HandedBack
from app.conversations.holder import Changed, Unchanged, give_to_assistant, locked_thread
from app.conversations.promise import keep_promises
from app.foundation.db import Session


def hand_back(
    session: Session, *, now: datetime, conversation_id: int, by: str
) -> Changed | Unchanged:
    """`by` as in `take_over`."""
    thread = locked_thread(session, conversation_id)
    outcome = give_to_assistant(thread)
    keep_promises(session, now=now, conversation_id=conversation_id)
    if isinstance(outcome, Changed):
        session.publish(
            HandedBack(shop_id=thread.shop_id, conversation_id=thread.id, by=by), now=now
        )
    return outcome
