"""Zendesk as a helpdesk: the port's words into API calls and back.

Built by `bootstrap`, called by the helpdesk room. Translates and decides nothing. Every comment
names its author, or Zendesk would file the buyer's words as the agent's and count them so.

Bound by developer.zendesk.com, "Ticketing": comments come by updating the ticket; closed tickets
take none; `Idempotency-Key` covers creation only and for two hours. "Ticket import": for admins,
comments at their own time, no triggers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC
from typing import Any

from app.foundation.errors import Permanent, Temporary, Unknowable, VendorFailure
from app.helpdesk.ports import (
    Author,
    Comment,
    Disconnected,
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
from app.vendors.zendesk import files, people, rich_text, subscriptions
from app.vendors.zendesk.client import LINE_BROKE, VENDOR, ZendeskClient
from app.vendors.zendesk.comments import comment_from, comments_since, merge_target

MERGED_TAG = "closed_by_merge"
STATES = {
    "new": TicketState.OPEN,
    "open": TicketState.OPEN,
    "pending": TicketState.PENDING,
    "hold": TicketState.PENDING,
    "solved": TicketState.SOLVED,
    "closed": TicketState.CLOSED,
}
PRIORITIES = {one.value: one for one in Priority}


class ZendeskHelpdesk:
    """Fulfils `helpdesk.ports.Helpdesk`. Safe to share between threads."""

    def __init__(self, client: ZendeskClient) -> None:
        self._client = client

    def who_am_i(self, access: HelpdeskAccess) -> str:
        """Id of the user our authorisation acts as."""
        user = self._get(access, "/api/v2/users/me")["user"]
        if user.get("id") is None:  # the anonymous user: the token says nothing to Zendesk
            raise Disconnected(VENDOR, "the authorisation names nobody")
        return str(user["id"])

    def find_or_make_requester(self, access: HelpdeskAccess, requester: Requester) -> str:
        """Id of Zendesk's user for this buyer: by external id, phone, e-mail, else made."""
        return people.find_or_make(self._client, access, requester)

    def find_ticket(self, access: HelpdeskAccess, external_id: str) -> OpenedTicket | None:
        """The newest ticket with our external id, with its first comment."""
        said = self._get(access, "/api/v2/tickets", {"external_id": external_id})
        tickets = [one for one in said["tickets"] if one.get("external_id") == external_id]
        if not tickets:
            return None
        newest = max(tickets, key=lambda one: int(one["id"]))
        first = self._get(
            access,
            f"/api/v2/tickets/{newest['id']}/comments",
            {"page[size]": "1", "sort": "created_at"},
        )
        return OpenedTicket(str(newest["id"]), tuple(str(one["id"]) for one in first["comments"]))

    def open_ticket(self, access: HelpdeskAccess, draft: TicketDraft) -> OpenedTicket:
        """Open one, once for one idempotency key.

        Raises Temporary, Permanent, Unknowable. Unknowable with code `other_draft`: a ticket was
        opened under this key with another draft; `find_ticket` has it.
        """
        requester = int(draft.requester_id)
        ticket: dict[str, Any] = {
            "subject": draft.subject,
            "requester_id": requester,
            "external_id": draft.external_id,
            "tags": list(draft.tags),
            "comment": self._comment(access, draft.first_comment, draft.requester_id),
        }
        if draft.follow_up_of is not None:
            ticket["via_followup_source_id"] = int(draft.follow_up_of)
        elif "author_id" in ticket["comment"]:
            # The first comment is the submitter's, whatever the comment itself says.
            ticket["submitter_id"] = ticket["comment"]["author_id"]
        try:
            said = self._client.call(
                access.subdomain,
                "POST",
                "/api/v2/tickets",
                token=access.access_token,
                body={"ticket": ticket},
                headers={"Idempotency-Key": draft.idempotency_key},
                counted="create",
                repeatable=True,
            )
        except Temporary as error:
            if error.code != LINE_BROKE and error.status < 500:
                raise
            # The key is good for two hours, and the next try may be later: look before opening.
            raise Unknowable(VENDOR, str(error), code=error.code, status=error.status) from error
        except Permanent as error:
            if error.code == "IdempotentRequestError":
                raise Unknowable(
                    VENDOR, "opened before with another draft", code="other_draft"
                ) from error
            raise
        return OpenedTicket(str(said["ticket"]["id"]), _comment_ids(said))

    def import_ticket(self, access: HelpdeskAccess, history: TicketHistory) -> OpenedTicket:
        """Open one that holds all of it; no trigger fires. There is no idempotency key for this, so
        it is looked for before. Raises Temporary, Permanent, Unknowable."""
        there = self.find_ticket(access, history.external_id)
        if there is None:
            comments = [
                self._comment(access, one, history.requester_id) for one in history.comments
            ]
            ticket: dict[str, Any] = {
                "subject": history.subject,
                "requester_id": int(history.requester_id),
                "external_id": history.external_id,
                "tags": list(history.tags),
                "comments": comments,
            }
            if "author_id" in comments[0]:
                ticket["submitter_id"] = comments[0]["author_id"]
            if "created_at" in comments[0]:
                ticket["created_at"] = comments[0]["created_at"]
            said = self._client.call(
                access.subdomain,
                "POST",
                "/api/v2/imports/tickets",
                token=access.access_token,
                body={"ticket": ticket},
            )
            there = OpenedTicket(str(said["ticket"]["id"]), ())
        # No answer names the comments. Whatever others wrote since stands after them.
        try:
            read = self.read_comments_since(access, there.ticket_id, None)
        except VendorFailure as error:  # whatever it says, the ticket is open
            raise Unknowable(VENDOR, str(error), code=error.code, status=error.status) from error
        first = read[: len(history.comments)]
        return OpenedTicket(there.ticket_id, tuple(one.comment_id for one in first))

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
        if tags:
            # Ahead of the comment: adding tags twice is harmless, a comment twice is not.
            self._change(access, ticket_id, "/tags", {"tags": list(tags)}, repeatable=True)
        ticket: dict[str, Any] = {"comment": self._comment(access, comment, requester_id)}
        if reopen:
            ticket["status"] = "open"
        said = self._change(access, ticket_id, "", {"ticket": ticket}, repeatable=False)
        ids = _comment_ids(said)
        if not ids:
            raise Unknowable(VENDOR, "the answer names no comment")
        return WrittenComment(ids[0])

    def set_state(self, access: HelpdeskAccess, ticket_id: str, state: TicketState) -> None:
        """Raises TicketClosed, TicketGone."""
        body = {"ticket": {"status": state.value}}
        self._change(access, ticket_id, "", body, repeatable=True)

    def route_ticket(self, access: HelpdeskAccess, ticket_id: str, routing: Routing) -> None:
        """Raises TicketClosed, TicketGone; Permanent for a group or agent that is not there."""
        wanted: dict[str, Any] = {
            "group_id": int(routing.group_id) if routing.group_id else None,
            "assignee_id": int(routing.assignee_id) if routing.assignee_id else None,
            "priority": routing.priority.value if routing.priority else None,
        }
        ticket = {name: value for name, value in wanted.items() if value is not None}
        if ticket:
            self._change(access, ticket_id, "", {"ticket": ticket}, repeatable=True)
        if routing.tags:
            self._change(access, ticket_id, "/tags", {"tags": list(routing.tags)}, repeatable=True)

    def remove_tag(self, access: HelpdeskAccess, ticket_id: str, tag: str) -> None:
        """Raises TicketClosed, TicketGone."""
        self._change(access, ticket_id, "/tags", {"tags": [tag]}, repeatable=True, method="DELETE")

    def read_status(self, access: HelpdeskAccess, ticket_id: str) -> TicketStatus:
        """Raises TicketGone."""
        ticket = self._of_ticket(access, ticket_id, "")["ticket"]
        state = STATES.get(ticket["status"])
        if state is None:  # deleted, as some answers show a ticket in the bin
            raise TicketGone(VENDOR, "the ticket is gone", status=404)
        merged_into = None
        if state is TicketState.CLOSED and MERGED_TAG in ticket.get("tags", ()):
            said = self._of_ticket(
                access, ticket_id, "/comments", {"page[size]": "5", "sort": "-created_at"}
            )
            merged_into = merge_target(said["comments"])
        tags = tuple(str(tag) for tag in ticket.get("tags") or ())
        priority = PRIORITIES.get(ticket.get("priority") or "")
        return TicketStatus(
            ticket_id, state, ticket.get("external_id"), merged_into, tags, priority
        )

    def read_comments_since(
        self, access: HelpdeskAccess, ticket_id: str, comment_id: str | None
    ) -> Sequence[ReadComment]:
        """Comments after that one, oldest first; all if None. Raises TicketGone."""

        def page(params: Mapping[str, str]) -> Any:
            return self._of_ticket(access, ticket_id, "/comments", params)

        found, users = comments_since(page, comment_id)
        for author_id in {int(one["author_id"]) for one in found} - users.keys():
            users[author_id] = people.show(self._client, access, author_id)
        return [comment_from(one, users[int(one["author_id"])]) for one in found]

    def fetch_file(self, access: HelpdeskAccess, url: str, *, max_bytes: int) -> bytes:
        """The bytes of a `FileRef`. Raises Permanent (too large, foreign address), Temporary."""
        return files.fetch(self._client, access, url, max_bytes=max_bytes)

    def subscribe(self, access: HelpdeskAccess, endpoint: str) -> HookSubscription:
        """Have Zendesk tell `endpoint`; the same endpoint twice is one webhook."""
        return subscriptions.subscribe(self._client, access, endpoint)

    def unsubscribe(self, access: HelpdeskAccess, webhook_id: str) -> None:
        """A webhook that is gone already is as good."""
        subscriptions.unsubscribe(self._client, access, webhook_id)

    def _comment(
        self, access: HelpdeskAccess, comment: Comment, requester_id: str
    ) -> dict[str, Any]:
        written: dict[str, Any] = {
            "html_body": rich_text.to_html(comment.paragraphs or _names(comment.files)),
            "public": comment.public,
        }
        if comment.at is not None:
            written["created_at"] = comment.at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        # Without a bot id Zendesk takes the user of the token, who is the same.
        author = requester_id if comment.author is Author.CONTACT else access.bot_user_id
        if author:
            written["author_id"] = int(author)
        if comment.files:
            written["uploads"] = [files.upload(self._client, access, comment.files)]
        return written

    def _change(
        self,
        access: HelpdeskAccess,
        ticket_id: str,
        path: str,
        body: Mapping[str, Any],
        *,
        repeatable: bool,
        method: str = "PUT",
    ) -> Any:
        try:
            return self._client.call(
                access.subdomain,
                method,
                f"/api/v2/tickets/{int(ticket_id)}{path}",
                token=access.access_token,
                body=body,
                counted=f"update {ticket_id}",
                repeatable=repeatable,
            )
        except Permanent as error:
            if error.status in (404, 410):
                raise TicketGone(VENDOR, "the ticket is gone", status=error.status) from error
            if error.status == 422 and self._is_closed(access, ticket_id):
                raise TicketClosed(
                    VENDOR, "the ticket is closed", code=error.code, status=422
                ) from error
            raise

    def _is_closed(self, access: HelpdeskAccess, ticket_id: str) -> bool:
        """What a 422 is about stands only in texts, which change; the ticket itself tells."""
        return bool(self._of_ticket(access, ticket_id, "")["ticket"]["status"] == "closed")

    def _of_ticket(
        self,
        access: HelpdeskAccess,
        ticket_id: str,
        path: str,
        params: Mapping[str, str] | None = None,
    ) -> Any:
        try:
            return self._get(access, f"/api/v2/tickets/{int(ticket_id)}{path}", params)
        except Permanent as error:
            if error.status in (404, 410):
                raise TicketGone(VENDOR, "the ticket is gone", status=error.status) from error
            raise

    def _get(
        self, access: HelpdeskAccess, path: str, params: Mapping[str, str] | None = None
    ) -> Any:
        return self._client.call(
            access.subdomain, "GET", path, token=access.access_token, params=params
        )


def _names(attached: Sequence[TicketFile]) -> tuple[str, ...]:
    """A comment needs words; files without any are named."""
    return (", ".join(one.filename for one in attached),)


def _comment_ids(said: Any) -> tuple[str, ...]:
    """Ids of the comments that this answer says were written; the echo ledger lives by them."""
    events = (said.get("audit") or {}).get("events") or []
    return tuple(str(one["id"]) for one in events if one.get("type") == "Comment")
