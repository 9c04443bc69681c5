"""The thread was resolved or reopened on our side: its ticket shall be solved, or open again.

Runs now, after `Resolved` and `Reopened`. The wish is stored at the tie to the ticket, and the plan
carries it out once every text is there: a comment of the buyer's written after it would open the
ticket again. A text that comes meanwhile opens the thread, and the wish is dropped.
"""

from __future__ import annotations

from datetime import datetime

from app.conversations.events import Reopened, Resolved
from app.foundation.db import Session
from app.helpdesk.put_off_mirror import put_off_mirror

WANT = """
UPDATE ticket_links SET wanted_state = %s
WHERE conversation_id = %s AND state IN ('opening', 'open', 'solved') RETURNING id
"""


def want_solved(session: Session, event: Resolved, *, now: datetime) -> None:
    want(session, "solved", event)


def want_open(session: Session, event: Reopened, *, now: datetime) -> None:
    want(session, "open", event)


def want(session: Session, state: str, event: Resolved | Reopened) -> None:
    if session.sql(WANT, state, event.conversation_id).scalar() is not None:
        put_off_mirror(session, shop_id=event.shop_id, conversation_id=event.conversation_id)
