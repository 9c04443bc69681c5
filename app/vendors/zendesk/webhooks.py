"""What Zendesk posts to `/webhooks/zendesk/<door_key>`: proof and meaning.

Called by the door; pure functions, no Flask, no database, no clock. An agent's public reply (one
line on the wire):

    {"account_id":22129848,"detail":{"actor_id":"27182818284590","external_id":"…","id":"40217",
     "status":"OPEN","tags":["doorstep"],"via":{"channel":"web_service"},…},
     "event":{"comment":{"id":"9990000000301","body":"…","is_public":true,
      "author":{"id":"27182818284590","is_staff":true,"name":"…"}},
      "meta":{"sequence":{"id":"CE4A…","position":1,"total":1}}},
     "id":"d4f5c389-8f4a-4c2e-a1b9-8e4f39c71d52","subject":"zen:ticket:40217",
     "time":"2026-11-20T17:14:02.123456789Z","type":"zen:event-type:ticket.comment_added",
     "zendesk_event_version":"2022-11-06"}

Where the plan has no ticket events, a trigger of ours calls, and only says which ticket changed:

    {"source":"doorstep_trigger","ticket_id":"40217"}

Bound by developer.zendesk.com, "Verifying webhooks": base64(HMAC-SHA256(secret, timestamp +
body)). Only those two are signed, so the other headers are not looked at. Events may come twice,
late and in any order; their signed `id` is the key to tell. Ids are strings, states upper case.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from base64 import b64encode
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from app.foundation.errors import Refused
from app.helpdesk.ports import HelpdeskHook, HookKind, TicketState
from app.vendors.zendesk.helpdesk import STATES

MAX_BODY_BYTES = 256 * 1024
SIGNATURE = "X-Zendesk-Webhook-Signature"
TIMESTAMP = "X-Zendesk-Webhook-Signature-Timestamp"
# No tolerance is documented and repeats may carry the first timestamp. Replays within it are
# caught by the event's id.
TOLERANCE = timedelta(hours=24)

INVOCATION = "X-Zendesk-Webhook-Invocation-Id"
TICKET_CHANGED = "doorstep:ticket_changed"

_PREFIX = "zen:event-type:ticket."
_KINDS = {
    "comment_added": HookKind.COMMENT_ADDED,
    "status_changed": HookKind.STATE_CHANGED,
    "merged": HookKind.MERGED,
    "tags_changed": HookKind.TAGS_CHANGED,
}
_MOST_ID = 64


class Forged(Refused):
    """Not signed by Zendesk with this webhook's secret; answered with 401."""


class Malformed(Refused):
    """Signed, and yet no event; answered with 400."""

    def __init__(self, text: str) -> None:
        super().__init__("malformed", text)


def verify(
    *, secret: str, signature: str | None, timestamp: str | None, body: bytes, now: datetime
) -> None:
    """Raises Forged unless Zendesk signed exactly this, within the tolerance. Constant time.

    `signature` and `timestamp` are the headers SIGNATURE and TIMESTAMP, None where absent.
    """
    if not signature or not timestamp:
        raise Forged("unsigned", "a signature header is missing")
    try:
        given, moment = signature.encode("ascii"), timestamp.encode("ascii")
    except UnicodeEncodeError:
        raise Forged("bad_signature", "a signature header is not ASCII") from None
    expected = b64encode(hmac.digest(secret.encode(), moment + body, "sha256"))
    if not hmac.compare_digest(expected, given):
        raise Forged("bad_signature", "the signature does not fit")
    try:
        signed_at = datetime.fromisoformat(timestamp)
        age = abs(now - signed_at)
    except (ValueError, TypeError):
        raise Forged("bad_timestamp", "the timestamp is none") from None
    if age > TOLERANCE:
        raise Forged("stale", "signed too long ago")


def as_event(body: bytes, *, invocation: str, timestamp: str) -> bytes:
    """A trigger's call as an event with an id of its own; any other body as it is.

    The same ticket may change twice with the very same words, so the id is made of when it was
    signed and of the call's name. That name is not signed: who forges it makes us look once more.
    """
    try:
        said = json.loads(body)
    except (ValueError, RecursionError):
        return body
    if not isinstance(said, dict) or said.get("source") != "doorstep_trigger":
        return body
    ticket_id = _text_id(said.get("ticket_id"))
    if not ticket_id:
        return body
    digest = hashlib.sha256(f"{ticket_id} {timestamp} {invocation}".encode()).hexdigest()
    event = {"id": f"trigger-{digest[:32]}", "type": TICKET_CHANGED, "ticket_id": ticket_id}
    return json.dumps(event).encode()


def parse(body: bytes) -> HelpdeskHook:
    """The event. One of a kind that we do not know is OTHER; raises Malformed for what is none."""
    if len(body) > MAX_BODY_BYTES:
        raise Malformed("the body is too large")
    try:
        said = json.loads(body)
    except (ValueError, RecursionError):
        raise Malformed("the body is no JSON") from None
    if not isinstance(said, dict):
        raise Malformed("the body is no object")
    event_id, kind_name = said.get("id"), said.get("type")
    if not _is_id(event_id) or not isinstance(kind_name, str):
        raise Malformed("the event has no id or no type")
    if kind_name == TICKET_CHANGED:
        return HelpdeskHook(str(event_id), HookKind.CHANGED, _text_id(said.get("ticket_id")))
    name = kind_name.removeprefix(_PREFIX) if kind_name.startswith(_PREFIX) else ""
    kind = _KINDS.get(name, HookKind.OTHER)
    detail, event = _object(said, "detail"), _object(said, "event")
    ticket_id = _text_id(detail.get("id"))
    if not ticket_id:
        if kind is HookKind.OTHER:
            return HelpdeskHook(str(event_id), kind, "")
        raise Malformed("the event names no ticket")
    comment = _object(event, "comment")
    author = _object(comment, "author")
    comment_id = _text_id(comment.get("id")) or None
    if kind is HookKind.COMMENT_ADDED and comment_id is None:
        raise Malformed("the event names no comment")
    return HelpdeskHook(
        event_id=str(event_id),
        kind=kind,
        ticket_id=ticket_id,
        comment_id=comment_id,
        public=comment.get("is_public") is True,
        by_staff=author.get("is_staff") is True,
        author_id=_text_id(author.get("id")),
        state=_state(event) if kind is HookKind.STATE_CHANGED else None,
        merged_into=_merged_into(event) if kind is HookKind.MERGED else None,
        tags_added=_tags_added(event) if kind is HookKind.TAGS_CHANGED else (),
    )


def asks_something(body: bytes) -> bool:
    """Whether this event is worth storing. One that we do not understand is, to be shown."""
    try:
        return parse(body).asks_something
    except Malformed:
        return True


def _object(value: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = value.get(name)
    return found if isinstance(found, dict) else {}


def _is_id(value: Any) -> bool:
    return isinstance(value, str) and 0 < len(value) <= _MOST_ID and value.isprintable()


def _text_id(value: Any) -> str:
    """A record's number as the port knows it: digits. Anything else is no id."""
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    if not isinstance(text, str) or not text.isascii() or not text.isdigit():
        return ""
    return text if len(text) <= 19 else ""


def _state(event: Mapping[str, Any]) -> TicketState | None:
    current = event.get("current")
    return STATES.get(current.lower()) if isinstance(current, str) else None


def _tags_added(event: Mapping[str, Any]) -> tuple[str, ...]:
    added = event.get("tags_added")
    return tuple(map(str, added)) if isinstance(added, list) else ()


def _merged_into(event: Mapping[str, Any]) -> str | None:
    """The target's id, where the event names it; its field is not documented for webhooks."""
    target = event.get("target_ticket")
    nested = target.get("id") if isinstance(target, dict) else None
    return _text_id(event.get("target_ticket_id")) or _text_id(nested) or None
