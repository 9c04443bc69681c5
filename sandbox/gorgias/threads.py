"""What happens to a ticket: opened, written in, closed, tagged. The same for API and desk.

Called under the world's lock by `tickets`, `messages` and `desk`. Each act appends what
integrations must be told. A message of the shop's without `sent_datetime` is one that Gorgias
tries to send; no native texting is set up here, so it fails, as `tried_to_send` remembers.
"""

from __future__ import annotations

import html
from dataclasses import dataclass, field
from typing import Any

from sandbox import stream
from sandbox.gorgias import refusals
from sandbox.gorgias.doors import Call
from sandbox.gorgias.happened import Happened, happened
from sandbox.gorgias.world import Account, Record, person, stamp

STATUSES = ("open", "closed")


@dataclass
class Act:
    """One change by one user (None: a customer) and who hears of it."""

    account: Account
    actor: Record | None
    told: list[Happened] = field(default_factory=list)

    def tell(self, trigger: str, ticket: Record, message: Record | None = None) -> None:
        self.told.append(happened(self.account, trigger, ticket, self.actor, message))


def act_of(call: Call) -> Act:
    return Act(call.account, call.actor, call.happened)


def open_ticket(act: Act, fields: Record, messages: list[Record], tags: list[str]) -> Record:
    account = act.account
    account.last_ticket_id += 1
    number, moment = account.last_ticket_id, stamp()
    ticket: Record = {
        "id": number,
        "uri": f"/api/tickets/{number}/",
        "external_id": None,
        "status": "open",
        "priority": "normal",
        "channel": messages[0]["channel"],
        "via": messages[0]["via"],
        "from_agent": messages[0]["from_agent"],
        "spam": False,
        "subject": None,
        "language": "en",
        "customer": None,
        "assignee_user": None,
        "assignee_team": None,
        "tags": [],
        "meta": {},
        "created_datetime": moment,
        "opened_datetime": None,
        "last_message_datetime": None,
        "last_received_message_datetime": None,
        "updated_datetime": moment,
        "closed_datetime": None,
        "trashed_datetime": None,
        "snooze_datetime": None,
        "is_unread": False,
        **fields,
    }
    account.tickets[str(number)] = ticket
    account.messages[str(number)] = []
    tag(act, ticket, tags, quietly=True)
    act.tell("ticket-created", ticket)
    for message in messages:
        add_message(act, ticket, message)
    return ticket


def add_message(act: Act, ticket: Record, given: Record) -> Record:
    """One message; a customer's opens a closed ticket again."""
    account = act.account
    account.last_message_id += 1
    number, moment, text = account.last_message_id, stamp(), given.get("body_text") or ""
    markup = given.get("body_html") or f"<div>{html.escape(text)}</div>"
    sender = _sender(account, given)
    message: Record = {
        "id": number,
        "uri": f"/api/tickets/{ticket['id']}/messages/{number}/",
        "message_id": None,
        "external_id": None,
        "public": True,
        "source": None,
        "receiver": None,
        "integration_id": None,
        "rule_id": None,
        "subject": None,
        "stripped_signature": None,
        "headers": None,
        "meta": {},
        "macros": None,
        "actions": None,
        "sent_datetime": None,
        "failed_datetime": None,
        "deleted_datetime": None,
        "opened_datetime": None,
        "last_sending_error": None,
        "is_retriable": False,
        **given,
        "ticket_id": ticket["id"],
        "sender": person(sender),
        "body_text": text,
        "body_html": markup,
        "stripped_text": text,
        "stripped_html": markup,
        "attachments": given.get("attachments") or [],
        "created_datetime": given.get("created_datetime") or moment,
    }
    account.messages[str(ticket["id"])].append(message)
    ticket["last_message_datetime"] = ticket["updated_datetime"] = moment
    act.tell("ticket-message-created", ticket, message)
    if not message["from_agent"]:
        ticket["last_received_message_datetime"] = moment
        if ticket["status"] == "closed":
            set_status(act, ticket, "open")
    if _to_be_sent(message):
        account.tried_to_send.append(number)
        message["failed_datetime"] = moment
        message["last_sending_error"] = {"error": "No integration can send this."}
        act.tell("ticket-message-failed", ticket, message)
    stream.publish("gorgias", {"subdomain": account.subdomain, "ticket_id": ticket["id"]})
    return message


def _to_be_sent(message: Record) -> bool:
    """What the API wrote is sent unless it says when it was. What an agent typed waits: whether
    Gorgias shows it as failed meanwhile is not known."""
    return bool(
        message["via"] == "api"
        and message["from_agent"]
        and message["channel"] != "internal-note"
        and message["sent_datetime"] is None
    )


def _sender(account: Account, given: Record) -> Record:
    number = (given.get("sender") or {}).get("id")
    found = account.user(number) if given["from_agent"] else account.customer(number)
    if found is None:
        raise refusals.invalid("sender", "is no user, or no customer, of this account")
    return found


def set_status(act: Act, ticket: Record, status: str) -> None:
    if ticket["status"] == status:
        return
    moment = stamp()
    ticket["status"], ticket["updated_datetime"] = status, moment
    ticket["closed_datetime"] = moment if status == "closed" else None
    act.tell("ticket-status-updated", ticket)
    act.tell("ticket-updated", ticket)
    stream.publish("gorgias", {"subdomain": act.account.subdomain, "ticket_id": ticket["id"]})


def tag(act: Act, ticket: Record, names: list[Any], *, quietly: bool = False) -> None:
    """Add tags, made where they are new."""
    held = {one["name"] for one in ticket["tags"]}
    for name in names:
        if name not in held:
            number = act.account.tags.setdefault(str(name), act.account.next_id())
            ticket["tags"].append({"id": number, "name": str(name)})
            held.add(name)
            if not quietly:
                ticket["updated_datetime"] = stamp()
    if names and not quietly:
        act.tell("ticket-updated", ticket)
