"""What a webhook subscribed to ticket events is told, in Zendesk's envelope.

Called by `tickets` and `desk` while they hold the lock; `delivery` sends the result. Ids are
strings, states upper case, times with nanoseconds, and one action's events share a sequence.
"""

from __future__ import annotations

import json
import secrets
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sandbox.zendesk.world import Account, Record

PREFIX = "zen:event-type:ticket."
TICKET_EVENTS = frozenset(
    PREFIX + name
    for name in (
        "created",
        "comment_added",
        "attachment_linked_to_comment",
        "status_changed",
        "merged",
        "agent_assignment_changed",
        "tags_changed",
    )
)

CONDITIONAL = "conditional_ticket_events"  # what the webhook of a trigger subscribes to


@dataclass(frozen=True)
class Event:
    type: str
    body: bytes
    webhook_id: str | None = None  # a trigger calls one webhook; None: whoever subscribed


def status_changed(previous: str, current: str) -> tuple[str, Record]:
    return "status_changed", {"current": current.upper(), "previous": previous.upper()}


def assignment_changed(previous: int | None, current: int | None) -> tuple[str, Record]:
    return "agent_assignment_changed", {"current": _id(current), "previous": _id(previous)}


def merged(target_id: int) -> tuple[str, Record]:
    return "merged", {"target_ticket_id": str(target_id)}


def comment_added(account: Account, comment: Record) -> list[tuple[str, Record]]:
    """The comment, then one event for each of its files."""
    author = account.user(comment["author_id"]) or {}
    happened: list[tuple[str, Record]] = [
        (
            "comment_added",
            {
                "comment": {
                    "id": str(comment["id"]),
                    "body": comment["body"],
                    "is_public": comment["public"],
                    "author": {
                        "id": str(comment["author_id"]),
                        "is_staff": author.get("role") in ("agent", "admin"),
                        "name": author.get("name", ""),
                    },
                }
            },
        )
    ]
    happened += [
        (
            "attachment_linked_to_comment",
            {
                "attachment": {
                    "id": str(file["id"]),
                    "content_url": file["content_url"],
                    "content_type": file["content_type"],
                    "filename": file["file_name"],
                    "is_public": comment["public"],
                },
                "comment": {"id": str(comment["id"])},
            },
        )
        for file in comment["attachments"]
    ]
    return happened


def envelope(
    account: Account,
    ticket: Record,
    actor_id: int,
    happened: list[tuple[str, Record]],
    now: datetime,
) -> list[Event]:
    """One signed-to-be body for each thing that happened in one action."""
    sequence = secrets.token_hex(16).upper()
    moment = now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f") + "000Z"
    detail = _detail(ticket, actor_id)
    events = []
    for position, (name, event) in enumerate(happened, start=1):
        meta = {"sequence": {"id": sequence, "position": position, "total": len(happened)}}
        body = {
            "account_id": account.id,
            "detail": detail,
            "event": {**event, "meta": meta},
            "id": str(uuid.uuid4()),
            "subject": f"zen:ticket:{ticket['id']}",
            "time": moment,
            "type": PREFIX + name,
            "zendesk_event_version": "2022-11-06",
        }
        raw = json.dumps(body, separators=(",", ":"), ensure_ascii=False).encode()
        events.append(Event(PREFIX + name, raw))
    return events


def _detail(ticket: Record, actor_id: int) -> dict[str, Any]:
    channel = ticket["via"]["channel"]
    return {
        "actor_id": str(actor_id),
        "assignee_id": _id(ticket["assignee_id"]),
        "brand_id": str(ticket["brand_id"]),
        "created_at": ticket["created_at"],
        "custom_status": str(ticket["custom_status_id"]),
        "description": ticket["description"],
        "external_id": ticket["external_id"],
        "form_id": "8646151517822",
        "group_id": _id(ticket["group_id"]),
        "id": str(ticket["id"]),
        "is_public": ticket["is_public"],
        "organization_id": _id(ticket["organization_id"]),
        "priority": (ticket["priority"] or "").upper() or None,
        "requester_id": str(ticket["requester_id"]),
        "status": ticket["status"].upper(),
        "subject": ticket["subject"],
        "submitter_id": str(ticket["submitter_id"]),
        "tags": list(ticket["tags"]),
        "type": (ticket["type"] or "").upper() or None,
        "updated_at": ticket["updated_at"],
        "via": {"channel": "web_service" if channel == "api" else channel},
    }


def _id(value: int | None) -> str | None:
    return None if value is None else str(value)
