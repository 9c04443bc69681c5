"""A buyer as a user of Zendesk: found where possible, made where not.

Called by `helpdesk`. Create-or-update matches by external id and e-mail only, so a phone that an
earlier call left in Zendesk is looked for first. It would also rename whoever has the e-mail, and
a buyer may share one with an agent; so it is given an e-mail only that nobody has.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from app.foundation.errors import Permanent
from app.helpdesk.ports import HelpdeskAccess, Requester
from app.vendors.zendesk.client import ZendeskClient

SEARCH = "/api/v2/users/search"


def find_or_make(client: ZendeskClient, access: HelpdeskAccess, requester: Requester) -> str:
    """The user's id."""
    known = _search(client, access, {"external_id": requester.external_id})
    if known:
        return str(known[0]["id"])
    by_phone = _search(client, access, {"query": f"phone:{requester.phone}"})
    same_phone = [one for one in by_phone if _is_buyer(one) and _same(one, requester.phone)]
    if same_phone:
        return str(same_phone[0]["id"])
    email = requester.email
    if email:
        holders = [
            one
            for one in _search(client, access, {"query": f"email:{email}"})
            if (one.get("email") or "").lower() == email.lower()
        ]
        buyers = [one for one in holders if _is_buyer(one)]
        if buyers:
            _add_phone(client, access, buyers[0], requester.phone)
            return str(buyers[0]["id"])
        if holders:
            email = None
    return _make(client, access, requester, email)


def show(client: ZendeskClient, access: HelpdeskAccess, user_id: int) -> Mapping[str, Any] | None:
    """The user, or None where Zendesk no longer knows one."""
    try:
        said = client.call(
            access.subdomain, "GET", f"/api/v2/users/{user_id}", token=access.access_token
        )
    except Permanent as error:
        if error.status == 404:
            return None
        raise
    user: Mapping[str, Any] = said["user"]
    return user


def _search(
    client: ZendeskClient, access: HelpdeskAccess, params: Mapping[str, str]
) -> list[Mapping[str, Any]]:
    said = client.call(access.subdomain, "GET", SEARCH, token=access.access_token, params=params)
    users: list[Mapping[str, Any]] = said["users"]
    return users


def _is_buyer(user: Mapping[str, Any]) -> bool:
    return user.get("role") == "end-user" and not user.get("suspended")


def _same(user: Mapping[str, Any], phone: str) -> bool:
    """The search is generous; only the very number is the buyer's."""
    return re.sub(r"\D", "", user.get("phone") or "") == phone.removeprefix("+")


def _add_phone(
    client: ZendeskClient, access: HelpdeskAccess, user: Mapping[str, Any], phone: str
) -> None:
    """So that a later call of the buyer is theirs. Taken by somebody else: then it stays so."""
    try:
        client.call(
            access.subdomain,
            "POST",
            f"/api/v2/users/{user['id']}/identities",
            token=access.access_token,
            body={"identity": {"type": "phone_number", "value": phone}},
            counted="users",
            repeatable=True,
        )
    except Permanent as error:
        if error.status != 422:
            raise


def _make(
    client: ZendeskClient, access: HelpdeskAccess, requester: Requester, email: str | None
) -> str:
    user: dict[str, Any] = {
        "name": requester.name or requester.phone,
        "phone": requester.phone,
        "external_id": requester.external_id,
        "skip_verify_email": True,
    }
    if email:
        user["email"] = email
    said = client.call(
        access.subdomain,
        "POST",
        "/api/v2/users/create_or_update",
        token=access.access_token,
        body={"user": user},
        counted="users",
        repeatable=True,
    )
    return str(said["user"]["id"])
