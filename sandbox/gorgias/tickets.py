"""Endpoints under `/api/tickets`: open, find, show, change, delete, tag.

An answer shows the ticket without its messages: the reference has them in it, the samples come
back empty, so callers must not count on them.
"""

from __future__ import annotations

from typing import Any

from sandbox.gorgias import refusals, threads
from sandbox.gorgias.doors import Answer, Call, Doors, checked, json_body, listed, parameters
from sandbox.gorgias.messages import message_wanted
from sandbox.gorgias.world import Record, person

FIELDS = frozenset(
    {
        "channel",
        "via",
        "from_agent",
        "status",
        "external_id",
        "subject",
        "customer",
        "tags",
        "meta",
        "messages",
        "language",
    }
)
CHANGES = frozenset(
    {"status", "external_id", "subject", "meta", "assignee_user", "assignee_team", "priority"}
)
PRIORITIES = ("low", "normal", "high", "critical")
FILTERS = frozenset(
    {"external_id", "customer_id", "trashed", "order_by", "limit", "cursor", "ticket_ids"}
)
ORDERS = ("created_datetime:desc", "created_datetime:asc")


def open_doors(doors: Doors) -> None:
    one = "/tickets/<int:ticket_id>"
    doors.api("GET", "/tickets", "tickets.list", _list, scope="tickets:read")
    doors.api("POST", "/tickets", "tickets.create", _create, scope="tickets:write")
    doors.api("GET", one, "tickets.show", _show, scope="tickets:read")
    doors.api("PUT", one, "tickets.update", _update, scope="tickets:write")
    doors.api("DELETE", one, "tickets.delete", _delete, scope="tickets:write")
    doors.api("POST", f"{one}/tags", "tickets.tag", _tag, scope="tickets:write")
    doors.api("PUT", f"{one}/tags", "tickets.retag", _retag, scope="tickets:write")


def _list(call: Call) -> Answer:
    wanted = parameters(FILTERS)
    order = wanted.get("order_by", ORDERS[0])
    if order not in ORDERS:
        raise refusals.invalid("order_by", f"must be one of {ORDERS}")
    found = [
        shown(one)
        for one in call.account.tickets.values()
        if wanted.get("external_id") in (None, one["external_id"])
        and (wanted.get("trashed", "true") == "true" or one["trashed_datetime"] is None)
        and wanted.get("customer_id") in (None, str((one["customer"] or {}).get("id")))
    ]
    found.sort(key=lambda one: int(one["id"]), reverse=order.endswith("desc"))
    return 200, listed("tickets", found)


def _create(call: Call) -> Answer:
    given = json_body(FIELDS, frozenset({"messages", "via"}))
    messages = given.pop("messages")
    if not isinstance(messages, list) or not 1 <= len(messages) <= 500:
        raise refusals.invalid("messages", "must be 1 to 500")
    wanted = [message_wanted(call, one) for one in messages]
    tags = [
        checked(one, "tags", frozenset({"name", "id"})).get("name") for one in given.pop("tags", [])
    ]
    customer = checked(given.pop("customer", None), "customer", frozenset({"id", "email"}))
    found = call.account.customer(customer.get("id"))
    if found is None:
        raise refusals.invalid("customer", "is none of this account")
    _check(given)
    fields = {**given, "customer": person(found)}
    ticket = threads.open_ticket(threads.act_of(call), fields, wanted, tags)
    return 201, shown(ticket)


def _show(call: Call, ticket_id: int) -> Answer:
    return 200, shown(call.account.ticket(ticket_id))


def _update(call: Call, ticket_id: int) -> Answer:
    ticket = call.account.ticket(ticket_id)
    given = json_body(CHANGES)
    _check(given)
    _check_routing(call, given)
    status = given.pop("status", ticket["status"])
    ticket.update(given)
    threads.set_status(threads.act_of(call), ticket, status)
    return 202, shown(ticket)


def _delete(call: Call, ticket_id: int) -> Answer:
    call.account.ticket(ticket_id)
    del call.account.tickets[str(ticket_id)]
    return 204, None


def _tag(call: Call, ticket_id: int) -> Answer:
    """Adds; nothing that is there goes."""
    ticket = call.account.ticket(ticket_id)
    threads.tag(threads.act_of(call), ticket, _names())
    return 204, None


def _retag(call: Call, ticket_id: int) -> Answer:
    """Replaces all that are there."""
    ticket = call.account.ticket(ticket_id)
    names = _names()
    ticket["tags"] = [one for one in ticket["tags"] if one["name"] in names]
    threads.tag(threads.act_of(call), ticket, names)
    return 204, None


def _names() -> list[str]:
    names = json_body(frozenset({"names"}), frozenset({"names"}))["names"]
    if not isinstance(names, list) or not all(isinstance(one, str) and one for one in names):
        raise refusals.invalid("names", "must be a list of names")
    return names


def _check_routing(call: Call, given: Record) -> None:
    """A user of this account; this one has no teams."""
    if given.get("priority", "normal") not in PRIORITIES:
        raise refusals.invalid("priority", f"must be one of {PRIORITIES}")
    if given.get("assignee_team") is not None:
        raise refusals.invalid("assignee_team", "is none of this account")
    wanted = given.get("assignee_user")
    if wanted is not None:
        number = checked(wanted, "assignee_user", frozenset({"id"}), frozenset({"id"}))["id"]
        found = call.account.user(number)
        if found is None:
            raise refusals.invalid("assignee_user", "is none of this account")
        given["assignee_user"] = person(found)


def _check(given: Record) -> None:
    if given.get("status", "open") not in threads.STATUSES:
        raise refusals.invalid("status", "must be open or closed")
    external_id: Any = given.get("external_id")
    if external_id is not None and not (isinstance(external_id, str) and len(external_id) <= 255):
        raise refusals.invalid("external_id", "must be a string of 255 characters at most")


def shown(ticket: Record) -> Record:
    return {**ticket, "messages": []}
