"""The webhook through which Zendesk tells us of agents' replies.

Called by `helpdesk` when an account is connected or leaves. One webhook for one endpoint: it is
looked for before it is made, so connecting again, or after a lost answer, leaves no second one.
Its secret has an endpoint of its own. Webhooks are made by API and not by the app's package,
which would hide the secret from the shop's admins.

Not every plan lets a webhook subscribe to ticket events, and Zendesk's pages contradict each other
on which do, so it is tried. Where that is refused, a trigger (`triggers`) calls the webhook
whenever one of our tickets changes; the next connect tries for the events again.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from app.foundation.errors import Permanent
from app.helpdesk.ports import HelpdeskAccess, HookSubscription
from app.vendors.zendesk import triggers
from app.vendors.zendesk.client import ZendeskClient

NAME = "Doorstep ticket events"
PATH = "/api/v2/webhooks"
EVENTS = (
    "zen:event-type:ticket.comment_added",
    "zen:event-type:ticket.status_changed",
    "zen:event-type:ticket.merged",
    "zen:event-type:ticket.tags_changed",
)
CALLED_BY_TRIGGER = ("conditional_ticket_events",)  # stands alone or not at all


def subscribe(client: ZendeskClient, access: HelpdeskAccess, endpoint: str) -> HookSubscription:
    """The webhook of this endpoint, made if there is none."""
    known = _ours(client, access, endpoint)
    webhook_id = _with(known, EVENTS) or _make_either(client, access, endpoint, known)
    said = client.call(
        access.subdomain,
        "GET",
        f"{PATH}/{webhook_id}/signing_secret",
        token=access.access_token,
    )
    return HookSubscription(webhook_id, str(said["signing_secret"]["secret"]))


def unsubscribe(client: ZendeskClient, access: HelpdeskAccess, webhook_id: str) -> None:
    """Delete it, and first the trigger that calls it; gone already is as good."""
    triggers.delete_calling(client, access, webhook_id)
    try:
        client.call(access.subdomain, "DELETE", f"{PATH}/{webhook_id}", token=access.access_token)
    except Permanent as error:
        if error.status != 404:
            raise


def _make_either(
    client: ZendeskClient, access: HelpdeskAccess, endpoint: str, known: Sequence[Any]
) -> str:
    old = _with(known, CALLED_BY_TRIGGER)
    try:
        webhook_id = _make(client, access, endpoint, EVENTS)
    except Permanent:
        # By the plan, or because this is no admin: then the other way is refused as well.
        webhook_id = old or _make(client, access, endpoint, CALLED_BY_TRIGGER)
        triggers.ensure(client, access, webhook_id)
    else:
        if old is not None:
            unsubscribe(client, access, old)
    return webhook_id


def _ours(client: ZendeskClient, access: HelpdeskAccess, endpoint: str) -> list[Any]:
    said = client.call(
        access.subdomain,
        "GET",
        PATH,
        token=access.access_token,
        params={"filter[name_contains]": NAME, "page[size]": "100"},
    )
    return [
        one for one in said["webhooks"] if one["endpoint"] == endpoint and one["status"] == "active"
    ]


def _with(known: Sequence[Any], wanted: Sequence[str]) -> str | None:
    for one in known:
        if set(wanted) <= set(one.get("subscriptions") or ()):
            return str(one["id"])
    return None


def _make(
    client: ZendeskClient, access: HelpdeskAccess, endpoint: str, subscriptions: Sequence[str]
) -> str:
    said = client.call(
        access.subdomain,
        "POST",
        PATH,
        token=access.access_token,
        body={
            "webhook": {
                "name": NAME,
                "endpoint": endpoint,
                "http_method": "POST",
                "request_format": "json",
                "status": "active",
                "subscriptions": list(subscriptions),
            }
        },
    )
    return str(said["webhook"]["id"])
