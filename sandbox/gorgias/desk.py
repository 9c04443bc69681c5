"""An agent at the sandbox page: reads tickets, answers, adds notes, closes, reopens, tags.

No part of Gorgias's API: these are the addresses under `_ui` that the page and scripts use, so
they need no token and count against no limit. They answer as `sandbox/zendesk/desk.py` does, so
that one page shows either helpdesk.
"""

from __future__ import annotations

import base64
import binascii
import mimetypes
from typing import Any

from flask import jsonify, request
from flask.typing import ResponseReturnValue

from sandbox.gorgias import oauth, refusals, threads
from sandbox.gorgias.doors import Doors, json_body
from sandbox.gorgias.threads import Act
from sandbox.gorgias.uploads import attach
from sandbox.gorgias.world import (
    BOT_ID,
    FIRST_AGENT_ID,
    SECOND_AGENT_ID,
    Account,
    Record,
    stamp,
)

AGENTS = {"priya": FIRST_AGENT_ID, "marcus": SECOND_AGENT_ID, "doorstep": BOT_ID}
ALL_SCOPES = " ".join(sorted(oauth.SCOPES))


class Desk:
    """The addresses under `/gorgias/{subdomain}/_ui`."""

    def __init__(self, doors: Doors) -> None:
        self.world = doors.world
        self.courier = doors.courier

    def list_tickets(self, subdomain: str) -> ResponseReturnValue:
        """All tickets, the one touched last first."""
        with self.world.changing():
            account = self.world.open_account(subdomain)
            tickets = sorted(
                (one for one in account.tickets.values() if one["trashed_datetime"] is None),
                key=lambda one: (one["updated_datetime"], one["id"]),
                reverse=True,
            )
            return jsonify(tickets=[_summary(account, one) for one in tickets[:200]])

    def show_ticket(self, subdomain: str, ticket_id: int) -> ResponseReturnValue:
        """One ticket with its messages, oldest first."""
        with self.world.changing():
            account = self.world.account(subdomain)
            ticket = account.ticket(ticket_id)
            agents = [
                {"key": key, "id": number, "name": account.users[str(number)]["name"]}
                for key, number in AGENTS.items()
                if number != BOT_ID
            ]
            comments = [_comment(one) for one in account.messages[str(ticket_id)]]
            return jsonify(
                ticket={**_summary(account, ticket), "comments": comments}, agents=agents
            )

    def comment(self, subdomain: str, ticket_id: int) -> ResponseReturnValue:
        """`{body, public, author, files, rule}` as JSON, or as a form with file parts. `rule`: an
        auto-reply in that agent's name."""
        given = _wanted()
        author = AGENTS.get(str(given.get("author") or "priya"))
        if author is None:
            raise refusals.invalid("author", f"must be one of {', '.join(AGENTS)}")
        with self.world.changing():
            account = self.world.account(subdomain)
            ticket = account.ticket(ticket_id)
            act = Act(account, account.users[str(author)])
            attached = [
                attach(self.world, account, one["name"], one["type"], one["content"])
                for one in given["files"]
            ]
            message: Record = {
                "channel": ticket["channel"] if given["public"] else "internal-note",
                "via": "rule" if given["rule"] else "helpdesk",
                "rule_id": 771 if given["rule"] else None,
                "from_agent": True,
                "public": given["public"],
                "sender": {"id": author},
                "receiver": ticket["customer"] if given["public"] else None,
                "body_text": given["body"],
                "attachments": attached,
            }
            if given["public"] and ticket["status"] == "closed":
                threads.set_status(act, ticket, "open")
            written = threads.add_message(act, ticket, message)
            answer = jsonify(comment=_comment(written))
        self.courier.dispatch(account, act.told, caused_by="desk.comment")
        return answer, 201

    def set_status(self, subdomain: str, ticket_id: int) -> ResponseReturnValue:
        """`{status}`: open or closed."""
        status = json_body(frozenset({"status"})).get("status")
        if status not in threads.STATUSES:
            raise refusals.invalid("status", f"must be one of {threads.STATUSES}")
        return self._change(subdomain, ticket_id, lambda act, one: _status(act, one, status))

    def add_tags(self, subdomain: str, ticket_id: int) -> ResponseReturnValue:
        """`{tags}`: names to add."""
        names = json_body(frozenset({"tags"})).get("tags") or []
        return self._change(subdomain, ticket_id, lambda act, one: threads.tag(act, one, names))

    def trash(self, subdomain: str, ticket_id: int) -> ResponseReturnValue:
        """Into the bin; the API goes on showing it, with the moment."""
        return self._change(subdomain, ticket_id, lambda act, one: _trash(act, one))

    def delete_ticket(self, subdomain: str, ticket_id: int) -> ResponseReturnValue:
        """For good; the API then answers 404 for it."""
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
            raise refusals.invalid("user", f"must be one of {', '.join(AGENTS)}")
        with self.world.changing():
            account = self.world.open_account(subdomain)
            scope = str(given.get("scope") or ALL_SCOPES)
            return jsonify(oauth.issue(account, self.world.base(subdomain), user_id, scope)), 201

    def choose_plan(self, subdomain: str) -> ResponseReturnValue:
        """`{metered, widgets}`: whether requests are counted, whether widgets may be made."""
        given = json_body(frozenset({"metered", "widgets"}))
        with self.world.changing():
            account = self.world.open_account(subdomain)
            account.metered = bool(given.get("metered", True))
            account.widgets_allowed = bool(given.get("widgets", True))
        return jsonify(metered=account.metered, widgets=account.widgets_allowed)

    def tried_to_send(self, subdomain: str) -> ResponseReturnValue:
        """Messages that Gorgias tried to send, because nobody said when they were sent."""
        with self.world.changing():
            return jsonify(message_ids=self.world.open_account(subdomain).tried_to_send)

    def _change(self, subdomain: str, ticket_id: int, change: Any) -> ResponseReturnValue:
        with self.world.changing():
            account = self.world.account(subdomain)
            ticket = account.ticket(ticket_id)
            act = Act(account, account.users[str(FIRST_AGENT_ID)])
            change(act, ticket)
            answer = jsonify(ticket=_summary(account, ticket))
        self.courier.dispatch(account, act.told, caused_by="desk.change")
        return answer


def open_doors(doors: Doors) -> None:
    """The addresses under `_ui`."""
    desk = Desk(doors)
    one = "/_ui/tickets/<int:ticket_id>"
    doors.page("GET", "/_ui/tickets", desk.list_tickets)
    doors.page("GET", one, desk.show_ticket)
    doors.page("DELETE", one, desk.delete_ticket)
    doors.page("POST", f"{one}/comments", desk.comment)
    doors.page("POST", f"{one}/status", desk.set_status)
    doors.page("POST", f"{one}/tags", desk.add_tags)
    doors.page("POST", f"{one}/trash", desk.trash)
    doors.page("POST", "/_ui/grant", desk.grant)
    doors.page("POST", "/_ui/plan", desk.choose_plan)
    doors.page("GET", "/_ui/tried-to-send", desk.tried_to_send)


def _status(act: Act, ticket: Record, status: str) -> None:
    threads.set_status(act, ticket, status)


def _trash(act: Act, ticket: Record) -> None:
    ticket["trashed_datetime"] = ticket["updated_datetime"] = stamp()
    act.tell("ticket-updated", ticket)


def _wanted() -> Record:
    if request.mimetype == "application/json":
        given = json_body(frozenset({"body", "public", "author", "files", "rule"}))
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
        "rule": bool(given.get("rule", False)),
        "files": files,
    }


def _file_from_json(given: Any) -> Record:
    """`{filename, content_type?, content}` with base64 content."""
    try:
        content = base64.b64decode(given["content"], validate=True)
        return _file(str(given["filename"]), str(given.get("content_type") or ""), content)
    except (KeyError, TypeError, AttributeError, binascii.Error):
        raise refusals.invalid("files", "must hold filename and base64 content") from None


def _file(name: str, kind: str, content: bytes) -> Record:
    guessed = mimetypes.guess_type(name)[0] or "application/octet-stream"
    return {"name": name or "file", "type": kind or guessed, "content": content}


def _summary(account: Account, ticket: Record) -> Record:
    customer = account.customer((ticket["customer"] or {}).get("id")) or {}
    phones = [one["address"] for one in customer.get("channels", ()) if one["type"] == "phone"]
    return {
        "id": ticket["id"],
        "subject": ticket["subject"],
        "status": ticket["status"],
        "channel": ticket["channel"],
        "external_id": ticket["external_id"],
        "tags": [one["name"] for one in ticket["tags"]],
        "created_at": ticket["created_datetime"],
        "updated_at": ticket["updated_datetime"],
        "requester": {
            "id": customer.get("id"),
            "name": customer.get("name"),
            "phone": phones[0] if phones else None,
            "email": customer.get("email"),
        },
        "assignee": None,
        "comment_count": len(account.messages[str(ticket["id"])]),
    }


def _comment(message: Record) -> Record:
    return {
        "id": message["id"],
        "created_at": message["created_datetime"],
        "public": message["public"],
        "channel": message["channel"],
        "author": {
            "id": message["sender"]["id"],
            "name": message["sender"]["name"],
            "role": "agent" if message["from_agent"] else "end-user",
        },
        "html": message["body_html"].replace("\n", "<br>"),
        "text": message["body_text"],
        "sent_at": message["sent_datetime"],
        "failed_at": message["failed_datetime"],
        "attachments": [
            {
                "filename": one["name"],
                "content_type": one["content_type"],
                "size": one.get("size"),
                "url": one["url"],
            }
            for one in message["attachments"]
        ],
    }
