"""The thread, then its ticket: this room's part of the one order in `messaging.locks`.

An agent who answers and solves in one go makes two jobs that touch both rows in the same moment,
while a third may be writing the buyer's last text there. A link's conversation never changes.
"""

from __future__ import annotations

import sqlalchemy as sa

from app.conversations.models import Conversation
from app.foundation.db import Session
from app.helpdesk.models import TicketLink


def lock_thread(session: Session, conversation_id: int) -> Conversation | None:
    """Before anything of its ticket is changed, and before what is to be written is planned."""
    return session.scalars(
        sa.select(Conversation).where(Conversation.id == conversation_id).with_for_update()
    ).one_or_none()


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
