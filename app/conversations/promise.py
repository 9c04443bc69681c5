"""What we told a buyer that we would do is a row, kept or broken; one of a kind at a time.

Called by `hand_off` and `break_promise`, with the thread locked: a promise comes right after it in
the order of `messaging.locks`. An opt-out releases us from it.
"""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from app.consent.events import ConsentRevoked
from app.conversations.models import Conversation, Promise
from app.foundation.db import Session

HUMAN_ANSWER = "human_answer"

KEEP = """
UPDATE promises SET state = 'kept', settled_at = %s WHERE conversation_id = %s AND state = 'open'
"""

RELEASE = """
UPDATE promises SET state = 'released', settled_at = %s WHERE state = 'open' AND conversation_id IN
  (SELECT id FROM conversations WHERE contact_id = %s)
"""


def open_promise(session: Session, conversation_id: int) -> Promise | None:
    which = (Promise.conversation_id == conversation_id) & (Promise.state == "open")
    return session.scalars(sa.select(Promise).where(which)).one_or_none()


def promise_answer(
    session: Session,
    thread: Conversation,
    *,
    now: datetime,
    due_at: datetime,
    instead_of: int | None = None,
) -> Promise:
    """A person answers by then. The caller says so to the buyer, and has found none open."""
    promise = Promise(
        shop_id=thread.shop_id,
        conversation_id=thread.id,
        kind=HUMAN_ANSWER,
        made_at=now,
        due_at=due_at,
        instead_of=instead_of,
    )
    session.add(promise)
    session.flush()
    return promise


def keep_promises(session: Session, *, now: datetime, conversation_id: int) -> None:
    """A person has answered, or has done what there was to do."""
    session.sql(KEEP, now, conversation_id)


def release_for_contact(session: Session, event: ConsentRevoked, *, now: datetime) -> None:
    """Whoever wants no more texts waits for none. Runs now, with the contact locked."""
    session.sql(RELEASE, now, event.contact_id)
