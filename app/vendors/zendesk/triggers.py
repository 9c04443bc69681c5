"""The trigger that calls our webhook where ticket events cannot be subscribed to.

Called by `subscriptions`. It fires at every change of a ticket with our tag, our own comments
included, and says nothing but which ticket: a comment's words would break the JSON they are put
into, and placeholders for its id are not documented. What changed is read from the ticket.

Bound by developer.zendesk.com, "Creating webhooks with the API" (conditional ticket events) and
"Triggers".
"""

from __future__ import annotations

from typing import Any

from app.foundation.errors import Permanent
from app.helpdesk.compose import TAGS
from app.helpdesk.ports import HelpdeskAccess
from app.vendors.zendesk.client import ZendeskClient

TITLE = "Doorstep: a ticket changed"
PATH = "/api/v2/triggers"
BODY = '{"source":"doorstep_trigger","ticket_id":"{{ticket.id}}"}'


def ensure(client: ZendeskClient, access: HelpdeskAccess, webhook_id: str) -> None:
    """Have one trigger call this webhook. Raises Permanent, Temporary, Unknowable."""
    if _calling(client, access, webhook_id):
        return
    client.call(
        access.subdomain,
        "POST",
        PATH,
        token=access.access_token,
        body={
            "trigger": {
                "title": TITLE,
                "active": True,
                "conditions": {
                    "all": [{"field": "current_tags", "operator": "includes", "value": TAGS[1]}],
                    "any": [],
                },
                "actions": [{"field": "notification_webhook", "value": [webhook_id, BODY]}],
            }
        },
    )


def delete_calling(client: ZendeskClient, access: HelpdeskAccess, webhook_id: str) -> None:
    for trigger_id in _calling(client, access, webhook_id):
        try:
            client.call(
                access.subdomain, "DELETE", f"{PATH}/{trigger_id}", token=access.access_token
            )
        except Permanent as error:
            if error.status != 404:
                raise


def _calling(client: ZendeskClient, access: HelpdeskAccess, webhook_id: str) -> list[str]:
    said = client.call(
        access.subdomain,
        "GET",
        f"{PATH}/search",
        token=access.access_token,
        params={"query": TITLE},
    )
    return [
        str(one["id"])
        for one in said["triggers"]
        if any(_calls(action, webhook_id) for action in one["actions"])
    ]


def _calls(action: Any, webhook_id: str) -> bool:
    value = action.get("value")
    return (
        action.get("field") == "notification_webhook"
        and isinstance(value, list)
        and value[:1] == [webhook_id]
    )
