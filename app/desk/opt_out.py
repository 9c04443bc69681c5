"""An agent writes down, from the desk, that a buyer wants no more texts.

Called by `api`. The same act as by hand in the merchant's pages (`joining.by_hand`), in force in
this transaction.
"""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from app.contacts.models import Contact
from app.conversations.models import Conversation
from app.desk.seats import Seat
from app.foundation.db import Session
from app.joining.by_hand import opt_out_by_hand

REASON = "told to an agent in the helpdesk"
DONE = (
    "Nothing is texted to this number any more. Only a text of their own (START) brings texts back."
)


def opt_out_from_desk(session: Session, *, now: datetime, seat: Seat) -> str:
    """What to tell the agent. Who has opted out already stays out, and nothing is written."""
    contact = session.scalars(
        sa.select(Contact)
        .join(Conversation, Conversation.contact_id == Contact.id)
        .where(Conversation.id == seat.conversation_id)
        .with_for_update(of=Contact)
    ).one()
    if contact.opted_out_at is None:
        opt_out_by_hand(
            session,
            now=now,
            shop_id=seat.shop_id,
            phone=contact.phone,
            actor=seat.actor,
            reason=REASON,
        )
    return DONE
