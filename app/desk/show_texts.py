"""Texts of a thread as an agent's page shows them. Pure; called by `show_thread`."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from zoneinfo import ZoneInfo

from app.messaging.models import Media, Message
from app.messaging.states import NOT_ARRIVED

# Ours -> what an agent needs to know.
STATES = {"blocked": "failed", "cancelled": "failed", "read": "delivered"}
PHOTO_STATES = {"stored": "stored", "pending": "loading"}

Explain = Callable[[Message], tuple[str, str]]
"""Cause and remedy of a text that did not arrive."""
PhotoLink = Callable[[int], str]
"""media id -> address"""


def show_text(
    text: Message, *, now: datetime, zone: str, explain: Explain, photo_link: PhotoLink
) -> dict[str, object]:
    """`zone`: the buyer's, or the shop's where theirs is not known."""
    state = state_of(text, now)
    return {
        "id": text.id,
        "at": iso(text.sent_at or text.created_at),
        "author": text.author,
        "author_name": text.author_name if text.author == "agent" else None,
        "body": text.body,
        "direction": text.direction,
        "state": state,
        "reason": _reason(text, state, zone, explain),
        "segments": text.segments,
        "photos": [show_photo(photo, photo_link) for photo in text.media],
    }


def state_of(text: Message, now: datetime) -> str:
    waits = text.state == "queued" and text.not_before is not None and text.not_before > now
    if waits and text.reason != "in_line":  # which is a matter of seconds
        return "held"
    return STATES.get(text.state, text.state)


def show_photo(photo: Media, link: PhotoLink) -> dict[str, object]:
    state = PHOTO_STATES.get(photo.state, "missing")
    return {
        "id": photo.id,
        "url": link(photo.id) if state == "stored" else None,
        "content_type": photo.content_type,
        "state": state,
    }


def iso(at: datetime | None) -> str | None:
    return at.isoformat() if at else None


def _reason(text: Message, state: str, zone: str, explain: Explain) -> str | None:
    if state == "held" and text.not_before is not None:
        return f"Waits until {text.not_before.astimezone(ZoneInfo(zone)):%a %H:%M %Z}."
    if text.direction == "out" and text.state in NOT_ARRIVED:
        return " ".join(explain(text))
    return None
