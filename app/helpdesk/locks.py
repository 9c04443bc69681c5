"""The thread, then its ticket: this room's part of the one order in `messaging.locks`.

An agent who answers and solves in one go makes two jobs that touch both rows in the same moment,
while a third may be writing the buyer's last text there. A link's conversation never changes.
"""

from __future__ import annotations

import sqlalchemy as sa

from app.conversations.models import Conversation
from app.foundation.db import Session
from app.helpdesk.models import TicketLink


def lock_thread(session: Session, conversation_id: int) -> None:
    """Before its ticket's state is changed, and before what is to be written is planned.

    A statement of its own: one that waits for a lock goes on with the snapshot it began with.
    """
    session.sql("SELECT FROM conversations WHERE id = %s FOR UPDATE", conversation_id)


def lock_link(session: Session, link_id: int) -> tuple[TicketLink, Conversation]:
    """The tie to a ticket together with its thread, when both may change."""
    conversation = session.scalars(
        sa.select(Conversation)
        .join(TicketLink, TicketLink.conversation_id == Conversation.id)
        .where(TicketLink.id == link_id)
        .with_for_update(of=Conversation)
    ).one()
    link = session.get_one(TicketLink, link_id, with_for_update=True, populate_existing=True)
    return link, conversation
