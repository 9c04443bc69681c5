"""Zendesk's webhook door: the account by the secret in the path, the signature, store, 200.

What asks nothing of us is answered and not stored: most events are our own comments coming back.

Zendesk waits 10 to 12 s, never repeats most errors and stops calling after too many of them
(developer.zendesk.com, "Webhooks"), so nothing else happens here. 409 and 503 with a short
Retry-After are the answers that it does repeat.
"""

from __future__ import annotations

import json

import structlog
from flask import Blueprint, Response, request

from app.foundation.db import is_away
from app.foundation.inbox import store_receipt
from app.foundation.jobs import Tools
from app.foundation.limits import Strangers, visitor
from app.foundation.metrics import DOOR_ANSWERS
from app.helpdesk.known_doors import KnownDoor, KnownDoors
from app.vendors.zendesk import webhooks

log = structlog.get_logger()

RETRY_AFTER = "5"
GUESSES = 60  # of keys that nobody has, by one visitor in a minute, before we stop looking them up


def blueprint(tools: Tools) -> Blueprint:
    doors = Blueprint("zendesk_webhooks", __name__)
    known = KnownDoors(tools.db, tools.keys, "zendesk")
    strangers = Strangers("zendesk", most=GUESSES, seconds=60)

    def answer(status: int) -> Response:
        DOOR_ANSWERS.labels("zendesk", str(status)).inc()
        pauses = {429: str(strangers.retry_after), 503: RETRY_AFTER}
        headers = {"Retry-After": pauses[status]} if status in pauses else {}
        return Response(status=status, headers=headers)

    def is_genuine(door: KnownDoor, body: bytes) -> bool:
        try:
            webhooks.verify(
                secret=door.secret,
                signature=request.headers.get(webhooks.SIGNATURE),
                timestamp=request.headers.get(webhooks.TIMESTAMP),
                body=body,
                now=tools.clock.now(),
            )
        except webhooks.Forged:
            return False
        return True

    @doors.post("/webhooks/zendesk/<door_key>")
    def receive(door_key: str) -> Response:
        length = request.content_length
        if length is None or length > webhooks.MAX_BODY_BYTES:
            return answer(413)
        if "\0" in door_key:
            return answer(404)
        if door_key not in known and strangers.refuse(visitor()):
            return answer(429)
        body = request.get_data(cache=False)
        try:
            door = known.find(door_key)
            if door is None:
                strangers.failed(visitor())
                return answer(404)
            if not is_genuine(door, body):
                door = known.find(door_key, anew=True)
                if door is None or not is_genuine(door, body):
                    return answer(401)
            body = webhooks.as_event(
                body,
                invocation=request.headers.get(webhooks.INVOCATION, ""),
                timestamp=request.headers.get(webhooks.TIMESTAMP, ""),
            )
            ids = event_ids(body)
            if ids is None:
                return answer(400)
            event_id, topic = ids
            if not webhooks.asks_something(body):
                log.debug("zendesk event asks nothing", kind=topic, account_id=door.account_id)
                return answer(200)
            store_receipt(
                tools.db,
                source="zendesk",
                topic=topic,
                owner=str(door.account_id),
                delivery_id=event_id,
                event_id=event_id,
                body=body,
            )
        except Exception as error:
            if not is_away(error):
                raise
            log.warning("database away", door="zendesk")
            return answer(503)
        return answer(200)

    return doors


def event_ids(body: bytes) -> tuple[str, str] | None:
    """Id and type of a signed event; None for what carries none."""
    try:
        said = json.loads(body)
    except (ValueError, RecursionError):
        return None
    if not isinstance(said, dict):
        return None
    event_id, kind = said.get("id"), said.get("type")
    for one in (event_id, kind):
        if not isinstance(one, str) or not 0 < len(one) <= 255 or not one.isprintable():
            return None
    return str(event_id), str(kind)
