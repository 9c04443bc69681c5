"""A buyer as a customer of Gorgias: found where possible, made where not.

Called by `helpdesk`. The shop's own app usually made the customer there by e-mail already, so that
is looked for before the phone, and the number is added to whoever lacks it: a later call or text
of theirs then lands beside this one. Changing `channels` replaces all of them, so those that are
there are sent along.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.foundation.errors import Permanent
from app.helpdesk.ports import HelpdeskAccess, Requester
from app.vendors.gorgias.client import GorgiasClient

PATH = "/api/customers"
PHONE = "phone"
TAKEN = (400, 409)  # another customer has the number: it stays theirs
KEPT = ("id", "type", "address", "preferred")  # of a channel; what is known of its past is not sent


def find_or_make(client: GorgiasClient, access: HelpdeskAccess, requester: Requester) -> str:
    """The customer's id."""
    known = _find(client, access, {"external_id": requester.external_id})
    if known is None and requester.email:
        known = _find(client, access, {"email": requester.email})
        if known is not None:
            _give_number(client, access, known, requester.phone)
    if known is None:
        by_phone = {"channel_type": PHONE, "channel_address": requester.phone}
        known = _find(client, access, by_phone)
    return str((known or _make(client, access, requester))["id"])


def _find(
    client: GorgiasClient, access: HelpdeskAccess, wanted: Mapping[str, str]
) -> Mapping[str, Any] | None:
    said = client.call(
        access.subdomain,
        "GET",
        PATH,
        token=access.access_token,
        params={**wanted, "limit": "1"},
    )
    found: list[Mapping[str, Any]] = said["data"]
    return found[0] if found else None


def _give_number(
    client: GorgiasClient, access: HelpdeskAccess, customer: Mapping[str, Any], phone: str
) -> None:
    channels = [
        {name: one[name] for name in KEPT if name in one} for one in customer.get("channels") or ()
    ]
    if any((one["type"], one["address"]) == (PHONE, phone) for one in channels):
        return
    channels.append({"type": PHONE, "address": phone, "preferred": False})
    try:
        client.call(
            access.subdomain,
            "PUT",
            f"{PATH}/{int(customer['id'])}",
            token=access.access_token,
            body={"channels": channels},
            repeatable=True,
        )
    except Permanent as error:
        if error.status not in TAKEN:
            raise


def _make(client: GorgiasClient, access: HelpdeskAccess, requester: Requester) -> Mapping[str, Any]:
    customer: dict[str, Any] = {
        "name": requester.name or requester.phone,
        "external_id": requester.external_id,
        "channels": [{"type": PHONE, "address": requester.phone, "preferred": True}],
    }
    if requester.email:
        customer["email"] = requester.email
    made: Mapping[str, Any] = client.call(
        access.subdomain, "POST", PATH, token=access.access_token, body=customer
    )
    return made
