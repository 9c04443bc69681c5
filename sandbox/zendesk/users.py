"""People of an account: look-up, create-or-update, and the ways in which they are known.

Create-or-update knows a user by `external_id` or e-mail and never by phone. A number belongs to
one user as an identity (a direct line); anybody who gives the same one later shares it.
"""

from __future__ import annotations

import re
from typing import Any

from flask import request

from sandbox import clock
from sandbox.zendesk import limits, refusals
from sandbox.zendesk.doors import Answer, Call, Doors
from sandbox.zendesk.world import Account, Record, stamp, user_record

FIELDS = frozenset(
    [
        "name",
        "email",
        "phone",
        "external_id",
        "role",
        "skip_verify_email",
        "shared_phone_number",
        "verified",
        "tags",
        "user_fields",
        "locale",
        "time_zone",
        "notes",
        "details",
        "alias",
        "organization_id",
    ]
)
IDENTITY_FIELDS = frozenset({"type", "value", "verified", "primary", "skip_verify_email"})
E164 = re.compile(r"^\+[1-9]\d{6,14}$")


def open_doors(doors: Doors) -> None:
    """Endpoints under `/api/v2/users`."""
    doors.api("GET", "/users/me", "users.me", _me, scope="users:read")
    doors.api("GET", "/users/search", "users.search", _search, scope="users:read")
    doors.api(
        "POST", "/users/create_or_update", "users.create_or_update", _save, scope="users:write"
    )
    doors.api("GET", "/users/<int:user_id>", "users.show", _show, scope="users:read")
    doors.api(
        "GET",
        "/users/<int:user_id>/identities",
        "users.identities",
        _identities,
        scope="users:read",
    )
    doors.api(
        "POST",
        "/users/<int:user_id>/identities",
        "users.add_identity",
        _add_identity,
        scope="users:write",
    )


def shown(call: Call, user: Record) -> Record:
    return {**user, "url": call.api(f"users/{user['id']}.json")}


def _me(call: Call) -> Answer:
    return 200, {"user": shown(call, call.actor)}


def _show(call: Call, user_id: int) -> Answer:
    user = call.account.user(user_id)
    if user is None:
        raise refusals.not_found()
    return 200, {"user": shown(call, user)}


def _search(call: Call) -> Answer:
    if "external_id" in request.args:
        wanted = request.args["external_id"]
        found = [one for one in call.account.users.values() if one["external_id"] == wanted]
    else:
        found = _matching(call.account, request.args.get("query", ""))
    users = [shown(call, one) for one in found[:100]]
    return 200, {"users": users, "next_page": None, "previous_page": None, "count": len(found)}


def _matching(account: Account, query: str) -> list[Record]:
    key, colon, value = query.strip().partition(":")
    value = value.strip().strip('"')
    if not query.strip():
        raise refusals.invalid_attribute("query", "is required")
    if colon and key == "phone":
        digits = re.sub(r"\D", "", value)
        return [
            one
            for one in account.users.values()
            if digits and re.sub(r"\D", "", one["phone"] or "") == digits
        ]
    if colon and key == "email":
        return [one for one in account.users.values() if (one["email"] or "") == value.lower()]
    if colon:
        raise refusals.invalid_attribute("query", f"names the unknown keyword {key}")
    needle = query.strip().lower()
    return [one for one in account.users.values() if needle in one["name"].lower()]


def _save(call: Call) -> Answer:
    given = call.body("user", FIELDS)
    account = call.account
    existing = _known(account, given)
    who = str(existing["id"]) if existing else str(given.get("external_id") or given.get("email"))
    limits.count_user_save(call.world.meter, account.subdomain, account.plan, who, clock.now())
    if existing is None:
        if not str(given.get("name") or "").strip():
            raise refusals.record_invalid("name", "Name: is too short (minimum one character)")
        user = user_record(
            account.next_id(), str(given["name"]), given.get("role", "end-user"), stamp()
        )
        account.users[str(user["id"])] = user
    else:
        user = existing
    _write(account, user, given)
    call.headers["Location"] = call.api(f"users/{user['id']}.json")
    return (200 if existing else 201), {"user": shown(call, user)}


def _known(account: Account, given: Record) -> Record | None:
    external, email = given.get("external_id"), str(given.get("email") or "").lower()
    for one in account.users.values():
        if external is not None and one["external_id"] == external:
            return one
    for one in account.users.values():
        if email and one["email"] == email:
            return one
    return None


def _write(account: Account, user: Record, given: Record) -> None:
    if given.get("role") not in (None, "end-user", user["role"]):
        raise refusals.record_invalid("role", "Role: may not be given by this client")
    phone = given.get("phone")
    if phone is not None and not E164.match(str(phone)):
        raise refusals.record_invalid("phone", "Phone: is not in E.164")
    user.update({key: value for key, value in given.items() if key in user and key != "role"})
    if user["email"]:
        user["email"] = user["email"].lower()
    user["updated_at"] = stamp()
    if phone is not None:
        taken = _holder(account, "phone_number", str(phone)) not in (None, user["id"])
        user["shared_phone_number"] = bool(given.get("shared_phone_number")) or taken
        if not user["shared_phone_number"]:
            _hold(account, user, "phone_number", str(phone))
    if user["email"]:
        _hold(account, user, "email", user["email"])


def _holder(account: Account, kind: str, value: str) -> int | None:
    for one in account.identities:
        if one["type"] == kind and one["value"] == value:
            return int(one["user_id"])
    return None


def _hold(account: Account, user: Record, kind: str, value: str) -> Record:
    for one in account.identities:
        if (one["user_id"], one["type"], one["value"]) == (user["id"], kind, value):
            return one
    identity: dict[str, Any] = {
        "id": account.next_id(),
        "user_id": user["id"],
        "type": kind,
        "value": value,
        "verified": True,
        "primary": True,
        "created_at": stamp(),
        "updated_at": stamp(),
    }
    account.identities.append(identity)
    return identity


def _identities(call: Call, user_id: int) -> Answer:
    _show(call, user_id)
    held = [one for one in call.account.identities if one["user_id"] == user_id]
    return 200, {"identities": held, "next_page": None, "previous_page": None, "count": len(held)}


def _add_identity(call: Call, user_id: int) -> Answer:
    user = call.account.user(user_id)
    if user is None:
        raise refusals.not_found()
    given = call.body("identity", IDENTITY_FIELDS)
    kind, value = given.get("type"), str(given.get("value") or "")
    if kind not in ("phone_number", "email"):
        raise refusals.invalid_attribute("type", "must be phone_number or email")
    if kind == "phone_number" and not E164.match(value):
        raise refusals.record_invalid("value", "Value: is not in E.164")
    if _holder(call.account, kind, value) not in (None, user_id):
        raise refusals.record_invalid("value", f"Value: {value} is already being used")
    identity = _hold(call.account, user, kind, value)
    if kind == "phone_number" and user["phone"] is None:
        user["phone"] = value
    return 201, {"identity": identity}
