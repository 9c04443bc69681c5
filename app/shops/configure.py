"""The merchant's choices are checked when they are saved, never when a text is due.

Called by the operator's command; later by the merchant's pages.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, time
from typing import Any
from urllib.parse import urlsplit

from app.foundation import audit
from app.foundation.db import Session
from app.foundation.errors import Refused
from app.shops.models import ShopPreferences
from app.shops.preferences import preferences_of

CHOICES = {
    "consent_policy": ("care_opt_in", "shopify_sms", "number_at_checkout"),
    # At the buyer's first text; only once a person is needed; as soon as the check-in has left.
    "ticket_opens": ("first_text", "handoff", "arrival"),
}
LONGEST_ADDRESS = 50  # of a page that a text names, so that the text stays within two segments
LIMITS = {
    "check_in_delay_minutes": (0, 7 * 24 * 60),
    "estimate_margin_hours": (0, 14 * 24),
    "days_after_shipping": (1, 30),
    "answer_minutes": (1, 240),
    "retention_days": (30, 10 * 366),
}


def save_preferences(
    session: Session, *, now: datetime, shop_id: int, actor: str, changes: Mapping[str, Any]
) -> ShopPreferences:
    """Apply `changes` by field name. Raises Refused naming the field, its fault and the remedy."""
    preferences = preferences_of(session, shop_id)
    before: dict[str, Any] = {}
    for name, value in changes.items():
        checked = _checked(name, value)
        before[name] = getattr(preferences, name)
        setattr(preferences, name, checked)
    if preferences.window_start >= preferences.window_end:
        raise Refused("window", "the window must begin before it ends")
    if preferences.sunday_start >= preferences.sunday_end:
        raise Refused("window", "Sunday's window must begin before it ends")
    audit.record(
        session,
        now=now,
        shop_id=shop_id,
        actor=actor,
        action="preferences.saved",
        subject=f"shop:{shop_id}",
        changes={
            name: [_as_json(before[name]), _as_json(value)]
            for name, value in sorted(changes.items())
        },
    )
    return preferences


def _checked(name: str, value: Any) -> Any:
    if name not in ShopPreferences.__table__.columns or name == "shop_id":
        raise Refused("unknown_preference", f"{name} is not a preference")
    if name in CHOICES and value not in CHOICES[name]:
        raise Refused(name, f"{name} must be one of {', '.join(CHOICES[name])}")
    if name == "ticket_opens" and value == "handoff":
        # Nobody but a person answers yet: a buyer who asks for none would wait for ever.
        raise Refused(
            name,
            "ticket_opens cannot be handoff before there is an assistant to hand over from:"
            " choose first_text or arrival",
        )
    if name in LIMITS and value is not None:
        low, high = LIMITS[name]
        if not isinstance(value, int) or not low <= value <= high:
            raise Refused(name, f"{name} must be a whole number from {low} to {high}")
    if name.endswith("_url") and value is not None:
        _check_address(name, value)
    if name.startswith(("window_", "sunday_")) and not isinstance(value, time):
        raise Refused(name, f"{name} must be a time such as 10:00")
    return value


def _check_address(name: str, value: Any) -> None:
    if not isinstance(value, str) or not value.isascii() or " " in value:
        raise Refused(name, f"{name} must be the address of a page, such as https://acme.com/terms")
    parts = urlsplit(value)
    if parts.scheme != "https" or "." not in (parts.hostname or "") or parts.username is not None:
        raise Refused(name, f"{name} must begin with https:// and name a page of yours")
    if len(value) > LONGEST_ADDRESS:
        raise Refused(name, f"{name} may have {LONGEST_ADDRESS} characters: it is part of a text")


def _as_json(value: Any) -> Any:
    return value.isoformat(timespec="minutes") if isinstance(value, time) else value
