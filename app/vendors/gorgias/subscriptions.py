"""The HTTP integrations through which Gorgias tells us of replies and shows our sidebar.

Called by `helpdesk` when an account is connected or leaves. One of each for one endpoint: they are
looked for before they are made, so connecting again, or after a lost answer, leaves no second one.

How Gorgias signs with `hmac_secret` is not documented, so the proof is a header of our own with a
secret made here, besides the secret in the path; the integration itself gives it back later. What a
call says is never believed beyond its ids (`webhooks`).

Bound by developers.gorgias.com, "Create integrations and widgets". `form` as the bare `{{context}}`
posts the whole of ticket, message and user (Gorgias's engineers); without it the body is empty.
"""

from __future__ import annotations

import secrets
from typing import Any

import structlog

from app.foundation.errors import Permanent, VendorFailure
from app.helpdesk.ports import HelpdeskAccess, HookSubscription
from app.vendors.gorgias.client import GorgiasClient

log = structlog.get_logger()

PATH = "/api/integrations"
KEY_HEADER = "X-Doorstep-Key"
SIDEBAR = "/sidebar"
PLACEHOLDERS = "?ticket={{ticket.id}}&customer={{ticket.customer.id}}"
EVENTS = ("ticket-message-created", "ticket-message-failed", "ticket-status-updated")
REFRESHED_BY = ("ticket-created", "ticket-updated", "ticket-message-created")
SHOWN = (
    ("order", "Order"),
    ("parcel", "Parcel"),
    ("state", "State"),
    ("handled_by", "Handled by"),
    ("last_text", "Last text"),
    ("texting", "Texting"),
    ("open", "Open the thread"),
)
MOST_PAGES = 10


def subscribe(client: GorgiasClient, access: HelpdeskAccess, endpoint: str) -> HookSubscription:
    """The integration that posts to this endpoint, made if there is none, and the sidebar."""
    there = _integrations(client, access)
    known = _at(there, endpoint)
    secret = str((known or {}).get("http", {}).get("headers", {}).get(KEY_HEADER) or "")
    if known is None or not secret:
        secret = secrets.token_urlsafe(32)
        known = _make(client, access, "Doorstep events", endpoint, secret, "POST", EVENTS)
    _show_sidebar(client, access, _at(there, _sidebar_of(endpoint)), endpoint, secret)
    return HookSubscription(str(known["id"]), secret)


def unsubscribe(client: GorgiasClient, access: HelpdeskAccess, webhook_id: str) -> None:
    """Delete it and its sidebar, whose widget goes with it; gone already is as good."""
    there = _integrations(client, access)
    events = next((one for one in there if str(one["id"]) == webhook_id), None)
    sidebar = _at(there, _sidebar_of(events["http"]["url"])) if events else None
    for one in (events, sidebar):
        if one is None:
            continue
        try:
            client.call(
                access.subdomain, "DELETE", f"{PATH}/{int(one['id'])}", token=access.access_token
            )
        except Permanent as error:
            if error.status != 404:
                raise


def _show_sidebar(
    client: GorgiasClient,
    access: HelpdeskAccess,
    known: Any,
    endpoint: str,
    secret: str,
) -> None:
    """Nice to have: which scope covers widgets is not documented, and replies come without one.
    One that could not be made is made when somebody connects again."""
    try:
        url = _sidebar_of(endpoint)
        made = known or _make(client, access, "Doorstep", url, secret, "GET", REFRESHED_BY)
        widgets = _listed(client, access, "/api/widgets", {"limit": "100"})
        if any(one.get("integration_id") == made["id"] for one in widgets):
            return
        client.call(
            access.subdomain,
            "POST",
            "/api/widgets",
            token=access.access_token,
            body={
                "type": "http",
                "integration_id": made["id"],
                "context": "ticket",
                "order": 0,
                "template": _template(),
            },
        )
    except VendorFailure as error:
        log.info("gorgias shows no sidebar", account_id=access.account_id, status=error.status)


def _template() -> dict[str, Any]:
    """Only `card` and `text` are documented."""
    texts = [{"path": path, "type": "text", "title": title} for path, title in SHOWN]
    card = {"path": "doorstep", "type": "card", "title": "Doorstep", "widgets": texts}
    return {"type": "wrapper", "widgets": [card]}


def _sidebar_of(endpoint: str) -> str:
    return f"{endpoint}{SIDEBAR}{PLACEHOLDERS}"


def _integrations(client: GorgiasClient, access: HelpdeskAccess) -> list[Any]:
    found = _listed(client, access, PATH, {"type": "http", "limit": "100"})
    return [
        one for one in found if one.get("type") == "http" and not one.get("deactivated_datetime")
    ]


def _listed(
    client: GorgiasClient, access: HelpdeskAccess, path: str, params: dict[str, str]
) -> list[Any]:
    found: list[Any] = []
    for _ in range(MOST_PAGES):
        said = client.call(access.subdomain, "GET", path, token=access.access_token, params=params)
        found += said["data"]
        cursor = said["meta"].get("next_cursor")
        if not cursor:
            break
        params = {**params, "cursor": cursor}
    return found


def _at(there: list[Any], url: str) -> Any:
    return next((one for one in there if (one.get("http") or {}).get("url") == url), None)


def _make(
    client: GorgiasClient,
    access: HelpdeskAccess,
    name: str,
    url: str,
    secret: str,
    method: str,
    triggers: tuple[str, ...],
) -> Any:
    there: dict[str, Any] = {
        "url": url,
        "method": method,
        "request_content_type": "application/json",
        "response_content_type": "application/json",
        "headers": {KEY_HEADER: secret},
        "triggers": dict.fromkeys(triggers, True),
    }
    if method == "POST":
        there["form"] = "{{context}}"
    return client.call(
        access.subdomain,
        "POST",
        PATH,
        token=access.access_token,
        body={"name": name, "type": "http", "http": there},
    )
