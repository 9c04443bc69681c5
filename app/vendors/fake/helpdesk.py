"""A helpdesk in memory, for tests at unit speed. Fulfils `helpdesk.ports.Helpdesk`.

Called by tests only. Behaves as the real ones do under the port's contract suite, and lets a test
say what happens there: an agent replies, a ticket is closed, merged or deleted, an answer is lost.
"""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from app.foundation.clock import Clock
from app.foundation.errors import Permanent, Unknowable, VendorFailure
from app.helpdesk.ports import (
    Author,
    Comment,
    FileRef,
    HelpdeskAccess,
    HookSubscription,
    OpenedTicket,
    Priority,
    ReadComment,
    Requester,
    Routing,
    TicketClosed,
    TicketDraft,
    TicketFile,
    TicketGone,
    TicketHistory,
    TicketState,
    TicketStatus,
    WrittenComment,
)

VENDOR = "fake"
FILES_BASE = "https://helpdesk.fake.invalid/files/"
BOT_ID = "1"
AGENT_ID = "2"


@dataclass
class _Ticket:
    ticket_id: str
    subdomain: str
    external_id: str
    requester_id: str
    tags: list[str]
    state: TicketState = TicketState.OPEN
    merged_into: str | None = None
    priority: Priority | None = None
    group_id: str | None = None
    assignee_id: str | None = None
    comments: list[ReadComment] = field(default_factory=list)


class FakeHelpdesk:
    """Takes everything unless told otherwise."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._numbers = itertools.count(100)
        self._failures: deque[VendorFailure] = deque()
        self._people: dict[tuple[str, str], Requester] = {}
        self._tickets: dict[str, _Ticket] = {}
        self._opened: dict[tuple[str, str], tuple[TicketDraft, OpenedTicket]] = {}
        self._files: dict[str, bytes] = {}
        self.subscribed: dict[str, str] = {}  # webhook id -> endpoint

    # --- What a test arranges and looks at

    def fail_next(self, failure: VendorFailure) -> None:
        """The next call raises `failure`. An Unknowable write was done all the same."""
        self._failures.append(failure)

    def agent_replies(
        self,
        ticket_id: str,
        text: str,
        *,
        public: bool = True,
        files: tuple[TicketFile, ...] = (),
    ) -> ReadComment:
        """A human writes at the helpdesk."""
        ticket = self._tickets[ticket_id]
        return self._write(ticket, AGENT_ID, "Priya Shah", text, public=public, files=files)

    def put_state(self, ticket_id: str, state: TicketState) -> None:
        """A human solves, closes or reopens."""
        self._tickets[ticket_id].state = state

    def merge(self, ticket_id: str, into: str) -> None:
        """A human merges two tickets."""
        source, target = self._tickets[ticket_id], self._tickets[into]
        note = f"Merged into #{into}."
        self._write(source, AGENT_ID, "Priya Shah", note, public=False)
        source.state, source.merged_into = TicketState.CLOSED, target.ticket_id

    def delete(self, ticket_id: str) -> None:
        """A human throws a ticket away."""
        del self._tickets[ticket_id]

    def put_tag(self, ticket_id: str, tag: str) -> None:
        """A human, or their macro, adds a tag."""
        self._tickets[ticket_id].tags.append(tag)

    def owners_of(self, ticket_id: str) -> tuple[str | None, str | None]:
        """Group and assignee."""
        return self._tickets[ticket_id].group_id, self._tickets[ticket_id].assignee_id

    def tags_of(self, ticket_id: str) -> tuple[str, ...]:
        return tuple(self._tickets[ticket_id].tags)

    # --- The port

    def who_am_i(self, access: HelpdeskAccess) -> str:
        self._strike()
        return BOT_ID

    def find_or_make_requester(self, access: HelpdeskAccess, requester: Requester) -> str:
        self._strike()
        for known, one in self._people.items():
            if known[0] == access.subdomain and one.external_id == requester.external_id:
                return known[1]
        for known, one in self._people.items():
            same_email = requester.email is not None and one.email == requester.email
            if known[0] == access.subdomain and (one.phone == requester.phone or same_email):
                return known[1]
        user_id = self._number()
        self._people[access.subdomain, user_id] = requester
        return user_id

    def find_ticket(self, access: HelpdeskAccess, external_id: str) -> OpenedTicket | None:
        self._strike()
        newest = self._newest(access, external_id)
        if newest is None:
            return None
        return OpenedTicket(newest.ticket_id, (newest.comments[0].comment_id,))

    def open_ticket(self, access: HelpdeskAccess, draft: TicketDraft) -> OpenedTicket:
        lost = self._lost_answer()
        key = (access.subdomain, draft.idempotency_key)
        if key not in self._opened:
            self._opened[key] = (draft, self._open(access, draft))
        before, opened = self._opened[key]
        if before != draft:
            raise Unknowable(VENDOR, "opened before with another draft", code="other_draft")
        if lost:
            raise lost
        return opened

    def import_ticket(self, access: HelpdeskAccess, history: TicketHistory) -> OpenedTicket:
        lost = self._lost_answer()
        ticket = self._newest(access, history.external_id)
        if ticket is None:
            ticket = self._new(access, history.external_id, history.requester_id, history.tags)
            for comment in history.comments:
                self._write_ours(access, ticket, comment, history.requester_id)
        if lost:
            raise lost
        first = ticket.comments[: len(history.comments)]
        return OpenedTicket(ticket.ticket_id, tuple(one.comment_id for one in first))

    def add_comment(
        self,
        access: HelpdeskAccess,
        ticket_id: str,
        comment: Comment,
        *,
        requester_id: str,
        tags: tuple[str, ...] = (),
        reopen: bool = False,
    ) -> WrittenComment:
        lost = self._lost_answer()
        ticket = self._open_one(access, ticket_id)
        ticket.tags += [tag for tag in tags if tag not in ticket.tags]
        written = self._write_ours(access, ticket, comment, requester_id)
        from_buyer = comment.author is Author.CONTACT and comment.public
        settled = ticket.state in (TicketState.SOLVED, TicketState.PENDING)
        if reopen or (from_buyer and settled):
            ticket.state = TicketState.OPEN
        if lost:
            raise lost
        return WrittenComment(written.comment_id)

    def set_state(self, access: HelpdeskAccess, ticket_id: str, state: TicketState) -> None:
        self._strike()
        self._open_one(access, ticket_id).state = state

    def route_ticket(self, access: HelpdeskAccess, ticket_id: str, routing: Routing) -> None:
        self._strike()
        ticket = self._open_one(access, ticket_id)
        if routing.assignee_id not in (None, AGENT_ID):
            raise Permanent(VENDOR, "no such agent", status=422)
        ticket.group_id = routing.group_id or ticket.group_id
        ticket.assignee_id = routing.assignee_id or ticket.assignee_id
        ticket.priority = routing.priority or ticket.priority
        ticket.tags += [tag for tag in routing.tags if tag not in ticket.tags]

    def remove_tag(self, access: HelpdeskAccess, ticket_id: str, tag: str) -> None:
        self._strike()
        ticket = self._open_one(access, ticket_id)
        ticket.tags = [one for one in ticket.tags if one != tag]

    def read_status(self, access: HelpdeskAccess, ticket_id: str) -> TicketStatus:
        self._strike()
        one = self._one(access, ticket_id)
        return TicketStatus(
            one.ticket_id,
            one.state,
            one.external_id,
            one.merged_into,
            tuple(one.tags),
            one.priority,
        )

    def read_comments_since(
        self, access: HelpdeskAccess, ticket_id: str, comment_id: str | None
    ) -> Sequence[ReadComment]:
        self._strike()
        known = int(comment_id) if comment_id is not None else -1
        comments = self._one(access, ticket_id).comments
        return [one for one in comments if int(one.comment_id) > known]

    def fetch_file(self, access: HelpdeskAccess, url: str, *, max_bytes: int) -> bytes:
        self._strike()
        if not url.startswith(FILES_BASE):
            raise Permanent(VENDOR, "not an address of this account", code="foreign_address")
        content = self._files.get(url)
        if content is None:
            raise Permanent(VENDOR, "no such file", status=404)
        if len(content) > max_bytes:
            raise Permanent(VENDOR, "the file is too large", code="too_large")
        return content

    def subscribe(self, access: HelpdeskAccess, endpoint: str) -> HookSubscription:
        self._strike()
        for webhook_id, known in self.subscribed.items():
            if known == endpoint:
                return HookSubscription(webhook_id, f"secret of {webhook_id}")
        webhook_id = self._number()
        self.subscribed[webhook_id] = endpoint
        return HookSubscription(webhook_id, f"secret of {webhook_id}")

    def unsubscribe(self, access: HelpdeskAccess, webhook_id: str) -> None:
        self._strike()
        self.subscribed.pop(webhook_id, None)

    # --- Inside

    def _number(self) -> str:
        return str(next(self._numbers))

    def _strike(self) -> None:
        if self._failures:
            raise self._failures.popleft()

    def _lost_answer(self) -> Unknowable | None:
        """The failure to raise after acting; any other is raised before."""
        if self._failures and isinstance(self._failures[0], Unknowable):
            lost = self._failures.popleft()
            assert isinstance(lost, Unknowable)
            return lost
        self._strike()
        return None

    def _one(self, access: HelpdeskAccess, ticket_id: str) -> _Ticket:
        one = self._tickets.get(ticket_id)
        if one is None or one.subdomain != access.subdomain:
            raise TicketGone(VENDOR, "the ticket is gone", status=404)
        return one

    def _open_one(self, access: HelpdeskAccess, ticket_id: str) -> _Ticket:
        one = self._one(access, ticket_id)
        if one.state is TicketState.CLOSED:
            raise TicketClosed(VENDOR, "the ticket is closed", status=422)
        return one

    def _open(self, access: HelpdeskAccess, draft: TicketDraft) -> OpenedTicket:
        if draft.follow_up_of is not None:
            before = self._tickets.get(draft.follow_up_of)
            if before is None or before.state is not TicketState.CLOSED:
                raise Permanent(VENDOR, "only closed tickets have follow-ups", status=422)
        ticket = self._new(access, draft.external_id, draft.requester_id, draft.tags)
        first = self._write_ours(access, ticket, draft.first_comment, draft.requester_id)
        return OpenedTicket(ticket.ticket_id, (first.comment_id,))

    def _new(
        self, access: HelpdeskAccess, external_id: str, requester_id: str, tags: tuple[str, ...]
    ) -> _Ticket:
        ticket = _Ticket(self._number(), access.subdomain, external_id, requester_id, list(tags))
        self._tickets[ticket.ticket_id] = ticket
        return ticket

    def _newest(self, access: HelpdeskAccess, external_id: str) -> _Ticket | None:
        found = [
            one
            for one in self._tickets.values()
            if (one.subdomain, one.external_id) == (access.subdomain, external_id)
        ]
        return max(found, key=lambda one: int(one.ticket_id), default=None)

    def _write_ours(
        self, access: HelpdeskAccess, ticket: _Ticket, comment: Comment, requester_id: str
    ) -> ReadComment:
        author_id, name = access.bot_user_id or BOT_ID, "Doorstep Assistant"
        staff = True
        if comment.author is Author.CONTACT:
            person = self._people.get((access.subdomain, requester_id))
            author_id, name, staff = requester_id, person.name if person else "", False
        text = "\n\n".join(comment.paragraphs) or ", ".join(one.filename for one in comment.files)
        written = self._write(
            ticket,
            author_id,
            name,
            text,
            public=comment.public,
            files=comment.files,
            staff=staff,
            at=comment.at,
        )
        return written

    def _write(
        self,
        ticket: _Ticket,
        author_id: str,
        name: str,
        text: str,
        *,
        public: bool,
        files: tuple[TicketFile, ...] = (),
        staff: bool = True,
        at: datetime | None = None,
    ) -> ReadComment:
        comment = ReadComment(
            comment_id=self._number(),
            public=public,
            by_staff=staff,
            author_id=author_id,
            author_name=name,
            text=text,
            created_at=at or self._clock.now(),
        )
        refs = []
        for file in files:
            url = f"{FILES_BASE}{self._number()}/{file.filename}"
            self._files[url] = file.content
            refs.append(FileRef(file.filename, file.content_type, url))
        comment = replace(comment, files=tuple(refs))
        ticket.comments.append(comment)
        return comment
