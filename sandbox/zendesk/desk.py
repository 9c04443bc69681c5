"""An agent at the sandbox page: reads tickets, answers, adds notes, solves, closes, merges.

No part of Zendesk's API: these are the addresses under `_ui` that the page and scripts use, so
they need no token and count against no limit. Agents are Priya (`priya`, the default) and Marcus.
"""

from __future__ import annotations

import base64
import binascii
import mimetypes
from typing import Any

from flask import jsonify, request
from flask.typing import ResponseReturnValue

from sandbox import clock
from sandbox.zendesk import oauth, refusals, ticketing
from sandbox.zendesk.doors import Doors, json_body
from sandbox.zendesk.limits import PLANS
from sandbox.zendesk.markup import from_text
from sandbox.zendesk.ticketing import Act
from sandbox.zendesk.uploads import TOKEN_LIFE, attach
from sandbox.zendesk.world import BOT_ID, FIRST_AGENT_ID, SECOND_AGENT_ID, Account, Record

AGENTS = {"priya": FIRST_AGENT_ID, "marcus": SECOND_AGENT_ID, "doorstep": BOT_ID}


class Desk:
    """The addresses under `/zendesk/{subdomain}/_ui`."""

    def __init__(self, doors: Doors) -> None:
        self.world = doors.world
        self.courier = doors.courier

    def list_tickets(self, subdomain: str) -> ResponseReturnValue:
        """All tickets, the one touched last first."""
        with self.world.changing():
            account = self.world.open_account(subdomain)
            tickets = sorted(
                account.tickets.values(),
                key=lambda one: (one["updated_at"], one["id"]),
                reverse=True,
            )
            return jsonify(tickets=[_summary(account, one) for one in tickets[:200]])

    def show_ticket(self, subdomain: str, ticket_id: int) -> ResponseReturnValue:
        """One ticket with its comments, oldest first."""
        with self.world.changing():
            account = self.world.account(subdomain)
            ticket = account.ticket(ticket_id)
            comments = [_comment(account, one) for one in account.comments[str(ticket_id)]]
            agents = [
                {"key": key, "id": number, "name": account.users[str(number)]["name"]}
                for key, number in AGENTS.items()
                if number != BOT_ID
            ]
            return jsonify(
                ticket={**_summary(account, ticket), "comments": comments}, agents=agents
            )

    def comment(self, subdomain: str, ticket_id: int) -> ResponseReturnValue:
        """`{body, public, author, files}` as JSON, or as a form with file parts."""
        given = _comment_wanted()
        with self.world.changing():
            account = self.world.account(subdomain)
            ticket = account.ticket(ticket_id)
            author = AGENTS.get(str(given.get("author") or "priya"))
            if author is None:
                raise refusals.invalid_attribute("author", f"must be one of {', '.join(AGENTS)}")
            token = self._uploaded(account, self.world.base(subdomain), given["files"])
            comment = {
                "html_body": from_text(given["body"]),
                "public": given["public"],
                "author_id": author,
                "uploads": [token] if token else [],
            }
            changes: Record = {}
            if given["public"] and ticket["status"] == "new":
                changes = {"status": "open", "assignee_id": author}
            act = Act(account, account.users[str(author)], self.world.base(subdomain), "web")
            audit = ticketing.update_ticket(act, ticket, changes, comment)
            answer = _comment(account, account.comments[str(ticket_id)][-1])
        self.courier.dispatch(account, act.told, caused_by="desk.comment")
        return jsonify(comment=answer, audit_id=audit["id"]), 201

    def set_status(self, subdomain: str, ticket_id: int) -> ResponseReturnValue:
        """`{status}`: open, pending, hold, solved or closed."""
        status = json_body(frozenset({"status"})).get("status")
        if status not in ticketing.STATUSES[1:]:
            raise refusals.invalid_attribute("status", f"must be one of {ticketing.STATUSES[1:]}")
        with self.world.changing():
            account = self.world.account(subdomain)
            ticket = account.ticket(ticket_id)
            act = self._act(account)
            ticketing.update_ticket(act, ticket, {"status": status}, None)
            answer = jsonify(ticket=_summary(account, ticket))
        self.courier.dispatch(account, act.told, caused_by="desk.status")
        return answer

    def tag(self, subdomain: str, ticket_id: int) -> ResponseReturnValue:
        """`{tag}`: as a macro adds one."""
        tag = json_body(frozenset({"tag"})).get("tag")
        if not isinstance(tag, str) or not tag or " " in tag:
            raise refusals.invalid_attribute("tag", "must be a word")
        with self.world.changing():
            account = self.world.account(subdomain)
            ticket = account.ticket(ticket_id)
            act = self._act(account)
            tags = list(dict.fromkeys([*ticket["tags"], tag.lower()]))
            ticketing.update_ticket(act, ticket, {"tags": tags}, None)
            answer = jsonify(ticket=_summary(account, ticket))
        self.courier.dispatch(account, act.told, caused_by="desk.tag")
        return answer

    def merge(self, subdomain: str, ticket_id: int) -> ResponseReturnValue:
        """`{into}`: close this ticket into that one."""
        into = json_body(frozenset({"into"})).get("into")
        if not isinstance(into, int):
            raise refusals.invalid_attribute("into", "must be a ticket's number")
        with self.world.changing():
            account = self.world.account(subdomain)
            source, target = account.ticket(ticket_id), account.ticket(into)
            act = self._act(account)
            notes = (
                f'Request #{ticket_id} "{source["subject"]}" was closed and merged into this.',
                f'This request was closed and merged into request #{into} "{target["subject"]}".',
            )
            ticketing.merge(act, target, source, notes, (False, False))
            answer = jsonify(ticket=_summary(account, target))
        self.courier.dispatch(account, act.told, caused_by="desk.merge")
        return answer

    def delete_ticket(self, subdomain: str, ticket_id: int) -> ResponseReturnValue:
        """Throw a ticket away; the API then answers 404 for it."""
        with self.world.changing():
            account = self.world.account(subdomain)
            account.ticket(ticket_id)
            del account.tickets[str(ticket_id)]
        return "", 204

    def grant(self, subdomain: str) -> ResponseReturnValue:
        """`{user, scope}`: tokens without the OAuth walk, for scripts and benches."""
        given = json_body(frozenset({"user", "scope"}))
        user_id = AGENTS.get(str(given.get("user") or "doorstep"))
        if user_id is None:
            raise refusals.invalid_attribute("user", f"must be one of {', '.join(AGENTS)}")
        with self.world.changing():
            account = self.world.open_account(subdomain)
            tokens = oauth.issue(account, user_id, str(given.get("scope") or "read write"))
        return jsonify(tokens), 201

    def choose_plan(self, subdomain: str) -> ResponseReturnValue:
        """`{plan, ticket_events}`: the account's rate limits (`unmetered` has none), and whether
        webhooks may subscribe to ticket events (true by default); else triggers must call them."""
        given = json_body(frozenset({"plan", "ticket_events"}))
        plan, ticket_events = given.get("plan"), given.get("ticket_events", True)
        if plan not in PLANS:
            raise refusals.invalid_attribute("plan", f"must be one of {', '.join(PLANS)}")
        with self.world.changing():
            account = self.world.open_account(subdomain)
            account.plan, account.ticket_events = plan, bool(ticket_events)
        return jsonify(plan=plan, ticket_events=bool(ticket_events))

    def _act(self, account: Account) -> Act:
        base = self.world.base(account.subdomain)
        return Act(account, account.users[str(FIRST_AGENT_ID)], base, "web")

    def _uploaded(self, account: Account, base: str, files: list[Record]) -> str:
        if not files:
            return ""
        kept = [
            attach(self.world, account, base, one["name"], one["type"], one["content"])
            for one in files
        ]
        token = f"up{account.next_id()}"
        until = clock.now() + TOKEN_LIFE
        account.uploads[token] = {"files": kept, "until": until.isoformat()}
        return token


def open_doors(doors: Doors) -> None:
    """The addresses under `_ui`."""
    desk = Desk(doors)
    one = "/_ui/tickets/<int:ticket_id>"
    doors.page("GET", "/_ui/tickets", desk.list_tickets)
    doors.page("GET", one, desk.show_ticket)
    doors.page("DELETE", one, desk.delete_ticket)
    doors.page("POST", f"{one}/comments", desk.comment)
    doors.page("POST", f"{one}/status", desk.set_status)
    doors.page("POST", f"{one}/tags", desk.tag)
    doors.page("POST", f"{one}/merge", desk.merge)
    doors.page("POST", "/_ui/grant", desk.grant)
    doors.page("POST", "/_ui/plan", desk.choose_plan)


def _comment_wanted() -> Record:
    if request.mimetype == "application/json":
        given = json_body(frozenset({"body", "public", "author", "files"}))
        files = [_file_from_json(one) for one in given.get("files") or ()]
    else:
        given = {key: request.form[key] for key in request.form}
        given["public"] = request.form.get("public", "true").lower() in ("true", "1", "on")
        files = [
            _file(part.filename or "", part.mimetype, part.read())
            for part in request.files.getlist("files")
        ]
    return {
        "body": str(given.get("body") or ""),
        "public": bool(given.get("public", True)),
        "author": given.get("author"),
        "files": files,
    }


def _file_from_json(given: Any) -> Record:
    """`{filename, content_type?, content}` with base64 content."""
    try:
        content = base64.b64decode(given["content"], validate=True)
        return _file(str(given["filename"]), str(given.get("content_type") or ""), content)
    except (KeyError, TypeError, AttributeError, binascii.Error):
        raise refusals.invalid_attribute("files", "must hold filename and base64 content") from None


def _file(name: str, kind: str, content: bytes) -> Record:
    guessed = mimetypes.guess_type(name)[0] or "application/octet-stream"
    return {"name": name or "file", "type": kind or guessed, "content": content}


def _summary(account: Account, ticket: Record) -> Record:
    requester = account.user(ticket["requester_id"]) or {}
    assignee = account.user(ticket["assignee_id"] or 0) or {}
    return {
        "id": ticket["id"],
        "subject": ticket["subject"],
        "status": ticket["status"],
        "external_id": ticket["external_id"],
        "tags": ticket["tags"],
        "created_at": ticket["created_at"],
        "updated_at": ticket["updated_at"],
        "follow_up_of": ticket["via"]["source"]["from"].get("ticket_id"),
        "followup_ids": ticket["followup_ids"],
        "requester": {
            "id": requester.get("id"),
            "name": requester.get("name"),
            "phone": requester.get("phone"),
            "email": requester.get("email"),
        },
        "assignee": assignee.get("name"),
        "comment_count": len(account.comments[str(ticket["id"])]),
    }


def _comment(account: Account, comment: Record) -> Record:
    author = account.user(comment["author_id"]) or {}
    return {
        "id": comment["id"],
        "created_at": comment["created_at"],
        "public": comment["public"],
        "author": {
            "id": comment["author_id"],
            "name": author.get("name", "?"),
            "role": author.get("role", "end-user"),
        },
        "html": comment["html_body"],
        "text": comment["plain_body"],
        "attachments": [
            {
                "filename": one["file_name"],
                "content_type": one["content_type"],
                "size": one["size"],
                "url": one["content_url"],
            }
            for one in comment["attachments"]
        ],
    }
