"""An agent answers from the desk: one text (or several in order), in the ticket too.

Called by `api`. It goes the way of every agent's reply, `conversations.reply`; because it was not
written in the ticket, the mirror puts it there, with the agent's name. Permission is asked when the
text leaves; it is asked here as well, so that what would be refused anyway is told to the agent who
is still looking, and not in a note a minute later.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from app.consent.permission import Purpose, decide
from app.consent.verdicts import Denied, reason_text
from app.conversations.models import Conversation
from app.conversations.reply import Added, reply_as_agent
from app.desk.seats import Seat
from app.foundation.db import Session
from app.foundation.errors import Refused
from app.helpdesk.reply_text import PLACEHOLDER
from app.messaging.models import Message
from app.messaging.permit import Subject, gather

LONGEST_TEXT = 4800
MOST_PARTS = 16  # more than such a text can become
LONGEST_NAME = 40


@dataclass(frozen=True)
class Replied:
    message_ids: tuple[int, ...]
    is_new: bool  # False: the same key was sent before, and nothing was done


def reply_from_desk(
    session: Session, *, now: datetime, seat: Seat, text: str, name: str, key: str
) -> Replied:
    """`name`: what the agent is called, a label and no proof. Raises Refused: text, placeholder, or
    a reason of permission."""
    key = f"desk:{seat.conversation_id}:{key}"
    if before := _sent_before(session, seat, key):
        return Replied(before, is_new=False)
    text = text.replace("\r\n", "\n").strip()
    if not 0 < len(text) <= LONGEST_TEXT or "\0" in text:
        raise Refused("text", f"Write something, in at most {LONGEST_TEXT} characters.")
    if placeholder := PLACEHOLDER.search(text):
        raise Refused(
            "placeholder",
            f"Nothing was sent: {placeholder[0][:60]} is not filled in. Write it out first.",
        )
    _ask_permission(session, now, seat)
    added = reply_as_agent(
        session,
        now=now,
        conversation_id=seat.conversation_id,
        body=text,
        agent_name=first_word(name),
        key=key,
        written_by=seat.actor,
    )
    return Replied(added.message_ids, is_new=isinstance(added, Added))


def first_word(name: str) -> str:
    """What the ticket calls them. Agents sign with their first name; empty: "An agent"."""
    visible = "".join(char for char in name if char.isprintable())
    return (visible.split() or [""])[0][:LONGEST_NAME]


def _sent_before(session: Session, seat: Seat, key: str) -> tuple[int, ...]:
    """The parts that this key became: `conversations.reply` numbers them."""
    parts = [f"{key}#{number}" for number in range(MOST_PARTS)]
    which = (Message.shop_id == seat.shop_id) & Message.dedupe_key.in_(parts)
    return tuple(session.scalars(sa.select(Message.id).where(which).order_by(Message.id)))


def _ask_permission(session: Session, now: datetime, seat: Seat) -> None:
    contact_id = session.scalars(
        sa.select(Conversation.contact_id).where(Conversation.id == seat.conversation_id)
    ).one()
    about = Subject(seat.shop_id, contact_id, Purpose.AGENT_REPLY)
    [request] = gather(session, now=now, subjects=[about])
    verdict = decide(request)
    if isinstance(verdict, Denied):
        raise Refused(verdict.reason.value, f"Nothing was sent. {reason_text(verdict.reason)}")
