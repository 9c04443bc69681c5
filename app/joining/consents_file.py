"""A CSV file of consents that a merchant collected elsewhere, read line by line.

Called by `import_consents`. The file is gone through once before anything is written: its encoding,
its header and its length are known then. After that each line is a `Line` with evidence or a
`RefusedLine` with a reason and a remedy; nothing of a line but its number is ever logged.

    phone,purpose,wording,source_url,form,consented_at,ip,user_agent,first_name
    +14155550142,care,"Text me about my order. …",https://acme.com/cart,,2026-05-01T10:00:00-07:00,,,Maya
"""

from __future__ import annotations

import codecs
import csv
import difflib
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from app.consent.state_rules import SUPPORTED_COUNTRIES
from app.consent.zones import locate
from app.foundation.errors import Refused
from app.foundation.phone import to_e164

REQUIRED = ("phone", "purpose", "wording", "consented_at")
WHERE = ("source_url", "form")  # one of them
OPTIONAL = ("ip", "user_agent", "first_name")
KNOWN = (*REQUIRED, *WHERE, *OPTIONAL)
# What our own list of refused lines adds: it may be mended and handed in as it is.
ADDED = ("line", "reason", "remedy")

PURPOSES = ("care", "marketing")
MOST_LINES = 1_000_000
SHORTEST_WORDING = 20
LONGEST_CELL = 4000
OLDEST = datetime(2010, 1, 1, tzinfo=UTC)
AHEAD = timedelta(minutes=5)  # of our clock
_CHUNK = 1 << 20


@dataclass(frozen=True)
class Line:
    """One consent with its evidence."""

    number: int
    cells: Mapping[str, str] = field(repr=False)
    phone: str = field(repr=False)
    purpose: str
    wording: str = field(repr=False)
    consented_at: datetime
    source_url: str | None
    form: str | None
    ip: str | None = field(repr=False)
    user_agent: str | None = field(repr=False)
    first_name: str | None = field(repr=False)


@dataclass(frozen=True)
class RefusedLine:
    number: int
    cells: Mapping[str, str] = field(repr=False)
    reason: str  # a stable code
    remedy: str


class ConsentsFile:
    """An opened and looked-through file. Raises Refused for what no line of it can mend."""

    def __init__(self, path: Path, *, country: str | None) -> None:
        self.path = path
        self._country = country
        self.lines = _look_through(path)  # of text, the header and quoted line ends included
        with self._open() as file:
            self.columns = _header(next(csv.reader(file), []))

    @property
    def ignored(self) -> list[str]:
        """Columns that say nothing to us."""
        return [name for name in self.columns if name not in KNOWN and name not in ADDED]

    def read(self, *, now: datetime) -> Iterator[Line | RefusedLine]:
        """Every line after the header, in order; blank ones are passed over."""
        with self._open() as file:
            reader = csv.reader(file)
            next(reader)
            while True:
                try:
                    cells = next(reader, None)
                except csv.Error:
                    yield RefusedLine(
                        reader.line_num,
                        {},
                        "unreadable",
                        "Quote cells that hold quotes or line ends.",
                    )
                    continue
                if cells is None:
                    return
                if any(cell.strip() for cell in cells):
                    yield self._line(reader.line_num, cells, now)

    def _open(self) -> io.TextIOWrapper:
        return self.path.open(encoding="utf-8-sig", newline="")

    def _line(self, number: int, row: list[str], now: datetime) -> Line | RefusedLine:
        cells = {name: cell.strip() for name, cell in zip(self.columns, row, strict=False)}
        refused = _fault(cells, row, len(self.columns), now)
        phone = to_e164(cells.get("phone"), country=self._country)
        if refused is None:
            refused = _phone_fault(phone)
        if refused is not None:
            return RefusedLine(number, cells, *refused)
        assert phone is not None
        return Line(
            number=number,
            cells=cells,
            phone=phone,
            purpose=cells["purpose"].lower(),
            wording=cells["wording"],
            consented_at=datetime.fromisoformat(cells["consented_at"]).astimezone(UTC),
            **{name: cells.get(name) or None for name in (*WHERE, *OPTIONAL)},
        )


def _fault(
    cells: Mapping[str, str], row: list[str], columns: int, now: datetime
) -> tuple[str, str] | None:
    """What is wrong with a line, but for its phone: code and remedy."""
    if len(row) != columns:
        return "cells", f"The header names {columns} columns, this line has {len(row)}."
    if any(len(cell) > LONGEST_CELL or "\0" in cell for cell in row):
        return "cell_too_long", f"A cell may have {LONGEST_CELL} characters, none of them NUL."
    if cells["purpose"].lower() not in PURPOSES:
        return "purpose", f"Write one of: {', '.join(PURPOSES)}."
    if len(cells["wording"]) < SHORTEST_WORDING:
        return "wording", "Write the exact words that the buyer agreed to."
    if not any(cells.get(name) for name in WHERE):
        return "where", "Name the page (source_url) or the form where the buyer agreed."
    try:
        at = datetime.fromisoformat(cells["consented_at"])
    except ValueError:
        return "consented_at", "Write it as 2026-05-01T10:00:00-07:00."
    if at.tzinfo is None:
        return "no_zone", "Say in which zone: 2026-05-01T10:00:00-07:00, or …Z for UTC."
    if not OLDEST <= at <= now + AHEAD:
        return "consented_at", "It lies in the future, or before 2010."
    return None


def _phone_fault(phone: str | None) -> tuple[str, str] | None:
    if phone is None:
        return "phone", "Write it with its country code: +14155550142."
    countries = locate(phone).countries
    if not countries or not countries <= SUPPORTED_COUNTRIES:
        return "country", "Only numbers in the United States and Canada can be texted."
    return None


def _look_through(path: Path) -> int:
    """The number of lines. Raises Refused: not there, not UTF-8, too long."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    lines, last = 0, b"\n"
    try:
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK):
                if lines == 0 and chunk.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
                    raise Refused("encoding", _not_utf8(path, 1))
                try:
                    decoder.decode(chunk)
                except UnicodeDecodeError as error:
                    line = lines + error.object[: error.start].count(b"\n") + 1
                    raise Refused("encoding", _not_utf8(path, line)) from None
                lines += chunk.count(b"\n")
                last = chunk[-1:]
                if lines > MOST_LINES + 1:
                    raise Refused(
                        "too_long", f"{path.name} has over {MOST_LINES:,} lines: split it"
                    )
    except OSError as error:
        raise Refused("no_file", f"{path}: {error.strerror}") from None
    return lines + (last != b"\n")


def _not_utf8(path: Path, line: int) -> str:
    return (
        f"{path.name} is not UTF-8 (line {line}): save it as “CSV UTF-8” in your spreadsheet, so"
        " that names and wordings stay what they were"
    )


def _header(cells: list[str]) -> list[str]:
    """The columns' names. Raises Refused naming every mistake at once."""
    names = [cell.strip().lower().replace(" ", "_").replace("-", "_") for cell in cells]
    if len(names) == 1 and any(sign in names[0] for sign in (";", "\t")):
        raise Refused("header", "the columns are not separated by commas: save the file as CSV")
    faults = [f"“{name}” stands there twice" for name in KNOWN if names.count(name) > 1]
    missing = [name for name in REQUIRED if name not in names]
    if not any(name in names for name in WHERE):
        missing.append(" or ".join(WHERE))
    for name in missing:
        others = [one for one in names if one not in KNOWN]
        near = difflib.get_close_matches(name, others, n=1, cutoff=0.6)
        faults.append(f"“{name}” is missing" + (f" (is “{near[0]}” meant for it?)" if near else ""))
    if faults:
        raise Refused("header", f"the first line must name the columns: {'; '.join(faults)}")
    return names
