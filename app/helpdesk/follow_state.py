"""The ticket's state, as agents set it, becomes the link's and the conversation's.

Called by `receive_hook` and `poll`. State and tags are read from the helpdesk: an event only says
that there is something to read, for events come late and out of order. A ticket that was solved
hands the thread back to the assistant. A merged ticket's link is pointed to the ticket it went
into. A ticket that ends is read to its end first: nobody looks into it again.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa
import structlog

from app.foundation.db import Session
from app.foundation.outbox import Postponed
from app.helpdesk.locks import lock_link
from app.helpdesk.models import LIVE, TicketLink
from app.helpdesk.needs import Needs
from app.helpdesk.obey_steering import obey_tags, take_tag_off
from app.helpdesk.place import At, place_of
from app.helpdesk.ports import ReadComment, TicketGone, TicketState, TicketStatus
from app.helpdesk.receive_reply import is_later, take_new_comments
from app.helpdesk.resolve_thread import resolve_thread
from app.helpdesk.writing import desk_at

log = structlog.get_logger()


class NotReadYet(Postponed):
    """A ticket that ends waits until it can be read to its end; no other ticket has to."""


def follow_ticket(
    tools: Needs, *, shop_id: int, link_id: int, merged_into: str | None = None
) -> None:
    """Read the ticket's state and follow it. Raises Disconnected, Temporary, Postponed."""
    with tools.db.shop(shop_id) as session:
        link = session.get(TicketLink, link_id)
        if link is None or link.ticket_id is None or link.state == "gone":
            return
        ticket_id, link_is_live = link.ticket_id, link.state in LIVE
        at = place_of(session, now=tools.clock.now(), keys=tools.keys, link_id=link_id)
    try:
        with desk_at(tools, at) as desk:
            status = desk.helpdesk.read_status(desk.access, ticket_id)
    except TicketGone:
        # Without its own ticket the hint is all that is left of a merge.
        status, link_is_live = TicketStatus(ticket_id, TicketState.CLOSED, None, merged_into), False
        if merged_into is None:
            with tools.db.shop(shop_id) as session:
                session.get_one(TicketLink, link_id).state = "gone"
            return
    if status.state is TicketState.CLOSED and link_is_live:
        try:
            take_new_comments(tools, shop_id=shop_id, link_id=link_id)
        except Postponed as postponed:
            raise NotReadYet(postponed.seconds, str(postponed)) from postponed
    target = merged_into or status.merged_into
    if target is not None and target != ticket_id:
        _repoint(tools, at, ticket_id, target)
        return
    with tools.db.shop(shop_id) as session:
        now = tools.clock.now()
        apply_state(session, now=now, link_id=link_id, state=status.state)
        tag = obey_tags(session, now=now, link_id=link_id, tags=status.tags)
    if tag is not None:
        take_tag_off(tools, at, tag)


def apply_state(session: Session, *, now: datetime, link_id: int, state: TicketState) -> None:
    """Only a change is followed: what the buyer wrote since the last one has its own effect."""
    link, conversation = lock_link(session, link_id)
    match state:
        case TicketState.CLOSED if link.state in ("open", "solved"):
            if link.state == "open":
                resolve_thread(session, conversation, link, now=now)
            link.state = "closed"
        case TicketState.SOLVED if link.state == "open":
            link.state = "solved"
            resolve_thread(session, conversation, link, now=now)
        case TicketState.OPEN | TicketState.PENDING if link.state == "solved":
            link.state = "open"
            # Our side wants it solved: it was our own text, on its way there, that opened it.
            if link.wanted_state != "solved":
                conversation.state = "open"
        case _:
            pass


def _repoint(tools: Needs, at: At, source: str, target: str) -> None:
    try:
        with desk_at(tools, at) as desk:
            status = desk.helpdesk.read_status(desk.access, target)
            # What agents wrote in the target before the merge was for somebody else.
            known = desk.helpdesk.read_comments_since(desk.access, target, None)
            try:
                merge = desk.helpdesk.read_comments_since(desk.access, source, None)[-1:]
            except TicketGone:
                merge = known[-1:]
            before = _until(merge, known)
    except TicketGone:
        with tools.db.shop(at.shop_id) as session:
            session.get_one(TicketLink, at.link_id).state = "gone"
        return
    with tools.db.shop(at.shop_id) as session:
        link, conversation = lock_link(session, at.link_id)
        if link.ticket_id != source:
            return
        if not _may_take(session, link, target):
            # An agent's reply there would go to two buyers. Ours gets a ticket of their own.
            link.state = "gone"
            log.info("ticket merged into another buyer's", link_id=link.id)
            return
        link.ticket_id = target
        link.read_to = before[-1].comment_id if before else None
        link.state = {TicketState.CLOSED: "closed", TicketState.SOLVED: "solved"}.get(
            status.state, "open"
        )
        if link.state == "open":
            conversation.state = "open"
        else:
            resolve_thread(session, conversation, link, now=tools.clock.now())
        log.info("ticket link repointed", link_id=link.id)


def _until(merge: Sequence[ReadComment], known: Sequence[ReadComment]) -> Sequence[ReadComment]:
    """The target's comments from before the merge, which is the source's last word."""
    if not merge:
        return known
    [last] = merge
    return [
        one
        for one in known
        if one.created_at < last.created_at or not is_later(one.comment_id, last.comment_id)
    ]


def _may_take(session: Session, link: TicketLink, target: str) -> bool:
    """Whether no other live link is in the way: of that ticket, or of our conversation."""
    return not session.scalar(
        sa.select(
            sa.exists().where(
                TicketLink.id != link.id,
                TicketLink.state.in_(LIVE),
                sa.or_(
                    sa.and_(
                        TicketLink.account_id == link.account_id, TicketLink.ticket_id == target
                    ),
                    TicketLink.conversation_id == link.conversation_id,
                ),
            )
        )
    )
