"""One order in which rows are locked, so that no two transactions wait for each other.

    order -> its parcels -> contact -> conversation -> promise -> ticket link -> message -> check-in

Whoever needs several of them takes them in this order, and may leave out any; several rows of one
table by their ids, lowest first. Rows taken with SKIP LOCKED never wait and may be taken out of
turn, as `checkins.claim` takes due check-ins together with their orders, and `helpdesk.follow_text`
threads after their texts. The contact comes before all that belongs to it: an inbound text locks it
in its first statement, and so an opt-out and a departure never pass each other unseen. The check-in
comes last, for what becomes of a text reaches it through events.

A foreign key's check takes a lock too: adding a text waits for a contact that somebody has locked.
"""

from __future__ import annotations

import sqlalchemy as sa

from app.foundation.db import Session
from app.messaging.models import Message


def lock_contact(session: Session, contact_id: int) -> None:
    """Let no opt-out and no departure pass each other unseen.

    A statement of its own, before any other row of the contact is locked: one that waits for a
    lock goes on with the snapshot it began with, and would overlook the very opt-out that it
    waited for. The inbound door locks in the same order, contact first.
    """
    session.sql("SELECT FROM contacts WHERE id = %s FOR UPDATE", contact_id)


def lock_text(session: Session, message_id: int) -> Message:
    """The text, with all that what follows from its fate may touch: its order and its contact."""
    row = session.sql("SELECT order_id, contact_id FROM messages WHERE id = %s", message_id).one()
    if row.order_id is not None:
        session.sql("SELECT FROM orders WHERE id = %s FOR UPDATE", row.order_id)
    lock_contact(session, row.contact_id)
    return lock(session, message_id)


def lock(session: Session, message_id: int) -> Message:
    """The text alone."""
    return session.scalars(
        sa.select(Message)
        .where(Message.id == message_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one()
