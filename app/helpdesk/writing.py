"""One write to a helpdesk between two transactions, and what is done about writes gone astray.

Called by `mirror` and `notes`, whose intents are in the ledger by then. Nothing here holds a
transaction open across a call. Each act returns what the next transaction has to store.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime

import structlog

from app.foundation.db import Session
from app.foundation.errors import DoorstepError, Permanent, Temporary, Unknowable
from app.foundation.metrics import THREADS_BROUGHT
from app.foundation.outbox import Postponed
from app.helpdesk import ledger
from app.helpdesk.compose import TAGS
from app.helpdesk.models import TicketLink
from app.helpdesk.needs import Needs
from app.helpdesk.place import At
from app.helpdesk.plan import Import, Open, SetState, Write
from app.helpdesk.ports import (
    Disconnected,
    OpenedTicket,
    TicketClosed,
    TicketDraft,
    TicketGone,
    TicketHistory,
    TicketState,
)
from app.helpdesk.routing.put_off_routing import put_off_routing
from app.helpdesk.tokens import Desk, open_desk

log = structlog.get_logger()

Settle = Callable[[Session, datetime], bool]
"""What the next transaction has to store. Whether what was planned stands in the ticket now."""

OPENED = """
UPDATE ticket_links SET ticket_id = %(ticket)s, requester_id = %(requester)s,
  state = CASE state WHEN 'opening' THEN 'open' ELSE state END,  -- it may have ended meanwhile
  read_to = %(read_to)s, last_activity_at = %(now)s,
  mirrored_to = greatest(mirrored_to, %(mark)s::bigint)
WHERE id = %(link)s
"""
WRITTEN = """
UPDATE ticket_links SET last_activity_at = %(now)s,
  mirrored_to = greatest(mirrored_to, %(mark)s::bigint),
  state = CASE WHEN %(reopen)s AND state = 'solved' THEN 'open' ELSE state END
WHERE id = %(link)s
"""
# Whatever we asked for with them: a buyer's words open a solved ticket.
OPENED_BY_BUYER = "UPDATE ticket_links SET state = 'open' WHERE id = %s AND state = 'solved'"
STATE_SET = """
UPDATE ticket_links SET state = %s, wanted_state = NULL
WHERE id = %s AND wanted_state = %s AND state IN ('open', 'solved')
"""

WISH_DROPPED = "UPDATE ticket_links SET wanted_state = NULL WHERE id = %s AND wanted_state = %s"


@contextmanager
def desk_at(tools: Needs, at: At) -> Iterator[Desk]:
    with open_desk(
        tools, shop_id=at.shop_id, kind=at.kind, account_id=at.account_id, access=at.access
    ) as desk:
        yield desk


@contextmanager
def attempt(tools: Needs, at: At, write_id: int) -> Iterator[Desk]:
    """Around the one call that writes: an intent of what certainly did not happen is withdrawn.

    What may have happened keeps its intent, and after `ledger.STALE_SECONDS` whoever comes next
    looks into the ticket.
    """
    try:
        with desk_at(tools, at) as desk:
            yield desk
    except Unknowable as error:
        raise Postponed(ledger.STALE_SECONDS, "the helpdesk's answer was lost") from error
    except (DoorstepError, Postponed):
        with tools.db.shop(at.shop_id) as session:
            ledger.abandon(session, write_id=write_id)
        raise


def open_ticket(tools: Needs, step: Open) -> Settle:
    """Make the buyer known, open the ticket."""
    at = step.at
    with attempt(tools, at, step.write_id) as desk:
        requester_id = _requester(desk, at)
        opened = desk.helpdesk.open_ticket(
            desk.access,
            TicketDraft(
                external_id=at.external_id,
                idempotency_key=step.idempotency_key,
                subject=step.subject,
                requester_id=requester_id,
                first_comment=step.first.load(tools.media, at.numbers),
                tags=TAGS,
                follow_up_of=step.follow_up_of,
            ),
        )
    return _opened(at, step.write_id, requester_id, opened, step.mark)


def import_ticket(tools: Needs, step: Import) -> Settle:
    """The same with a thread's history. Refused for good, it is not tried again."""
    at = step.at
    try:
        with attempt(tools, at, step.write_id) as desk:
            requester_id = _requester(desk, at)
            opened = desk.helpdesk.import_ticket(
                desk.access,
                TicketHistory(
                    external_id=at.external_id,
                    subject=step.subject,
                    requester_id=requester_id,
                    comments=tuple(one.load(tools.media, at.numbers) for one in step.comments),
                    tags=TAGS,
                ),
            )
            if len(opened.comment_ids) < len(step.comments):
                # Read up to too early a comment, the rest of the history would be texted again.
                raise Unknowable(at.kind, "the ticket does not show all of its history yet")
    except Disconnected:
        raise
    except Permanent as error:
        log.warning("history refused", link_id=at.link_id, status=error.status)
        return _refused(step.write_id)
    THREADS_BROUGHT.labels(at.kind).inc()
    log.info("thread brought to the helpdesk", link_id=at.link_id, comments=len(step.comments))
    return _opened(at, step.write_id, requester_id, opened, step.mark)


def _refused(write_id: int) -> Settle:
    def settle(session: Session, now: datetime) -> bool:
        ledger.refuse(session, write_id=write_id)
        return False

    return settle


def _requester(desk: Desk, at: At) -> str:
    try:
        return at.requester_id or desk.helpdesk.find_or_make_requester(desk.access, at.requester)
    except Unknowable as error:
        # A buyer made twice is found again; no ticket was opened yet.
        raise Temporary(at.kind, "it is not known whether the buyer was added") from error


def _opened(
    at: At, write_id: int, requester_id: str, opened: OpenedTicket, mark: int | None
) -> Settle:
    def settle(session: Session, now: datetime) -> bool:
        last = opened.comment_ids[-1] if opened.comment_ids else None
        values = {
            "link": at.link_id,
            "ticket": opened.ticket_id,
            "requester": requester_id,
            "read_to": last,
            "mark": mark,
            "now": now,
        }
        session.sql(OPENED, values)
        ledger.settle(session, now=now, write_id=write_id, comment_id=last)
        put_off_routing(session, shop_id=at.shop_id, link_id=at.link_id)
        return True

    return settle


def write_comment(tools: Needs, step: Write, *, tags: tuple[str, ...] = ()) -> Settle:
    """Add one comment. A ticket that is closed or gone ends the link instead."""
    at = step.at
    assert at.ticket_id is not None
    try:
        with attempt(tools, at, step.write_id) as desk:
            written = desk.helpdesk.add_comment(
                desk.access,
                at.ticket_id,
                step.comment.load(tools.media, at.numbers),
                requester_id=at.requester_id or "",
                tags=tags,
                reopen=step.reopen,
            )
    except TicketClosed:
        return end_link(at.link_id, "closed")
    except TicketGone:
        return end_link(at.link_id, "gone")

    def settle(session: Session, now: datetime) -> bool:
        values = {"link": at.link_id, "mark": step.mark, "reopen": step.reopen, "now": now}
        session.sql(WRITTEN, values)
        ledger.settle(session, now=now, write_id=step.write_id, comment_id=written.comment_id)
        return True

    return settle


def set_state(tools: Needs, step: SetState) -> Settle:
    """Twice is as good as once, so it needs no intent. The link says so before the helpdesk's news
    of it is followed, or that news does it: either way it changes nothing a second time."""
    at = step.at
    assert at.ticket_id is not None
    try:
        with desk_at(tools, at) as desk:
            desk.helpdesk.set_state(desk.access, at.ticket_id, TicketState(step.state))
    except TicketClosed:
        return end_link(at.link_id, "closed")
    except TicketGone:
        return end_link(at.link_id, "gone")
    except Disconnected:
        raise
    except Permanent as error:
        # Agents have to do it there. A wish that stays would stand before every later text.
        log.warning("state refused", link_id=at.link_id, state=step.state, status=error.status)
        return _drop_wish(at.link_id, step.state)

    def settle(session: Session, now: datetime) -> bool:
        session.sql(STATE_SET, step.state, at.link_id, step.state)
        return True

    return settle


def _drop_wish(link_id: int, state: str) -> Settle:
    def settle(session: Session, now: datetime) -> bool:
        session.sql(WISH_DROPPED, link_id, state)
        return False

    return settle


def end_link(link_id: int, state: str) -> Settle:
    """The next text of the buyer opens another ticket: a follow-up if this one was closed."""

    def settle(session: Session, now: datetime) -> bool:
        session.get_one(TicketLink, link_id).state = state
        log.info("ticket link ended", link_id=link_id, state=state)
        return False

    return settle


def recover(tools: Needs, at: At) -> Settle:
    """Find out what became of writes that nobody settled, by looking."""
    if at.ticket_id is None:
        return _recover_opening(tools, at)
    with tools.db.shop(at.shop_id) as session:
        strays = [one for one in ledger.unsettled(session, at.link_id) if one.stale]
        if not strays:
            return _nothing
        since = ledger.last_settled_before(session, link_id=at.link_id, write_id=strays[0].write_id)
    try:
        with desk_at(tools, at) as desk:
            comments = desk.helpdesk.read_comments_since(desk.access, at.ticket_id, since)
            bot_user_id = desk.access.bot_user_id
    except TicketGone:
        return end_link(at.link_id, "gone")

    def settle(session: Session, now: datetime) -> bool:
        unknown = [
            comment
            for comment in comments
            if not ledger.is_settled_as(session, link_id=at.link_id, comment_id=comment.comment_id)
        ]
        found = ledger.match(strays, unknown, bot_user_id=bot_user_id)
        for stray in strays:
            if comment_id := found.get(stray.write_id):
                ledger.settle(session, now=now, write_id=stray.write_id, comment_id=comment_id)
                if stray.by_buyer:
                    session.sql(OPENED_BY_BUYER, at.link_id)
            else:
                ledger.abandon(session, write_id=stray.write_id)
        return False

    return settle


def _recover_opening(tools: Needs, at: At) -> Settle:
    with tools.db.shop(at.shop_id) as session:
        strays = ledger.unsettled(session, at.link_id)
    with desk_at(tools, at) as desk:
        opened = desk.helpdesk.find_ticket(desk.access, at.external_id)
        if opened is not None and strays:
            opened = _whole(desk, opened, strays[0].comments)
            if len(opened.comment_ids) < strays[0].comments:
                raise Postponed(ledger.STALE_SECONDS, "the ticket does not show all of it yet")
            requester_id = desk.helpdesk.find_or_make_requester(desk.access, at.requester)
            return _opened(at, strays[0].write_id, requester_id, opened, None)

    def settle(session: Session, now: datetime) -> bool:
        for stray in strays:
            ledger.abandon(session, write_id=stray.write_id)
        return False

    return settle


def _whole(desk: Desk, opened: OpenedTicket, comments: int) -> OpenedTicket:
    """With all comments that it was opened with: whatever came later stands after them."""
    if len(opened.comment_ids) >= comments:
        return opened
    read = desk.helpdesk.read_comments_since(desk.access, opened.ticket_id, None)
    return OpenedTicket(opened.ticket_id, tuple(one.comment_id for one in read[:comments]))


def _nothing(session: Session, now: datetime) -> bool:
    return False
