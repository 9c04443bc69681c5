"""The hours of the law, worked out a second time and otherwise: minute by minute, by wall clock.

Shares no code with the engine. Reads the shipped tables raw, finds holidays by leafing through
calendar months, reckons Easter by Gauss, and looks at one minute at a time in every zone. Slow and
plain, so that `permission_draw` can hold the engine to it.
"""

from __future__ import annotations

import calendar
import json
import tomllib
from datetime import date, datetime, timedelta
from functools import cache, lru_cache
from pathlib import Path
from zoneinfo import ZoneInfo

DATA = Path(__file__).parents[2] / "app" / "consent" / "data"
LAW = tomllib.loads((DATA / "law_of_places.toml").read_text(encoding="utf-8"))
HOLIDAYS = tomllib.loads((DATA / "legal_holidays.toml").read_text(encoding="utf-8"))
TABLE = json.loads((DATA / "zones.json").read_text(encoding="utf-8"))
DAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
IN_PACIFIC = {"GU", "MP", "AS"}

Minutes = tuple[int, int]


def split(answer: str) -> tuple[frozenset[str], frozenset[str]]:
    """States and zones of a line of the zone table."""
    states, _, zones = answer.partition("|")
    return frozenset(f"US-{state}" for state in states.split()), frozenset(zones.split())


def codes(table: str) -> dict[str, tuple[frozenset[str], frozenset[str]]]:
    return {
        code: split(answer) for answer, listed in TABLE[table].items() for code in listed.split()
    }


AREA_CODES, ZIP3, ZIP5 = codes("us_area_codes"), codes("zip3"), codes("zip5")
EVERYWHERE = (
    frozenset(f"US-{state}" for state in TABLE["us_states"] if state not in IN_PACIFIC),
    frozenset(
        zone
        for state, zones in TABLE["us_states"].items()
        if state not in IN_PACIFIC
        for zone in zones
    ),
)


def hours_on(row: dict[str, object], weekday: int) -> Minutes | None:
    """What one row allows on a weekday; a row without that day allows nothing."""
    names = [DAYS[weekday]]
    names += ["mon_sat"] if weekday < 6 else []
    names += ["mon_fri"] if weekday < 5 else []
    for name in names:
        if isinstance(text := row.get(name), str):
            start, end = text.split("-")
            return int(start[:2]) * 60 + int(start[3:]), int(end[:2]) * 60 + int(end[3:])
    return None


PRODUCT = {"mon_sat": "10:00-20:00", "sun": "12:00-18:00"}


def easter(year: int) -> date:
    """By Gauss, with his corrections for the Gregorian calendar."""
    a, b, c = year % 19, year % 4, year % 7
    k = year // 100
    p = (13 + 8 * k) // 25
    q = k // 4
    m, n = (15 - p + k - q) % 30, (4 + k - q) % 7
    d = (19 * a + m) % 30
    e = (2 * b + 4 * c + 6 * d + n) % 7
    if (d == 29 and e == 6) or (d == 28 and e == 6 and (11 * m + 11) % 30 < 19):
        e -= 7
    return date(year, 3, 22) + timedelta(days=d + e)


def days_of(rule: dict[str, int | str], year: int) -> date:
    if "easter" in rule:
        return easter(year) + timedelta(days=int(rule["easter"]))
    month = int(rule["month"])
    if "day" in rule:
        return date(year, month, int(rule["day"]))
    column = DAYS.index(str(rule["weekday"]))
    listed = [week[column] for week in calendar.monthcalendar(year, month)]
    return date(year, month, next(day for day in listed if day >= int(rule["on_or_after"])))


@cache
def closed(region: str, year: int) -> frozenset[date]:
    row = LAW.get(region, {})
    names: list[str] = []
    for name in row.get("holidays", []):
        names += HOLIDAYS["groups"].get(name, [name])
    found = set(row.get("closed_days", []))
    for name in names:
        rule = HOLIDAYS[name]
        for each in (year - 1, year, year + 1):
            day = days_of(rule, each)
            found.add(day)
            if "day" in rule and "weekday" not in rule:
                for kept in row.get("observed", []):
                    fell, moved = kept.split("_")
                    if DAYS[day.weekday()] == fell:
                        step = -1 if (fell, moved) == ("sat", "fri") else 1
                        while DAYS[day.weekday()] != moved:
                            day += timedelta(days=step)
                        found.add(day)
                        day = days_of(rule, each)
    return frozenset(found)


@lru_cache(maxsize=50_000)
def allowed_on(regions: frozenset[str], day: date, shop: tuple[Minutes | None, ...]) -> Minutes:
    """From and to, in minutes; the same twice where nothing is allowed."""
    start, end = 0, 24 * 60
    for region in {"US", *regions} if not any(r.startswith("CA") for r in regions) else regions:
        row = LAW.get(region)
        if row is None:
            continue
        span = hours_on(row, day.weekday())
        if span is None or day in closed(region, day.year):
            return 0, 0
        start, end = max(start, span[0]), min(end, span[1])
    for span in (hours_on(PRODUCT, day.weekday()), shop[day.weekday()] if shop else (0, 1440)):
        if span is None:
            return 0, 0
        start, end = max(start, span[0]), min(end, span[1])
    return (start, end) if start < end else (0, 0)


def lawful(
    at: datetime,
    regions: frozenset[str],
    zones: frozenset[str],
    shop: tuple[Minutes | None, ...] = (),
) -> bool:
    """Whether the wall clock of every zone is inside every hour that applies."""
    stamp = at.timestamp()
    for zone in zones:
        wall = datetime.fromtimestamp(stamp, ZoneInfo(zone))
        start, end = allowed_on(regions, wall.date(), shop)
        if not start <= wall.hour * 60 + wall.minute < end:
            return False
    return bool(zones)
