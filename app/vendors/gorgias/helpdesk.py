"""Gorgias as a helpdesk: the port's words into API calls and back.

Built by `bootstrap`, called by the helpdesk room. Translates and decides nothing. A ticket is a
conversation on channel `sms`; a text is a message in it that was sent elsewhere.

Gorgias knows open and closed only, and a closed ticket takes messages for ever. So closed is SOLVED
in the port's words, and once it was closed for `REOPENS_FOR`, what would add to it raises
TicketClosed. What an agent writes into an older one is still read.

Bound by developers.gorgias.com, "Tickets" and "Messages": there is no idempotency key, and our
`external_id` is not unique there, so before opening a ticket it is looked for.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from itertools import takewhile
from typing import Any

from app.foundation.clock import Clock
from app.foundation.errors import Permanent, Unknowable, VendorFailure
from app.helpdesk.ports import (
    REOPENS_FOR,
    Author,
    Comment,
    HelpdeskAccess,
    HookSubscription,
    OpenedTicket,
    Priority,
    ReadComment,
    Requester,
    Routing,
    TicketClosed,
    TicketDraft,
    TicketGone,
    TicketHistory,
    TicketState,
    TicketStatus,
    WrittenComment,
)
from app.vendors.gorgias import files, people, subscriptions
from app.vendors.gorgias.client import VENDOR, GorgiasClient
from app.vendors.gorgias.messages import (
    CHANNEL,
    OURS,
    comment_from,
    messages_since,
    moment,
    written,
)

# Every ticket begins as "normal", so that is nobody's choice. The words are Gorgias's; that the API
# takes them in a change of a ticket is not verified on a live account.
PRIORITIES = {Priority.LOW: "low", Priority.HIGH: "high", Priority.URGENT: "critical"}
DRAFT = "doorstep_draft"  # in a ticket's `meta`: which draft it was opened with


class GorgiasHelpdesk:
    """Fulfils `helpdesk.ports.Helpdesk`. Safe to share between threads."""

    def __init__(self, client: GorgiasClient, clock: Clock) -> None:
        self._client = client
        self._clock = clock

    def who_am_i(self, access: HelpdeskAccess) -> str:
        """Id of the user our authorisation acts as."""
        return str(self._get(access, "/api/users/0")["id"])

    def find_or_make_requester(self, access: HelpdeskAccess, requester: Requester) -> str:
        """Id of Gorgias's customer for this buyer: by external id, e-mail, phone, else made."""
        return people.find_or_make(self._client, access, requester)

    def find_ticket(self, access: HelpdeskAccess, external_id: str) -> OpenedTicket | None:
        """The newest ticket with our external id that is not in the bin, with its messages."""
        found = self._newest(access, external_id)
        return self._opened(access, str(found["id"])) if found is not None else None

    def open_ticket(self, access: HelpdeskAccess, draft: TicketDraft) -> OpenedTicket:
        """Open one, once for one external id.

        Raises Temporary, Permanent, Unknowable. Unknowable with code `other_draft`: a ticket was
        opened under this id with another draft; `find_ticket` has it.
        """
        there = self._newest(access, draft.external_id)
        if there is not None:
            if (there.get("meta") or {}).get(DRAFT) != _fingerprint(draft):
                raise Unknowable(VENDOR, "opened before with another draft", code="other_draft")
            return self._opened(access, str(there["id"]))
        first = self._message(access, draft.first_comment, draft.requester_id)
        messages = [first]
        if draft.follow_up_of is not None:
            said = f"Continues ticket {draft.follow_up_of}, which was closed."
            note = Comment(Author.SYSTEM, (said,), public=False)
            messages.append(self._message(access, note, draft.requester_id))
        return self._new_ticket(access, draft, messages, {DRAFT: _fingerprint(draft)})

    def import_ticket(self, access: HelpdeskAccess, history: TicketHistory) -> OpenedTicket:
        """Open one that holds all of it, once for one external id. Its rules may answer as to any
        new ticket, but only there. Raises Temporary, Permanent, Unknowable."""
        there = self._newest(access, history.external_id)
        if there is not None:
            return self._opened(access, str(there["id"]))
        messages = [self._message(access, one, history.requester_id) for one in history.comments]
        return self._new_ticket(access, history, messages, {})

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
        """Add one. Raises TicketClosed, TicketGone, Temporary, Permanent, Unknowable."""
        ticket = self._takes_more(access, ticket_id)
        message = self._message(access, comment, requester_id)
        # Ahead of the message: tagging and opening twice is harmless, a message twice is not.
        if tags:
            self._change(access, ticket_id, "POST", "/tags", {"names": list(tags)})
        if ticket["status"] == "closed" and (reopen or not message["from_agent"]):
            self._change(access, ticket_id, "PUT", "", {"status": "open"})
        path = f"/api/tickets/{int(ticket_id)}/messages"
        try:
            said = self._client.call(
                access.subdomain, "POST", path, token=access.access_token, body=message
            )
        except Permanent as error:
            raise _gone(error) from error
        return WrittenComment(str(said["id"]))

    def set_state(self, access: HelpdeskAccess, ticket_id: str, state: TicketState) -> None:
        """Raises TicketClosed, TicketGone."""
        self._takes_more(access, ticket_id)
        still_open = state in (TicketState.OPEN, TicketState.PENDING)
        body = {"status": "open" if still_open else "closed"}
        self._change(access, ticket_id, "PUT", "", body)

    def route_ticket(self, access: HelpdeskAccess, ticket_id: str, routing: Routing) -> None:
        """Raises TicketClosed, TicketGone; Permanent for a team or user that is not there."""
        self._takes_more(access, ticket_id)
        wanted: dict[str, Any] = {}
        if routing.group_id:
            wanted["assignee_team"] = {"id": int(routing.group_id)}
        if routing.assignee_id:
            wanted["assignee_user"] = {"id": int(routing.assignee_id)}
        if routing.priority:
            wanted["priority"] = PRIORITIES.get(routing.priority, "normal")
        if wanted:
            self._change(access, ticket_id, "PUT", "", wanted)
        if routing.tags:
            self._change(access, ticket_id, "POST", "/tags", {"names": list(routing.tags)})

    def remove_tag(self, access: HelpdeskAccess, ticket_id: str, tag: str) -> None:
        """Raises TicketClosed, TicketGone. Gorgias takes tags off by replacing all of them."""
        tags = _tags(self._takes_more(access, ticket_id))
        if tag in tags:
            left = [one for one in tags if one != tag]
            self._change(access, ticket_id, "PUT", "/tags", {"names": left})

    def read_status(self, access: HelpdeskAccess, ticket_id: str) -> TicketStatus:
        """Raises TicketGone."""
        ticket = self._ticket(access, ticket_id)
        state = TicketState.SOLVED if ticket["status"] == "closed" else TicketState.OPEN
        chosen = {word: priority for priority, word in PRIORITIES.items()}
        return TicketStatus(
            ticket_id,
            state,
            ticket.get("external_id"),
            tags=_tags(ticket),
            priority=chosen.get(ticket.get("priority") or ""),
        )

    def read_comments_since(
        self, access: HelpdeskAccess, ticket_id: str, comment_id: str | None
    ) -> Sequence[ReadComment]:
        """Comments after that one, oldest first; all if None. Raises TicketGone."""
        found, has_any = self._messages(access, ticket_id, comment_id)
        if not has_any:  # no ticket is without a message, but of one that is gone none are listed
            self._ticket(access, ticket_id)
        return [comment_from(one, access.bot_user_id) for one in found]

    def fetch_file(self, access: HelpdeskAccess, url: str, *, max_bytes: int) -> bytes:
        """The bytes of a `FileRef`. Raises Permanent (too large, foreign address), Temporary."""
        return files.fetch(self._client, access, url, max_bytes=max_bytes)

    def subscribe(self, access: HelpdeskAccess, endpoint: str) -> HookSubscription:
        """Have Gorgias tell `endpoint` and show our sidebar; the same endpoint twice is one."""
        return subscriptions.subscribe(self._client, access, endpoint)

    def unsubscribe(self, access: HelpdeskAccess, webhook_id: str) -> None:
        """What is gone already is as good."""
        subscriptions.unsubscribe(self._client, access, webhook_id)

    def _new_ticket(
        self,
        access: HelpdeskAccess,
        wanted: TicketDraft | TicketHistory,
        messages: Sequence[Mapping[str, Any]],
        meta: Mapping[str, str],
    ) -> OpenedTicket:
        said = self._client.call(
            access.subdomain,
            "POST",
            "/api/tickets",
            token=access.access_token,
            body={
                "channel": CHANNEL,
                "via": "api",
                "from_agent": messages[0]["from_agent"],
                "status": "open",
                "external_id": wanted.external_id,
                "subject": wanted.subject,
                "customer": {"id": int(wanted.requester_id)},
                "tags": [{"name": name} for name in wanted.tags],
                "meta": dict(meta),
                "messages": list(messages),
            },
        )
        try:
            return self._opened(access, str(said["id"]))
        except VendorFailure as error:
            # It is open; which messages it has, the next look tells.
            raise Unknowable(VENDOR, str(error), code=error.code, status=error.status) from error

    def _message(
        self, access: HelpdeskAccess, comment: Comment, requester_id: str
    ) -> dict[str, Any]:
        attachments = files.upload(self._client, access, comment.files)
        return written(
            access, comment, attachments, requester_id=requester_id, now=self._clock.now()
        )

    def _newest(self, access: HelpdeskAccess, external_id: str) -> Mapping[str, Any] | None:
        said = self._get(access, "/api/tickets", {"external_id": external_id, "trashed": "false"})
        found = [one for one in said["data"] if one.get("external_id") == external_id]
        return max(found, key=lambda one: int(one["id"])) if found else None

    def _opened(self, access: HelpdeskAccess, ticket_id: str) -> OpenedTicket:
        """With the messages that it was opened with; what others wrote since is yet to be read.

        The answers' own list of messages may be empty, so they are always asked for.
        """
        found, _ = self._messages(access, ticket_id, None)
        ours = takewhile(lambda one: str(one.get("external_id") or "").startswith(OURS), found)
        return OpenedTicket(ticket_id, tuple(str(one["id"]) for one in ours))

    def _messages(
        self, access: HelpdeskAccess, ticket_id: str, message_id: str | None
    ) -> tuple[list[Any], bool]:
        def page(params: Mapping[str, str]) -> Any:
            return self._get(access, "/api/messages", params)

        try:
            return messages_since(page, str(int(ticket_id)), message_id)
        except Permanent as error:
            raise _gone(error) from error

    def _takes_more(self, access: HelpdeskAccess, ticket_id: str) -> Mapping[str, Any]:
        """The ticket, unless it was closed too long ago. Raises TicketClosed, TicketGone."""
        ticket = self._ticket(access, ticket_id)
        since = ticket.get("closed_datetime") if ticket["status"] == "closed" else None
        if since and self._clock.now() - moment(since) > REOPENS_FOR:
            raise TicketClosed(VENDOR, "the ticket was closed too long ago")
        return ticket

    def _ticket(self, access: HelpdeskAccess, ticket_id: str) -> Mapping[str, Any]:
        """Raises TicketGone, also for one in the bin."""
        try:
            ticket: Mapping[str, Any] = self._get(access, f"/api/tickets/{int(ticket_id)}")
        except Permanent as error:
            raise _gone(error) from error
        if ticket.get("trashed_datetime"):
            raise TicketGone(VENDOR, "the ticket is in the bin")
        return ticket

    def _change(
        self,
        access: HelpdeskAccess,
        ticket_id: str,
        method: str,
        path: str,
        body: Mapping[str, Any],
    ) -> None:
        try:
            self._client.call(
                access.subdomain,
                method,
                f"/api/tickets/{int(ticket_id)}{path}",
                token=access.access_token,
                body=body,
                repeatable=True,
            )
        except Permanent as error:
            raise _gone(error) from error

    def _get(
        self, access: HelpdeskAccess, path: str, params: Mapping[str, str] | None = None
    ) -> Any:
        return self._client.call(
            access.subdomain, "GET", path, token=access.access_token, params=params
        )


def _gone(error: Permanent) -> Permanent:
    if error.status in (404, 410):
        return TicketGone(VENDOR, "the ticket is gone", status=error.status)
    return error


def _tags(ticket: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(str(one["name"]) for one in ticket.get("tags") or ())


def _fingerprint(draft: TicketDraft) -> str:
    """Which draft this is. The photos are not in it: one may have been erased since."""
    said = (
        draft.idempotency_key,
        draft.subject,
        draft.requester_id,
        draft.follow_up_of,
        *draft.first_comment.paragraphs,
    )
    return hashlib.sha256("\x1f".join(str(one) for one in said).encode()).hexdigest()[:32]
