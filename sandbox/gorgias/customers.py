"""Endpoints under `/api/customers`, and the users behind `/api/users`.

A channel's address belongs to one customer. Changing `channels` replaces all of them.
"""

from __future__ import annotations

import re
from typing import Any

from sandbox.gorgias import refusals
from sandbox.gorgias.doors import Answer, Call, Doors, checked, json_body, listed, parameters
from sandbox.gorgias.world import Account, Record, stamp

FIELDS = frozenset({"name", "email", "external_id", "language", "timezone", "channels"})
CHANNEL_FIELDS = frozenset({"type", "address", "preferred", "id"})
FILTERS = frozenset(
    {"email", "external_id", "channel_type", "channel_address", "name", "limit", "cursor"}
)
E164 = re.compile(r"\+[1-9]\d{6,14}")


def open_doors(doors: Doors) -> None:
    """Find, make, change; who am I."""
    one = "/customers/<int:customer_id>"
    doors.api("GET", "/customers", "customers.list", _list, scope="customers:read")
    doors.api("POST", "/customers", "customers.create", _create, scope="customers:write")
    doors.api("GET", one, "customers.show", _show, scope="customers:read")
    doors.api("PUT", one, "customers.update", _update, scope="customers:write")
    doors.api("GET", "/users/<int:user_id>", "users.show", _user, scope="users:read")


def _list(call: Call) -> Answer:
    wanted = parameters(FILTERS)
    if ("channel_type" in wanted) != ("channel_address" in wanted):
        raise refusals.invalid("channel_address", "goes with channel_type")
    found = [one for one in call.account.customers.values() if _fits(one, wanted)]
    return 200, listed("customers", sorted(found, key=lambda one: (one["name"] or "", one["id"])))


def _fits(customer: Record, wanted: dict[str, str]) -> bool:
    for name in ("external_id", "name"):
        if name in wanted and customer[name] != wanted[name]:
            return False
    if "email" in wanted and (customer["email"] or "").lower() != wanted["email"].lower():
        return False
    if "channel_type" not in wanted:
        return True
    return any(
        (one["type"], one["address"]) == (wanted["channel_type"], wanted["channel_address"])
        for one in customer["channels"]
    )


def _create(call: Call) -> Answer:
    given = json_body(FIELDS, frozenset({"channels"}))
    account = call.account
    account.last_customer_id += 1
    moment = stamp()
    customer: Record = {
        "id": account.last_customer_id,
        "external_id": None,
        "active": True,
        "email": None,
        "name": None,
        "language": "en",
        "timezone": None,
        "note": None,
        "created_datetime": moment,
        "updated_datetime": moment,
        "meta": {},
    }
    _apply(account, customer, given)
    account.customers[str(customer["id"])] = customer
    return 201, customer


def _show(call: Call, customer_id: int) -> Answer:
    return 200, _found(call, customer_id)


def _update(call: Call, customer_id: int) -> Answer:
    customer = _found(call, customer_id)
    _apply(call.account, customer, json_body(FIELDS))
    customer["updated_datetime"] = stamp()
    return 202, customer


def _found(call: Call, customer_id: int) -> Record:
    found = call.account.customer(customer_id)
    if found is None:
        raise refusals.not_found("customer")
    return found


def _apply(account: Account, customer: Record, given: Record) -> None:
    changed = {**customer, **given}
    changed["channels"] = [
        _channel(account, one) for one in given.get("channels", customer.get("channels", []))
    ]
    email = changed["email"]
    if email and not any(one["type"] == "email" for one in changed["channels"]):
        changed["channels"].append(_channel(account, {"type": "email", "address": email}))
    for other in account.customers.values():
        if other["id"] == customer["id"]:
            continue
        held = {(one["type"], one["address"]) for one in other["channels"]}
        if held & {(one["type"], one["address"]) for one in changed["channels"]}:
            raise refusals.conflict("Another customer has this channel.")
        if changed["external_id"] and other["external_id"] == changed["external_id"]:
            raise refusals.conflict("Another customer has this external_id.")
    first, _, last = (changed["name"] or "").partition(" ")
    customer.update(changed, firstname=first, lastname=last)


def _channel(account: Account, given: Any) -> Record:
    more = frozenset({"created_datetime", "updated_datetime"})
    checked(given, "channels", CHANNEL_FIELDS | more, frozenset({"type", "address"}))
    if given["type"] == "phone" and not E164.fullmatch(str(given["address"])):
        raise refusals.invalid("address", "must be in E.164")
    moment = stamp()
    return {
        "preferred": False,
        "created_datetime": moment,
        "updated_datetime": moment,
        "id": account.next_id(),
        **given,
    }


def _user(call: Call, user_id: int) -> Answer:
    """0 is whoever asks."""
    found = call.actor if user_id == 0 else call.account.user(user_id)
    if found is None:
        raise refusals.not_found("user")
    return 200, found
