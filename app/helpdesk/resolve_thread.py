"""The ticket is solved, so its thread is resolved and handed back. Nothing is told to the helpdesk,
which knows.

Called by `follow_state` and `receive_reply`, with the thread locked. Who solved a ticket had not
seen what did not stand in it yet: a text of the buyer's that waits keeps the thread open, and will
open the ticket again, or begin another one.
"""

from __future__ import annotations

from datetime import datetime

from app.conversations.hand_back import hand_back
from app.conversations.models import Conversation
from app.foundation.db import Session
from app.helpdesk.models import TicketLink

TEXT_WAITS = """
SELECT EXISTS (SELECT FROM messages m WHERE m.conversation_id = %s AND m.direction = 'in'
  AND m.id > %s AND NOT EXISTS (SELECT FROM ticket_writes w WHERE m.id = ANY(w.message_ids)
    AND w.state = 'settled'
    AND w.link_id IN (SELECT l.id FROM ticket_links l WHERE l.conversation_id = %s)))
"""


def resolve_thread(
    session: Session, conversation: Conversation, link: TicketLink, *, now: datetime
) -> None:
    if session.sql(TEXT_WAITS, conversation.id, link.mirrored_to, conversation.id).scalar():
        return
    conversation.state, conversation.waiting_since = "resolved", None
    hand_back(session, now=now, conversation_id=conversation.id, by="ticket")
