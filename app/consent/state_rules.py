"""Which hours and days the law of a place allows, and how many texts; the tables are data.

Called by `quiet_hours`, `permission` and `explain`. The tables are checked when they are first
read, so that a bad row stops the boot and not a text. Countries without a row are not served at
all (launch: the United States and Canada). `RuleBook.version` goes into every verdict that rests
on a table, and changes with any letter of either.
"""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any

from app.consent.holidays import Calendar, Closures, read_calendar
from app.consent.week_hours import WeekHours
from app.foundation.errors import Misconfigured

SUPPORTED_COUNTRIES = frozenset({"US", "CA"})

# Our own courtesy, narrower than nearly every law. Shops may narrow it further, never widen it.
PRODUCT_HOURS = WeekHours.parse({"mon_sat": "10:00-20:00", "sun": "12:00-18:00"})

_DATA = Path(__file__).parent / "data"
_FACTS = {"name": str, "source": str, "as_of": date, "confidence": str}
_LISTS = {"holidays": str, "observed": str, "closed_days": date}


class Confidence(StrEnum):
    CONFIRMED = "confirmed"
    UNCONFIRMED = "unconfirmed"


@dataclass(frozen=True, eq=False)  # rows are told apart by identity: they key a cache
class HoursRule:
    region: str  # "US", "CA" or "US-RI"
    name: str
    hours: WeekHours
    source: str
    as_of: date
    confidence: Confidence
    closures: Closures = Closures()
    cap_24h: int | None = None  # texts that we begin

    @property
    def evidence(self) -> str:
        """Names this row, in the version that was applied."""
        return f"rule:{self.region}@{self.as_of.isoformat()}"


@dataclass(frozen=True)
class RuleBook:
    rules: Mapping[str, HoursRule]
    version: str  # the newest date in it, and a hash of the whole

    @property
    def evidence(self) -> str:
        """Names the tables as they were."""
        return f"law:{self.version}"

    def applying(self, regions: Iterable[str]) -> tuple[HoursRule, ...]:
        """The rows for these regions, in a stable order; a region without a row adds none."""
        return tuple(self.rules[region] for region in sorted(regions) if region in self.rules)


@cache
def load_rules() -> RuleBook:
    """The shipped tables. Raises Misconfigured if one is damaged."""
    return read_rules((_DATA / "law_of_places.toml").read_text(encoding="utf-8"))


def read_rules(toml: str, holidays: str | None = None) -> RuleBook:
    """The law from its text; every row checked. `holidays`: the text of the other table, else the
    shipped one. Raises Misconfigured."""
    if holidays is None:
        holidays = (_DATA / "legal_holidays.toml").read_text(encoding="utf-8")
    try:
        calendar = read_calendar(holidays)
        rules = {
            region: _rule(region, row, calendar) for region, row in tomllib.loads(toml).items()
        }
    except ValueError as error:
        raise Misconfigured(f"The table of state rules is damaged: {error}") from error
    if missing := SUPPORTED_COUNTRIES - rules.keys():
        raise Misconfigured(f"The table of state rules lacks {', '.join(sorted(missing))}.")
    newest = max(rule.as_of for rule in rules.values())
    digest = hashlib.sha256(f"{toml}\0{holidays}".encode()).hexdigest()
    return RuleBook(rules, f"{newest.isoformat()}.{digest[:8]}")


def _rule(region: str, row: Any, calendar: Calendar) -> HoursRule:
    if not isinstance(row, dict):
        raise ValueError(f"{region} is no row")
    country, _, state = region.partition("-")
    if country not in SUPPORTED_COUNTRIES or (state and not (len(state) == 2 and state.isupper())):
        raise ValueError(f"{region} is no region")
    for fact, kind in _FACTS.items():
        if not isinstance(row.get(fact), kind) or not row[fact]:
            raise ValueError(f"{region} lacks {fact}")
    for key, kind in _LISTS.items():
        if not all(isinstance(item, kind) for item in _list(region, row, key)):
            raise ValueError(f"{region} has a wrong entry in {key}")
    cap = row.get("cap_24h")
    if cap is not None and (type(cap) is not int or cap < 1):
        raise ValueError(f"{region} has a cap that is no number of texts")
    known = {*_FACTS, *_LISTS, "cap_24h"}
    hours = {key: value for key, value in row.items() if key not in known}
    if not all(isinstance(value, str) for value in hours.values()):
        raise ValueError(f"{region} has hours that are no text")
    week = WeekHours.parse(hours)
    if week.never:
        raise ValueError(f"{region} allows no hour at all")
    closures = calendar.closures(*(_list(region, row, key) for key in _LISTS))
    confidence = Confidence(row["confidence"])
    return HoursRule(
        region, row["name"], week, row["source"], row["as_of"], confidence, closures, cap
    )


def _list(region: str, row: dict[str, Any], key: str) -> list[Any]:
    found = row.get(key, [])
    if not isinstance(found, list):
        raise ValueError(f"{region} has no list in {key}")
    return found
