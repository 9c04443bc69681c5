"""When a person can be expected to answer, and how that is said. Pure.

Called by `hand_off` and `break_promise`. The shop says when its people are there (`save_hours`) and
how soon they answer then; without that nothing is promised. In hours: "within 10 minutes", if they
are still there by then. Else the next opening, told in the buyer's own time where that is known.
What is due then is due the same minutes after the opening: nobody answers everybody at 8:00:00.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from app.consent.week_hours import WeekHours
from app.understanding.wants_human import Language

LOOK_AHEAD_DAYS = 60  # a shop that is closed for longer promises nothing
UNKNOWN = {
    "en": "A person reads this and answers here.",
    "es": "Una persona leerá tu mensaje y te responderá aquí.",
}
WEEKDAYS = {
    "en": ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
    "es": ("lunes", "martes", "miércoles", "jueves", "viernes", "sábado", "domingo"),
}
MONTHS = (
    "enero", "febrero", "marzo", "abril", "mayo", "junio", "julio", "agosto", "septiembre",
    "octubre", "noviembre", "diciembre",
)  # fmt: skip


@dataclass(frozen=True)
class AgentHours:
    """When a shop's people answer, in the shop's time."""

    week: WeekHours
    zone: str  # IANA
    closed: frozenset[date] = frozenset()
    minutes: int = 10  # within which they answer then


@dataclass(frozen=True)
class Expectation:
    due_at: datetime
    minutes: int
    opens_at: datetime | None  # None: they are there now


def expect(hours: AgentHours, *, now: datetime) -> Expectation | None:
    """None if nobody is there for the next weeks."""
    soon = now + timedelta(minutes=hours.minutes)
    opening = None
    for start, end in _spans(hours, now):
        if start <= now and soon <= end:
            return Expectation(soon, hours.minutes, None)
        if start > now:
            opening = start
            break
    if opening is None:
        return None
    return Expectation(opening + timedelta(minutes=hours.minutes), hours.minutes, opening)


def _spans(hours: AgentHours, now: datetime) -> Iterable[tuple[datetime, datetime]]:
    """When they are there, from yesterday on; what adjoins is one span, as with open all day."""
    today = now.astimezone(ZoneInfo(hours.zone)).date()
    joined: tuple[datetime, datetime] | None = None
    for ahead in range(-1, LOOK_AHEAD_DAYS):
        day = today + timedelta(days=ahead)
        span = None if day in hours.closed else hours.week.days[day.weekday()]
        if span is None:
            continue
        start, end = (_moment(day, minute, hours.zone) for minute in span)
        if joined is not None and joined[1] == start:
            joined = joined[0], end
            continue
        if joined is not None:
            yield joined
        joined = start, end
    if joined is not None:
        yield joined


def _moment(day: date, minute: int, zone: str) -> datetime:
    """A time of the wall clock, which a change of clocks may move."""
    day, minute = day + timedelta(days=minute // 1440), minute % 1440
    local = datetime.combine(day, time(minute // 60, minute % 60), ZoneInfo(zone))
    return local.astimezone(UTC)


def in_words(
    expectation: Expectation | None,
    *,
    now: datetime,
    shop_zone: str,
    buyer_zones: Collection[str],
    language: Language = "en",
) -> str:
    """One sentence for the buyer; `buyer_zones`: everywhere that they may be."""
    if expectation is None:
        return UNKNOWN[language]
    if expectation.opens_at is None:
        return _within(expectation.minutes, language)
    clocks = {
        expectation.opens_at.astimezone(ZoneInfo(z)).replace(tzinfo=None) for z in buyer_zones
    }
    days = {now.astimezone(ZoneInfo(z)).date() for z in buyer_zones}
    known = len(clocks) == len(days) == 1
    zone = ZoneInfo(min(buyer_zones) if known else shop_zone)
    at, today = expectation.opens_at.astimezone(zone), now.astimezone(zone).date()
    if language == "es":
        whose = "tu hora" if known else f"hora de {_place(shop_zone)}"
        clock = f"{at.hour}:{at.minute:02}"
        return f"Una persona te responderá {_dia(at.date(), today)} a las {clock} ({whose})."
    whose = "your time" if known else f"{_place(shop_zone)} time"
    return f"A person answers at {_clock(at)} {_day(at.date(), today)} ({whose})."


def _within(minutes: int, language: Language) -> str:
    hours, rest = divmod(minutes, 60)
    if language == "es":
        span = f"{minutes} minutos" if rest else ("una hora" if hours == 1 else f"{hours} horas")
        return f"Una persona te responderá en {span}."
    span = f"{minutes} minutes" if rest else ("an hour" if hours == 1 else f"{hours} hours")
    return f"A person answers within {span}."


def _clock(at: datetime) -> str:
    minute = f":{at.minute:02}" if at.minute else ""
    return (
        "noon"
        if (at.hour, at.minute) == (12, 0)
        else f"{at.hour % 12 or 12}{minute}{at:%p}".lower()
    )


def _day(day: date, today: date) -> str:
    ahead = (day - today).days
    if ahead < 2:
        return ("today", "tomorrow")[ahead]
    return f"on {WEEKDAYS['en'][day.weekday()]}" if ahead < 7 else f"on {day:%B} {day.day}"


def _dia(day: date, today: date) -> str:
    ahead = (day - today).days
    if ahead < 2:
        return ("hoy", "mañana")[ahead]
    if ahead < 7:
        return f"el {WEEKDAYS['es'][day.weekday()]}"
    return f"el {day.day} de {MONTHS[day.month - 1]}"


def _place(zone: str) -> str:
    """`America/New_York` as people say it."""
    return zone.rpartition("/")[2].replace("_", " ")
