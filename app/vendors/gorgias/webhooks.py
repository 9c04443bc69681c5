"""What Gorgias posts to `/webhooks/gorgias/<door_key>`, and what of it is kept.

Called by the door and by `receipts`; pure functions, no Flask, no database, no clock. A whole
context, cut down to what is read here:

    {"event":{"type":"ticket-message-created","context":"5b2d6f0e-ctx","user_id":93},
     "ticket":{"id":81402233,"status":"open","updated_datetime":"2026-11-20T17:14:02.5+00:00",…},
     "message":{"id":990100301,"public":true,"channel":"sms","via":"helpdesk","from_agent":true,
      "external_id":null,"sender":{"id":93,…},…},"user":{…}}

A merchant may have templated the body by hand; then every value is a string, as Python writes it:
`"id":"990100301"`, `"public":"True"`, `"external_id":"None"`. The outer shape is not documented.

No event has an id. One is made of what it is about, so the same news twice is one, and only that is
stored: `slim` leaves ids and drops the buyer's words. Nothing here is believed but ids: the message
is read again before any text leaves.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any

from app.foundation.errors import Refused
from app.helpdesk.ports import HelpdeskHook, HookKind, TicketState
from app.vendors.gorgias.messages import NOTE

MAX_BODY_BYTES = 1024 * 1024  # a whole context holds ticket, customer and message
_MESSAGE = ("ticket-message-created", "ticket-message-failed")
_TICKET = (
    "ticket-status-updated",
    "ticket-updated",
    "ticket-created",
    "ticket-self-unsnoozed",
    "ticket-handed-over",
    "ticket-assignment-updated",
)
_STATES = {"open": TicketState.OPEN, "closed": TicketState.SOLVED}
_ASKS_STATE = ("ticket-status-updated", "ticket-updated")


class Malformed(Refused):
    """From Gorgias by its proof, and yet no event; answered with 400."""

    def __init__(self, text: str) -> None:
        super().__init__("malformed", text)


def is_genuine(secret: str, given: str | None) -> bool:
    """Whether the header holds this account's secret. Constant time."""
    return hmac.compare_digest(secret.encode(), (given or "").encode("utf-8", "replace"))


def slim(body: bytes, *, heard_at: str) -> bytes:
    """The event as it is stored. `heard_at` tells changes apart that say no moment of their own.

    Raises Malformed for what is no event at all.
    """
    said = _object_of(body)
    event, ticket, message = (_object(said, name) for name in ("event", "ticket", "message"))
    kind = event.get("type")
    if not isinstance(kind, str) or not 0 < len(kind) <= 64 or not kind.isprintable():
        raise Malformed("the event has no type")
    ticket_id = text_id(ticket.get("id")) or text_id(message.get("ticket_id"))
    if kind in _MESSAGE:
        about = text_id(message.get("id"))
        if not ticket_id or not about:
            raise Malformed("the event names no message")
    elif kind in _TICKET:
        if not ticket_id:
            raise Malformed("the event names no ticket")
        changed = _said(ticket.get("updated_datetime")) or _said(ticket.get("closed_datetime"))
        about = f"{_said(ticket.get('status'))} {changed or heard_at}"
    else:
        about = heard_at
    said_of_it = f"{kind} {ticket_id} {about}".encode(errors="backslashreplace")
    digest = hashlib.sha256(said_of_it).hexdigest()
    slimmed = {
        "id": f"gorgias-{digest[:32]}",
        "type": kind,
        "ticket_id": ticket_id,
        "message_id": text_id(message.get("id")),
        "public": _true(message.get("public")) and message.get("channel") != NOTE,
        "from_agent": _true(message.get("from_agent")),
        "by_program": bool(_said(message.get("external_id"))),
        "sender_id": text_id(_object(message, "sender").get("id")),
        "status": _said(ticket.get("status"))[:16],
    }
    return json.dumps(slimmed).encode()


def parse(body: bytes) -> HelpdeskHook:
    """A slimmed event. One of a kind that we do not know is OTHER; raises Malformed."""
    said = _object_of(body)
    event_id, kind = said.get("id"), said.get("type")
    if not isinstance(event_id, str) or not isinstance(kind, str):
        raise Malformed("not an event that was slimmed")
    ticket_id, message_id = text_id(said.get("ticket_id")), text_id(said.get("message_id"))
    if kind in _MESSAGE and said.get("by_program") is not True:
        return HelpdeskHook(
            event_id=event_id,
            kind=HookKind.COMMENT_ADDED,
            ticket_id=ticket_id,
            comment_id=message_id or None,
            public=said.get("public") is True,
            by_staff=said.get("from_agent") is True,
            author_id=text_id(said.get("sender_id")),
        )
    if kind in _ASKS_STATE:
        state = _STATES.get(str(said.get("status")))
        return HelpdeskHook(event_id, HookKind.STATE_CHANGED, ticket_id, state=state)
    return HelpdeskHook(event_id, HookKind.OTHER, ticket_id)


def _object_of(body: bytes) -> Mapping[str, Any]:
    try:
        said = json.loads(body)
    except (ValueError, RecursionError):
        raise Malformed("the body is no JSON") from None
    if not isinstance(said, dict):
        raise Malformed("the body is no object")
    return said


def _object(value: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = value.get(name)
    return found if isinstance(found, dict) else {}


def _said(value: Any) -> str:
    """A string that is one; a template's "None" is nothing."""
    return value if isinstance(value, str) and value not in ("", "None") else ""


def _true(value: Any) -> bool:
    return value is True or value in ("True", "true")


def text_id(value: Any) -> str:
    """A record's number as the port knows it: digits. Anything else is no id."""
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    if not isinstance(text, str) or not text.isascii() or not text.isdigit():
        return ""
    return text if len(text) <= 19 else ""
