"""What a tag or a command in the ticket asks for is done: the thread changes hands.

Called by `receive_reply` for commands, and by `follow_state` with the tags that it has read. A tag
is obeyed once, though it stays on the ticket for a while: which one was obeyed is stored in the
same transaction, and forgotten after it was taken off.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import assert_never

import structlog

from app.conversations.hand_back import hand_back
from app.conversations.take_over import take_over
from app.foundation.db import Session
from app.helpdesk.locks import lock_link
from app.helpdesk.models import TicketLink
from app.helpdesk.needs import Needs
from app.helpdesk.place import At
from app.helpdesk.ports import TicketClosed, TicketGone
from app.helpdesk.steering import Steer, read_tags
from app.helpdesk.writing import desk_at

log = structlog.get_logger()


def obey(session: Session, *, now: datetime, conversation_id: int, steer: Steer, by: str) -> None:
    match steer:
        case Steer.HAND_BACK:
            hand_back(session, now=now, conversation_id=conversation_id, by=by)
        case Steer.TAKE_OVER:
            take_over(session, now=now, conversation_id=conversation_id, by=by)
        case _:
            assert_never(steer)
    log.info("steered in the ticket", conversation_id=conversation_id, steer=steer.value)


def obey_tags(
    session: Session, *, now: datetime, link_id: int, tags: Collection[str]
) -> str | None:
    """The tag that is to be taken off now, if one steers."""
    found = read_tags(tags)
    link, thread = lock_link(session, link_id)
    if found is None or link.state not in ("open", "solved"):
        link.tag_obeyed = None
        return None
    steer, tag = found
    if link.tag_obeyed != tag:
        link.tag_obeyed = tag
        obey(session, now=now, conversation_id=thread.id, steer=steer, by="ticket")
    return tag


def take_tag_off(tools: Needs, at: At, tag: str) -> None:
    """Raises Disconnected, Temporary, Postponed; then the next look does it."""
    assert at.ticket_id is not None
    try:
        with desk_at(tools, at) as desk:
            desk.helpdesk.remove_tag(desk.access, at.ticket_id, tag)
    except (TicketClosed, TicketGone):
        return
    with tools.db.shop(at.shop_id) as session:
        session.get_one(TicketLink, at.link_id).tag_obeyed = None
