"""An agent's public reply becomes one text to the buyer, exactly once.

A command in its first line (`steering`), in a private note too, is obeyed and never texted.

Called by the job `helpdesk.import_reply` after a webhook, and by `poll`. The webhook's own words
are never used: all comments after the last one read are read again, so replies whose events came
late, twice, in the wrong order or not at all go out too, in the order of the ticket.

What a buyer writes into the ticket by e-mail is theirs to read there; only a request for no more
texts is heard here (`hear_requester`).

Echo rule: a comment becomes a text only if it is public, by staff, typed by a person, and not ours.
One by the user whom our authorisation acts as may be ours before our own call has returned; it is
held until no write to that ticket is unsettled. That user may also be a human who answers.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum, auto

import structlog

from app.conversations.models import Conversation
from app.conversations.reply import Added, reply_as_agent
from app.foundation.db import Session
from app.foundation.errors import Temporary
from app.foundation.outbox import Postponed
from app.helpdesk import ledger
from app.helpdesk.compose import FAILED_TAG, opted_out_note, unsent_note
from app.helpdesk.hear_requester import opt_out, wants_no_more_texts
from app.helpdesk.models import HelpdeskAccount, TicketLink
from app.helpdesk.needs import Needs
from app.helpdesk.notes import write_note
from app.helpdesk.obey_steering import obey
from app.helpdesk.place import At, place_of
from app.helpdesk.ports import ReadComment, TicketGone, Writer
from app.helpdesk.reply_photos import Attached, take_photos
from app.helpdesk.reply_text import Unsendable, as_text, is_merge_notice
from app.helpdesk.resolve_thread import resolve_thread
from app.helpdesk.steering import read_command
from app.helpdesk.tokens import Desk
from app.helpdesk.writing import desk_at, end_link, recover

log = structlog.get_logger()


@dataclass(frozen=True)
class _Ticket:
    at: At
    ticket_id: str
    conversation_id: int
    read_to: str | None
    bot_user_id: str = field(default="")


class _Verdict(Enum):
    NOT_FOR_BUYER = auto()
    HOLD = auto()
    LOOK = auto()  # a stray write has to be found or given up first
    SEND = auto()
    OPT_OUT = auto()  # a buyer's own, by e-mail
    STEER = auto()  # a command in a private note


def take_new_comments(
    tools: Needs, *, shop_id: int, link_id: int, expected: str | None = None
) -> None:
    """Text what agents wrote since the last look. `expected`: a comment that must be there.

    Raises Postponed while an echo cannot be told from a reply, Disconnected, Temporary.
    """
    with tools.db.shop(shop_id) as session:
        ticket = _read_link(session, tools, link_id)
    if ticket is None:
        return
    try:
        with desk_at(tools, ticket.at) as desk:
            comments = desk.helpdesk.read_comments_since(
                desk.access, ticket.ticket_id, ticket.read_to
            )
            for comment in comments:
                _take(tools, desk, ticket, comment)
    except TicketGone:
        with tools.db.shop(shop_id) as session:
            end_link(link_id, "gone")(session, tools.clock.now())
        return
    shown = any(comment.comment_id == expected for comment in comments)
    if expected and not shown and (ticket.read_to is None or is_later(expected, ticket.read_to)):
        raise Temporary(ticket.at.kind, "the comment is not shown yet", retry_after=2)


def is_later(comment_id: str, than: str) -> bool:
    """Comments' ids are numbers that grow."""
    return (len(comment_id), comment_id) > (len(than), than)


def _read_link(session: Session, tools: Needs, link_id: int) -> _Ticket | None:
    link = session.get(TicketLink, link_id)
    # Closed: where agents may still answer in a ticket whose thread has gone on elsewhere.
    if link is None or link.ticket_id is None or link.state not in ("open", "solved", "closed"):
        return None
    account = session.get_one(HelpdeskAccount, link.account_id)
    return _Ticket(
        at=place_of(session, now=tools.clock.now(), keys=tools.keys, link_id=link_id),
        ticket_id=link.ticket_id,
        conversation_id=link.conversation_id,
        read_to=link.read_to,
        bot_user_id=account.bot_user_id,
    )


def _take(tools: Needs, desk: Desk, ticket: _Ticket, comment: ReadComment) -> None:
    verdict = _judge(tools, ticket, comment)
    if verdict is _Verdict.LOOK:
        settle = recover(tools, ticket.at)
        with tools.db.shop(ticket.at.shop_id) as session:
            settle(session, tools.clock.now())
        verdict = _judge(tools, ticket, comment)
    if verdict is _Verdict.SEND:
        _send(tools, desk, ticket, comment)
    elif verdict is _Verdict.OPT_OUT:
        _opt_out(tools, ticket, comment)
    elif verdict is _Verdict.STEER:
        _obey_command(tools, ticket, comment)
    elif verdict is not _Verdict.NOT_FOR_BUYER:
        raise Postponed(2, "a write to this ticket is not settled yet")
    with tools.db.shop(ticket.at.shop_id) as session:
        _mark_read(session, ticket.at.link_id, comment.comment_id, tools.clock.now())


def _judge(tools: Needs, ticket: _Ticket, comment: ReadComment) -> _Verdict:
    if not comment.public:
        steer, _ = read_command(comment.text)
        return _Verdict.STEER if steer and comment.by_staff else _Verdict.NOT_FOR_BUYER
    if is_merge_notice(comment.text):
        return _Verdict.NOT_FOR_BUYER
    if comment.writer is not Writer.PERSON:
        # A program's is an echo. A rule's automatic answer stays in the helpdesk too: the buyer was
        # answered by us already. If a shop wants them sent, its preference is asked here.
        return _Verdict.NOT_FOR_BUYER
    if not comment.by_staff and not wants_no_more_texts(comment):
        return _Verdict.NOT_FOR_BUYER
    link_id = ticket.at.link_id
    with tools.db.shop(ticket.at.shop_id) as session:
        if ledger.is_settled_as(session, link_id=link_id, comment_id=comment.comment_id):
            return _Verdict.NOT_FOR_BUYER
        if comment.by_staff and ticket.bot_user_id and comment.author_id != ticket.bot_user_id:
            return _Verdict.SEND
        strays = ledger.unsettled(session, link_id)
        if any(not stray.stale for stray in strays):
            return _Verdict.HOLD
        if strays:
            return _Verdict.LOOK
        if ledger.wrote_same(session, link_id=link_id, comment=comment):
            return _Verdict.NOT_FOR_BUYER
    return _Verdict.SEND if comment.by_staff else _Verdict.OPT_OUT


def _obey_command(tools: Needs, ticket: _Ticket, comment: ReadComment) -> None:
    with tools.db.shop(ticket.at.shop_id) as session:
        _steer(session, ticket, comment, tools.clock.now())
        _mark_read(session, ticket.at.link_id, comment.comment_id, tools.clock.now())


def _steer(session: Session, ticket: _Ticket, comment: ReadComment, now: datetime) -> None:
    steer, _ = read_command(comment.text)
    if steer is not None:
        by = f"agent:{ticket.at.kind}:{comment.author_id}"
        obey(session, now=now, conversation_id=ticket.conversation_id, steer=steer, by=by)


def _send(tools: Needs, desk: Desk, ticket: _Ticket, comment: ReadComment) -> None:
    at = ticket.at
    steer, words = read_command(comment.text)
    if steer is not None and not words.strip() and not comment.files:
        _obey_command(tools, ticket, comment)
        return
    attached = Attached()
    try:
        attached = take_photos(tools, desk, comment)
        body = as_text(words, has_photos=bool(attached.photos))
    except Unsendable as refusal:
        problems: tuple[str, ...] = (str(refusal),)
        log.info("reply not sent", link_id=at.link_id, reason=refusal.reason)
    else:
        problems = ()
        with tools.db.shop(at.shop_id) as session:
            now = tools.clock.now()
            added = reply_as_agent(
                session,
                now=now,
                conversation_id=ticket.conversation_id,
                body=body,
                agent_name=(comment.author_name.split() or [""])[0],
                key=f"{at.kind}:{ticket.ticket_id}:{comment.comment_id}",
                written_by=f"agent:{at.kind}:{comment.author_id}",
                photos=attached.photos,
            )
            link = session.get_one(TicketLink, at.link_id)
            link.last_activity_at = now
            if link.state == "solved":
                # The agent answered and solved in one go, and the second news came first.
                conversation = session.get_one(Conversation, ticket.conversation_id)
                resolve_thread(session, conversation, link, now=now)
            if isinstance(added, Added):  # the thread may have changed hands since
                _steer(session, ticket, comment, now)
            if not attached.left_out:
                _mark_read(session, at.link_id, comment.comment_id, now)
    # Where nothing was sent at all, the agent who solved the ticket must come back to it.
    for number, problem in enumerate((*problems, *attached.left_out)):
        write_note(
            tools,
            shop_id=at.shop_id,
            link_id=at.link_id,
            key=f"unsent:{comment.comment_id}:{number}",
            note=unsent_note(problem),
            tags=(FAILED_TAG,) if problem in problems else (),
            reopen=problem in problems,
        )


def _opt_out(tools: Needs, ticket: _Ticket, comment: ReadComment) -> None:
    at = ticket.at
    with tools.db.shop(at.shop_id) as session:
        opt_out(
            session,
            now=tools.clock.now(),
            conversation_id=ticket.conversation_id,
            kind=at.kind,
            comment=comment,
        )
    write_note(
        tools,
        shop_id=at.shop_id,
        link_id=at.link_id,
        key=f"opted-out:{comment.comment_id}",
        note=opted_out_note(),
    )


def _mark_read(session: Session, link_id: int, comment_id: str, now: datetime) -> None:
    """Forward only: another run may have read further."""
    link = session.get_one(TicketLink, link_id, with_for_update=True)
    if link.read_to is None or is_later(comment_id, link.read_to):
        link.read_to = comment_id
        link.last_activity_at = now
