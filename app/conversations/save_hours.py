"""When people answer is checked when it is saved, never when a buyer waits for them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from app.consent.week_hours import WeekHours
from app.foundation.db import Session
from app.foundation.errors import Refused
from app.shops.configure import save_preferences

FIELDS = frozenset({"agent_hours", "agent_closed_days"})
MOST_DAYS = 100


def save_hours(
    session: Session, *, now: datetime, shop_id: int, actor: str, changes: Mapping[str, Any]
) -> None:
    """`agent_hours`: {"mon_fri": "09:00-17:00", "sat": "10:00-14:00"}, None: nothing is promised;
    `agent_closed_days`: ["2026-12-25"]. In the shop's own time. Raises Refused."""
    checked = dict(changes)
    if checked.get("agent_hours") is not None:
        checked["agent_hours"] = _week(checked["agent_hours"])
    if "agent_closed_days" in checked:
        checked["agent_closed_days"] = _days(checked["agent_closed_days"])
    save_preferences(session, now=now, shop_id=shop_id, actor=actor, changes=checked)


def _week(value: Any) -> dict[str, str]:
    if not isinstance(value, dict) or not all(isinstance(one, str) for one in value.values()):
        raise _no_hours()
    try:
        week = WeekHours.parse(value)
    except ValueError as error:
        raise _no_hours() from error
    if week.never:
        raise _no_hours()
    return week.as_text()


def _no_hours() -> Refused:
    return Refused(
        "agent_hours",
        'agent_hours must name days and hours, such as {"mon_fri": "09:00-17:00"}; or null, if'
        " buyers shall be promised no time",
    )


def _days(value: Any) -> list[str]:
    try:
        if not isinstance(value, list) or len(value) > MOST_DAYS:
            raise ValueError
        return sorted({date.fromisoformat(day).isoformat() for day in value})
    except (TypeError, ValueError):
        raise Refused(
            "agent_closed_days",
            f'agent_closed_days must be a list of at most {MOST_DAYS} days, such as ["2026-12-25"]',
        ) from None
