"""Slate's door, and what follows a stored event: {"event": "7", "card": "12", "line": "31"}.

Slate proves itself by its subscription's secret. Nothing of the event is believed but its ids.
"""

from __future__ import annotations

import hmac
import json
from datetime import datetime

from flask import Blueprint, Response, request

from app.foundation.inbox import store_receipt
from app.foundation.jobs import Tools
from app.helpdesk.known_doors import KnownDoors
from app.helpdesk.needs import Needs
from app.helpdesk.ports import HelpdeskHook, HookKind
from app.helpdesk.receive_hook import receive_hook

SECRET = "X-Slate-Secret"


def blueprint(tools: Tools) -> Blueprint:
    doors = Blueprint("slate_webhooks", __name__)
    known = KnownDoors(tools.db, tools.keys, "slate")

    @doors.post("/webhooks/slate/<door_key>")
    def receive(door_key: str) -> Response:
        door = known.find(door_key)
        if door is None:
            return Response(status=404)
        if not hmac.compare_digest(request.headers.get(SECRET, ""), door.secret):
            return Response(status=401)
        body = request.get_data()
        event = json.loads(body)["event"]
        store_receipt(
            tools.db,
            source="slate",
            topic="line",
            owner=str(door.account_id),
            delivery_id=event,
            event_id=event,
            body=body,
        )
        return Response(status=200)

    return doors


def work(
    tools: Needs,
    *,
    topic: str,
    owner: str,
    body: bytes,
    receipt_id: int,
    occurred_at: datetime | None,
) -> bool:
    said = json.loads(body)
    kind = HookKind.COMMENT_ADDED if said["line"] else HookKind.CHANGED
    hook = HelpdeskHook(said["event"], kind, said["card"], said["line"], by_staff=True)
    receive_hook(tools, account_id=int(owner), hook=hook)
    return True
