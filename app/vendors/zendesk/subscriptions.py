"""The webhook through which Zendesk tells us of agents' replies.

Called by `helpdesk` when an account is connected or leaves. One webhook for one endpoint: it is
looked for before it is made, so connecting again, or after a lost answer, leaves no second one.
Its secret has an endpoint of its own. Webhooks are made by API and not by the app's package,
which would hide the secret from the shop's admins.
"""

from __future__ import annotations

from app.foundation.errors import Permanent
from app.helpdesk.ports import HelpdeskAccess, HookSubscription
from app.vendors.zendesk.client import ZendeskClient

NAME = "Doorstep ticket events"
PATH = "/api/v2/webhooks"
EVENTS = (
    "zen:event-type:ticket.comment_added",
    "zen:event-type:ticket.status_changed",
    "zen:event-type:ticket.merged",
)


def subscribe(client: ZendeskClient, access: HelpdeskAccess, endpoint: str) -> HookSubscription:
    """The webhook of this endpoint, made if there is none."""
    webhook_id = _existing(client, access, endpoint) or _make(client, access, endpoint)
    said = client.call(
        access.subdomain,
        "GET",
        f"{PATH}/{webhook_id}/signing_secret",
        token=access.access_token,
    )
    return HookSubscription(webhook_id, str(said["signing_secret"]["secret"]))


def unsubscribe(client: ZendeskClient, access: HelpdeskAccess, webhook_id: str) -> None:
    """Delete it; gone already is as good."""
    try:
        client.call(access.subdomain, "DELETE", f"{PATH}/{webhook_id}", token=access.access_token)
    except Permanent as error:
        if error.status != 404:
            raise


def _existing(client: ZendeskClient, access: HelpdeskAccess, endpoint: str) -> str | None:
    said = client.call(
        access.subdomain,
        "GET",
        PATH,
        token=access.access_token,
        params={"filter[name_contains]": NAME, "page[size]": "100"},
    )
    for one in said["webhooks"]:
        if one["endpoint"] == endpoint and one["status"] == "active":
            wanted = set(EVENTS) <= set(one.get("subscriptions") or ())
            return str(one["id"]) if wanted else None
    return None


def _make(client: ZendeskClient, access: HelpdeskAccess, endpoint: str) -> str:
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
                "subscriptions": list(EVENTS),
            }
        },
    )
    return str(said["webhook"]["id"])
