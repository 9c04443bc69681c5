"""Gorgias's doors: its HTTP integrations post events here and ask for the sidebar's facts.

The account is known by the secret in the path and proven by a header that only its integration has.
Whether Gorgias repeats a failed call is not documented, so an event is stored and answered at once,
and the poll makes good what was lost. What asks nothing of us is answered and not stored: most
events are our own messages coming back.
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
from app.vendors.gorgias import webhooks, widget
from app.vendors.gorgias.subscriptions import KEY_HEADER, SIDEBAR

log = structlog.get_logger()

RETRY_AFTER = "5"
GUESSES = 60  # of keys that nobody has, by one visitor in a minute, before we stop looking them up


def blueprint(tools: Tools, *, public_url: str) -> Blueprint:
    doors = Blueprint("gorgias_webhooks", __name__)
    known = KnownDoors(tools.db, tools.keys, "gorgias")
    strangers = Strangers("gorgias", most=GUESSES, seconds=60)

    def answer(status: int, body: str = "") -> Response:
        DOOR_ANSWERS.labels("gorgias", str(status)).inc()
        pauses = {429: str(strangers.retry_after), 503: RETRY_AFTER}
        headers = {"Retry-After": pauses[status]} if status in pauses else {}
        return Response(body, status=status, headers=headers, mimetype="application/json")

    def admit(door_key: str) -> KnownDoor | int:
        """Whose door this is, or the status that says why nobody is let in."""
        if "\0" in door_key:
            return 404
        if door_key not in known and strangers.refuse(visitor()):
            return 429
        given = request.headers.get(KEY_HEADER)
        door = known.find(door_key)
        if door is None:
            strangers.failed(visitor())
            return 404
        if not webhooks.is_genuine(door.secret, given):
            door = known.find(door_key, anew=True)
            if door is None or not webhooks.is_genuine(door.secret, given):
                return 401
        return door

    @doors.post("/webhooks/gorgias/<door_key>")
    def receive(door_key: str) -> Response:
        length = request.content_length
        if length is None or length > webhooks.MAX_BODY_BYTES:
            return answer(413)
        body = request.get_data(cache=False)
        try:
            door = admit(door_key)
            if isinstance(door, int):
                return answer(door)
            body = webhooks.slim(body, heard_at=tools.clock.now().isoformat())
            hook = webhooks.parse(body)
            if not hook.asks_something:
                return answer(200)
            store_receipt(
                tools.db,
                source="gorgias",
                topic=str(json.loads(body)["type"]),
                owner=str(door.account_id),
                delivery_id=hook.event_id,
                event_id=hook.event_id,
                body=body,
            )
        except webhooks.Malformed as error:
            log.warning("gorgias event not understood", reason=str(error))
            return answer(400)
        except Exception as error:
            if not is_away(error):
                raise
            log.warning("database away", door="gorgias")
            return answer(503)
        return answer(200)

    @doors.get(f"/webhooks/gorgias/<door_key>{SIDEBAR}")
    def sidebar(door_key: str) -> Response:
        """What the widget beside a ticket shows. An object, also where we know nothing."""
        door = admit(door_key)
        if isinstance(door, int):
            return answer(door)
        ticket_id = webhooks.text_id(request.args.get("ticket", ""))
        with tools.db.shop(door.shop_id) as session:
            facts = widget.facts_of(
                session,
                now=tools.clock.now(),
                keys=tools.keys.signing_keys,
                public_url=public_url,
                account_id=door.account_id,
                ticket_id=ticket_id,
            )
        return answer(200, json.dumps({"doorstep": facts}))

    return doors
