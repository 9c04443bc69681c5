"""Which hours the law of a place allows; the table is data, beside this file.

Called by `quiet_hours` and `permission`. The table is checked when it is first read, so that a
bad row stops the boot and not a text. Countries without a row are not served at all (launch: the
United States and Canada).
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any

from app.consent.week_hours import WeekHours
from app.foundation.errors import Misconfigured

SUPPORTED_COUNTRIES = frozenset({"US", "CA"})

# Our own courtesy, narrower than nearly every law. Shops may narrow it further, never widen it.
PRODUCT_HOURS = WeekHours.parse({"mon_sat": "10:00-20:00", "sun": "12:00-18:00"})

_TABLE = Path(__file__).parent / "data" / "us_state_rules.toml"
_FACTS = {"name": str, "source": str, "as_of": date, "confidence": str}


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

    @property
    def evidence(self) -> str:
        """Names this row, in the version that was applied."""
        return f"rule:{self.region}@{self.as_of.isoformat()}"


@dataclass(frozen=True)
class RuleBook:
    rules: Mapping[str, HoursRule]

    def applying(self, regions: Iterable[str]) -> tuple[HoursRule, ...]:
        """The rows for these regions, in a stable order; a region without a row adds none."""
        return tuple(self.rules[region] for region in sorted(regions) if region in self.rules)


@cache
def load_rules() -> RuleBook:
    """The shipped table. Raises Misconfigured if it is damaged."""
    return read_rules(_TABLE.read_text(encoding="utf-8"))


def read_rules(toml: str) -> RuleBook:
    """A rule table from its text; every row checked. Raises Misconfigured."""
    try:
        rows = tomllib.loads(toml)
        rules = {region: _rule(region, row) for region, row in rows.items()}
    except ValueError as error:
        raise Misconfigured(f"The table of state rules is damaged: {error}") from error
    if missing := SUPPORTED_COUNTRIES - rules.keys():
        raise Misconfigured(f"The table of state rules lacks {', '.join(sorted(missing))}.")
    return RuleBook(rules)


def _rule(region: str, row: Any) -> HoursRule:
    if not isinstance(row, dict):
        raise ValueError(f"{region} is no row")
    country, _, state = region.partition("-")
    if country not in SUPPORTED_COUNTRIES or (state and not (len(state) == 2 and state.isupper())):
        raise ValueError(f"{region} is no region")
    for fact, kind in _FACTS.items():
        if not isinstance(row.get(fact), kind) or not row[fact]:
            raise ValueError(f"{region} lacks {fact}")
    hours = {key: value for key, value in row.items() if key not in _FACTS}
    if not all(isinstance(value, str) for value in hours.values()):
        raise ValueError(f"{region} has hours that are no text")
    week = WeekHours.parse(hours)
    if week.never:
        raise ValueError(f"{region} allows no hour at all")
    return HoursRule(
        region, row["name"], week, row["source"], row["as_of"], Confidence(row["confidence"])
    )
