"""On our side, a thread is done with or taken up again. `helpdesk.want_state` tells the ticket.

Called by whoever shows the button. What agents set in the ticket comes by `helpdesk.follow_state`,
which publishes nothing of this: so neither side's news comes back to it as an echo.
"""

from __future__ import annotations

from datetime import datetime

from app.conversations.events import Reopened, Resolved
from app.conversations.hand_back import hand_back
from app.conversations.holder import Changed, Unchanged, locked_thread
from app.foundation.db import Session


def resolve(
    session: Session, *, now: datetime, conversation_id: int, by: str
) -> Changed | Unchanged:
    """Nobody waits any more. The assistant takes the buyer's next text. `by` as in `take_over`."""
    thread = locked_thread(session, conversation_id)
    if thread.state == "resolved":
        return Unchanged()
    thread.state, thread.waiting_since = "resolved", None
    session.publish(Resolved(shop_id=thread.shop_id, conversation_id=thread.id, by=by), now=now)
    hand_back(session, now=now, conversation_id=conversation_id, by=by)
    return Changed()


def reopen(
    session: Session, *, now: datetime, conversation_id: int, by: str
) -> Changed | Unchanged:
    thread = locked_thread(session, conversation_id)
    if thread.state == "open":
        return Unchanged()
    thread.state = "open"
    session.publish(Reopened(shop_id=thread.shop_id, conversation_id=thread.id, by=by), now=now)
    return Changed()
