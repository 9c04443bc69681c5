"""`/api/tickets/{id}/messages` to write and to mark, `/api/messages` to read.

Bound by the reference, "Create a message": `channel`, `via` and `from_agent` are required, and a
message that carries no `sent_datetime` is one that Gorgias is to send.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flask import request

from sandbox.gorgias import refusals, threads
from sandbox.gorgias.doors import Answer, Call, Doors, checked, json_body, listed, parameters
from sandbox.gorgias.world import Record, person

REQUIRED = frozenset({"channel", "via", "from_agent"})
FIELDS = REQUIRED | {
    "public",
    "external_id",
    "message_id",
    "sent_datetime",
    "failed_datetime",
    "created_datetime",
    "body_text",
    "body_html",
    "sender",
    "receiver",
    "source",
    "subject",
    "attachments",
    "meta",
}
CHANNELS = frozenset({"sms", "phone", "api", "email", "internal-note", "chat"})
VIAS = frozenset({"sms", "twilio", "api", "helpdesk", "rule", "zendesk", "email"})
PERSON = frozenset({"id", "email"})
ADDRESS = frozenset({"address", "name"})
SOURCE = frozenset({"type", "from", "to"})
ATTACHMENT = frozenset({"url", "name", "content_type", "size", "public", "extra"})
MARKS = REQUIRED | {"external_id", "sent_datetime", "failed_datetime"}
ORDERS = ("created_datetime:desc", "created_datetime:asc")


def open_doors(doors: Doors) -> None:
    of_ticket = "/tickets/<int:ticket_id>/messages"
    one = f"{of_ticket}/<int:message_id>"
    doors.api("POST", of_ticket, "messages.create", _create, scope="tickets:write")
    doors.api("GET", one, "messages.show", _show, scope="tickets:read")
    doors.api("PUT", one, "messages.update", _update, scope="tickets:write")
    doors.api("GET", "/messages", "messages.list", _list, scope="tickets:read")


def message_wanted(call: Call, given: Any) -> Record:
    """A message as the API takes it; refused where the reference does not know it."""
    given = dict(checked(given, "message", FIELDS, REQUIRED))
    if given["channel"] not in CHANNELS or given["via"] not in VIAS:
        raise refusals.invalid("channel", "or via is none that Gorgias knows")
    if not isinstance(given["from_agent"], bool) or not isinstance(given.get("public", True), bool):
        raise refusals.invalid("from_agent", "and public must be true or false")
    if given["channel"] == "internal-note" and given.get("public", True):
        raise refusals.invalid("public", "must be false for an internal note")
    for name in ("sent_datetime", "failed_datetime", "created_datetime"):
        if given.get(name) is not None:
            _moment(name, given[name])
    checked(given.get("sender"), "sender", PERSON, frozenset({"id"}))
    if given.get("receiver") is not None:
        number = checked(given["receiver"], "receiver", PERSON, frozenset({"id"}))["id"]
        given["receiver"] = person(call.account.customer(number) or call.account.user(number))
    if given.get("source") is not None:
        _source(given["source"])
    for one in given.get("attachments") or []:
        checked(one, "attachments", ATTACHMENT, frozenset({"url", "name", "content_type"}))
    if not given.get("body_text") and not given.get("body_html") and not given.get("attachments"):
        raise refusals.invalid("body_text", "is required where nothing is attached")
    return given


def _source(given: Any) -> None:
    checked(given, "source", SOURCE, frozenset({"type", "from", "to"}))
    checked(given["from"], "source.from", ADDRESS, frozenset({"address"}))
    if not isinstance(given["to"], list) or not given["to"]:
        raise refusals.invalid("to", "must list whom it goes to")
    for one in given["to"]:
        checked(one, "source.to", ADDRESS, frozenset({"address"}))


def _moment(name: str, value: Any) -> None:
    try:
        moment = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        raise refusals.invalid(name, "must be a moment in ISO 8601") from None
    if moment.tzinfo is None:
        raise refusals.invalid(name, "must say its zone")


def _create(call: Call, ticket_id: int) -> Answer:
    ticket = call.account.ticket(ticket_id)
    wanted = message_wanted(call, json_body(FIELDS, REQUIRED))
    return 201, threads.add_message(threads.act_of(call), ticket, wanted)


def _show(call: Call, ticket_id: int, message_id: int) -> Answer:
    return 200, _found(call, ticket_id, message_id)


def _update(call: Call, ticket_id: int, message_id: int) -> Answer:
    """Marks a message as sent or failed."""
    message = _found(call, ticket_id, message_id)
    given = json_body(MARKS, REQUIRED)
    for name in ("sent_datetime", "failed_datetime"):
        if given.get(name) is not None:
            _moment(name, given[name])
    message.update(given)
    return 202, message


def _found(call: Call, ticket_id: int, message_id: int) -> Record:
    call.account.ticket(ticket_id)
    for one in call.account.messages[str(ticket_id)]:
        if one["id"] == message_id:
            return one
    raise refusals.not_found("message")


def _list(call: Call) -> Answer:
    wanted = parameters(frozenset({"ticket_id", "order_by", "limit", "cursor"}))
    order = wanted.get("order_by", ORDERS[0])
    if order not in ORDERS:
        raise refusals.invalid("order_by", f"must be one of {ORDERS}")
    ticket_id = request.args.get("ticket_id", type=int)
    found = [
        one
        for number, kept in call.account.messages.items()
        if number in call.account.tickets and ticket_id in (None, int(number))
        for one in kept
    ]
    found.sort(key=lambda one: int(one["id"]), reverse=order.endswith("desc"))
    return 200, listed("messages", found)
