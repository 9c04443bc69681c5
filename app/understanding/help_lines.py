"""Whom we name to a buyer in danger, by country and kind of danger; the table is data beside this.

Called by whoever answers a crisis (see `crisis`). The table is checked when it is first read, so
that a bad row stops the boot and not a text. A country without rows gets the `default` ones.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

from app.foundation.errors import Misconfigured
from app.understanding.crisis import CrisisKind

_TABLE = Path(__file__).parent / "data" / "help_lines.toml"
_REQUIRED = ("US", "CA", "default")
_FACTS = {"organisation": str, "reach": str, "words": str, "source": str, "as_of": date,
          "confidence": str}  # fmt: skip


@dataclass(frozen=True)
class HelpLine:
    organisation: str
    reach: str  # a number to call, or an address
    words: str  # what the buyer reads; GSM-7, at most two segments
    source: str
    as_of: date
    confidence: str


HelpLines = Mapping[str, Mapping[CrisisKind, HelpLine]]


def help_line(country: str | None, kind: CrisisKind) -> HelpLine:
    lines = load_help_lines()
    return lines.get(country or "default", lines["default"])[kind]


@cache
def load_help_lines() -> HelpLines:
    """The shipped table. Raises Misconfigured if it is damaged."""
    return read_help_lines(_TABLE.read_text(encoding="utf-8"))


def read_help_lines(toml: str) -> HelpLines:
    """A table from its text; every row checked. Raises Misconfigured."""
    try:
        table = tomllib.loads(toml)
        lines = {country: _rows(country, rows) for country, rows in table.items()}
    except ValueError as error:
        raise Misconfigured(f"The table of help lines is damaged: {error}") from error
    if missing := [country for country in _REQUIRED if country not in lines]:
        raise Misconfigured(f"The table of help lines lacks {', '.join(missing)}.")
    return lines


def _rows(country: str, rows: Any) -> dict[CrisisKind, HelpLine]:
    if country != "default" and not (len(country) == 2 and country.isupper()):
        raise ValueError(f"{country} is no country")
    if not isinstance(rows, dict) or set(rows) != {kind.value for kind in CrisisKind}:
        raise ValueError(f"{country} does not name every kind of crisis")
    return {CrisisKind(kind): _line(f"{country}.{kind}", row) for kind, row in rows.items()}


def _line(name: str, row: Any) -> HelpLine:
    if not isinstance(row, dict) or set(row) != set(_FACTS):
        raise ValueError(f"{name} has not just the facts {', '.join(_FACTS)}")
    for fact, kind in _FACTS.items():
        if not isinstance(row[fact], kind) or not row[fact]:
            raise ValueError(f"{name} lacks {fact}")
    if row["confidence"] not in ("confirmed", "unconfirmed"):
        raise ValueError(f"{name} is neither confirmed nor unconfirmed")
    if not row["words"].isascii() or len(row["words"]) > 306:
        raise ValueError(f"{name} does not fit into two segments")
    return HelpLine(**row)
