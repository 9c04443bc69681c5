"""What the tests of the emulated Zendesk do there over and over, through its API."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx

FIXTURES = Path(__file__).parents[1] / "fixtures" / "zendesk"
COMMENT = {"html_body": "<p>The box was crushed</p>"}


def make_user(api: httpx.Client, external_id: str = "c-1", **more: Any) -> int:
    body = {"name": "Dana Whitfield", "external_id": external_id, "role": "end-user", **more}
    answer = api.post("/users/create_or_update", json={"user": body})
    assert answer.status_code in (200, 201), answer.text
    return int(answer.json()["user"]["id"])


def open_ticket(api: httpx.Client, **fields: Any) -> dict[str, Any]:
    answer = api.post("/tickets", json={"ticket": {"comment": COMMENT, **fields}})
    assert answer.status_code == 201, answer.text
    ticket: dict[str, Any] = answer.json()["ticket"]
    return ticket


def update(api: httpx.Client, ticket_id: int, **fields: Any) -> httpx.Response:
    return api.put(f"/tickets/{ticket_id}", json={"ticket": fields})


def subscribe(api: httpx.Client, endpoint: str, *events: str) -> tuple[str, str]:
    wanted = events or ("comment_added", "attachment_linked_to_comment", "status_changed", "merged")
    hook = {
        "name": "Doorstep",
        "endpoint": endpoint,
        "http_method": "POST",
        "request_format": "json",
        "status": "active",
        "subscriptions": [f"zen:event-type:ticket.{name}" for name in wanted],
    }
    webhook_id = api.post("/webhooks", json={"webhook": hook}).json()["webhook"]["id"]
    secret = api.get(f"/webhooks/{webhook_id}/signing_secret").json()["signing_secret"]["secret"]
    return webhook_id, secret


def keys(value: Any) -> Any:
    """The shape of a JSON value: its keys, all the way down."""
    if isinstance(value, dict):
        return {name: keys(one) for name, one in value.items()}
    return type(value).__name__
