"""Reads of this room that others need too."""

from __future__ import annotations

import sqlalchemy as sa

from app.foundation.db import Session
from app.helpdesk.models import LIVE, TicketLink


def live_link(session: Session, conversation_id: int) -> int | None:
    """The thread's tie to the ticket that takes its texts now, if there is one."""
    return session.scalar(
        sa.select(TicketLink.id).where(
            TicketLink.conversation_id == conversation_id, TicketLink.state.in_(LIVE)
        )
    )
