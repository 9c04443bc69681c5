"""Which days a law closes, in any year: holidays found by rule, and what is kept in their stead.

Called by `state_rules`, which knows what each place closes, and through it by `quiet_hours`. The
days are data (`data/legal_holidays.toml`), for they are evidence: a verdict of years ago must be
found again with the days that it went by. Checked when first read.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from typing import Any

from app.consent.week_hours import DAYS

SATURDAY, SUNDAY = 5, 6

# For a holiday with a date: on which weekday it may fall, and which day is then closed as well.
OBSERVED: Mapping[str, tuple[int, timedelta]] = {
    "sat_fri": (SATURDAY, timedelta(days=-1)),
    "sat_mon": (SATURDAY, timedelta(days=2)),
    "sun_mon": (SUNDAY, timedelta(days=1)),
}
_FORMS = (
    {"name", "month", "day"},
    {"name", "month", "weekday", "on_or_after"},
    {"name", "easter"},
)


@dataclass(frozen=True)
class Holiday:
    """One rule. `weekday` (Monday is 0) moves `day` forward; `easter` counts from that Sunday."""

    name: str
    month: int = 0
    day: int = 0
    weekday: int | None = None
    easter: int | None = None

    @property
    def has_date(self) -> bool:
        return self.weekday is None and self.easter is None

    def in_year(self, year: int) -> date:
        if self.easter is not None:
            return easter_sunday(year) + timedelta(days=self.easter)
        first = date(year, self.month, self.day)
        if self.weekday is None:
            return first
        return first + timedelta(days=(self.weekday - first.weekday()) % 7)


@dataclass(frozen=True, eq=False)  # told apart by identity: it keys a cache
class Closures:
    """The closed days of one place."""

    holidays: tuple[Holiday, ...] = ()
    observed: frozenset[str] = frozenset()
    days: frozenset[date] = frozenset()  # proclaimed

    @property
    def none(self) -> bool:
        return not (self.holidays or self.days)

    def on(self, day: date) -> str | None:
        """What closes this day; None if nothing does."""
        return _of_year(self, day.year).get(day)


@lru_cache(maxsize=512)
def _of_year(closures: Closures, year: int) -> Mapping[date, str]:
    closed = dict.fromkeys(closures.days, "a proclaimed day")
    # A New Year's Day on a Saturday closes a day of the year before.
    for each in (year - 1, year, year + 1):
        for holiday in closures.holidays:
            day = holiday.in_year(each)
            closed.setdefault(day, holiday.name)
            for kept in closures.observed if holiday.has_date else ():
                weekday, moved = OBSERVED[kept]
                if day.weekday() == weekday:
                    closed.setdefault(day + moved, f"{holiday.name} (observed)")
    return {day: name for day, name in closed.items() if day.year == year}


def easter_sunday(year: int) -> date:
    """In the Gregorian calendar (the anonymous algorithm, as in Meeus, Astronomical Algorithms)."""
    a, (b, c) = year % 19, divmod(year, 100)
    d, e = divmod(b, 4)
    g = (8 * b + 13) // 25
    h = (19 * a + b - d - g + 15) % 30
    i, k = divmod(c, 4)
    m = (32 + 2 * e + 2 * i - h - k) % 7
    n = (a + 11 * h + 19 * m) // 433
    month = (h + m - 7 * n + 90) // 25
    return date(year, month, (h + m - 7 * n + 33 * month + 19) % 32)


@dataclass(frozen=True)
class Calendar:
    """All rules by key, and the groups of them."""

    holidays: Mapping[str, Holiday]
    groups: Mapping[str, tuple[str, ...]]

    def closures(
        self, keys: Iterable[str], observed: Iterable[str], days: Iterable[date]
    ) -> Closures:
        """What a place closes. Raises ValueError for a name that is not in the table."""
        keys, kept = list(keys), frozenset(observed)
        names = [name for key in keys for name in self.groups.get(key, (key,))]
        if unknown := (set(names) - self.holidays.keys()) | (kept - OBSERVED.keys()):
            raise ValueError(f"no holiday or observance: {', '.join(sorted(unknown))}")
        found = tuple(self.holidays[name] for name in dict.fromkeys(names))
        return Closures(found, kept, frozenset(days))


def read_calendar(toml: str) -> Calendar:
    """From the table's text; every row checked. Raises ValueError."""
    rows = tomllib.loads(toml)
    groups = {key: tuple(names) for key, names in rows.pop("groups", {}).items()}
    holidays = {key: _holiday(key, row) for key, row in rows.items()}
    if unknown := {name for names in groups.values() for name in names} - holidays.keys():
        raise ValueError(f"a group names no holiday: {', '.join(sorted(unknown))}")
    if both := groups.keys() & holidays.keys():
        raise ValueError(f"holiday and group at once: {', '.join(sorted(both))}")
    return Calendar(holidays, groups)


def _holiday(key: str, row: Any) -> Holiday:
    if not isinstance(row, dict) or set(row) not in _FORMS:
        raise ValueError(f"{key} is no rule for a holiday")
    numbers = {fact: row[fact] for fact in row if fact not in ("name", "weekday")}
    if not isinstance(row["name"], str) or not all(type(n) is int for n in numbers.values()):
        raise ValueError(f"{key} has a fact of the wrong kind")
    weekday = row.get("weekday")
    if weekday is not None and weekday not in DAYS:
        raise ValueError(f"{key} has no weekday")
    holiday = Holiday(
        name=row["name"],
        month=row.get("month", 0),
        day=row.get("day") or row.get("on_or_after") or 0,
        weekday=None if weekday is None else DAYS.index(weekday),
        easter=row.get("easter"),
    )
    if not holiday.name:
        raise ValueError(f"{key} has no name")
    holiday.in_year(2027)  # a year without a leap day: raises ValueError for a day that is none
    return holiday
