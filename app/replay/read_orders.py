"""Reads the orders that Shopify's admin exports as CSV, one at a time, and names what it cannot.

Called by `timetable` (a first pass over the file) and again, order by order, when one is played:
between the two only each order's place in the file is kept, so the size of the file does not
matter. The columns are those of help.shopify.com/en/manual/fulfillment/managing-orders/
exporting-orders: one line per line item, where only an order's first line carries the order's own
fields. A broken order is reported with its line and a remedy, and the rest goes on.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

from app.foundation.errors import Refused
from app.replay.columns import Columns, read_header

_TIME = re.compile(r"(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d:\d\d) ?([+-]\d\d:?\d\d|Z|UTC)")
MOST_LINES = 900  # of one order; Shopify allows 500
EXPORT_AGAIN = "export the orders again and do not save the file with a spreadsheet in between"


@dataclass(frozen=True, slots=True)
class ExportedLine:
    name: str  # "Trail Runner Jacket - M / Pine"
    quantity: int
    price: str
    sku: str
    requires_shipping: bool
    fulfilled: bool


@dataclass(frozen=True, slots=True)
class Address:
    name: str = field(repr=False)
    street: str = field(repr=False)
    city: str
    zip: str = field(repr=False)
    province: str  # code
    country: str  # code
    phone: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class ExportedOrder:
    name: str  # "#1042"
    line: int  # in the file, where it begins
    offset: int  # in bytes
    placed_at: datetime
    fulfilled_at: datetime | None
    cancelled_at: datetime | None
    financial_status: str
    email: str = field(repr=False)
    phone: str = field(repr=False)
    currency: str
    total: str
    shipping: Address | None
    billing: Address | None
    attributes: dict[str, str] = field(repr=False)
    lines: tuple[ExportedLine, ...]


@dataclass(frozen=True, slots=True)
class Broken:
    """An order, or a line of the file, that cannot be used."""

    line: int
    order: str  # its name, or empty where even that cannot be read
    why: str

    def __str__(self) -> str:
        return f"line {self.line}{f', order {self.order}' if self.order else ''}: {self.why}"


class OrdersFile:
    """One CSV file. Raises Refused (`no_file`, `wrong_file`) when it is opened."""

    def __init__(self, path: Path) -> None:
        try:
            self._file: BinaryIO = path.open("rb")
        except OSError as error:
            raise Refused(
                "no_file", f"{path} cannot be opened: {error.strerror}. Check the path."
            ) from error
        try:
            self._columns, self._body, self._body_line = read_header(self._file, path)
        except BaseException:
            self._file.close()
            raise

    def close(self) -> None:
        self._file.close()

    def orders(self) -> Iterator[ExportedOrder | Broken]:
        """Every order in the file's own order; duplicates and orphans are Broken."""
        seen: set[str] = set()
        for found in self._grouped(self._body, self._body_line):
            if isinstance(found, ExportedOrder):
                if found.name in seen:
                    why = "this order was in the file before; only the first one is played"
                    found = Broken(found.line, found.name, why)
                else:
                    seen.add(found.name)
            yield found

    def order_at(self, offset: int, line: int) -> ExportedOrder:
        """The order that begins there, as `orders` gave it."""
        found = next(self._grouped(offset, line))
        if not isinstance(found, ExportedOrder):
            raise Refused("file_changed", f"the file changed while it was read: {found}")
        return found

    def _grouped(self, offset: int, line: int) -> Iterator[ExportedOrder | Broken]:
        """Rows put together. An order is complete when the next one begins."""
        order: _Group | None = None
        abandoned = ""  # a broken order's name: its other lines are no news
        for row in _Rows(self._file, self._columns, offset, line):
            if order is not None and row.name == order.name and not row.begins:
                order.add(row)
                continue
            if isinstance(row, _Row) and not row.begins and row.name and row.name == abandoned:
                continue
            if order is not None:
                yield order.finish()
            if isinstance(row, _Row) and row.begins and row.name:
                order, abandoned = _Group(self._columns, row), ""
            else:
                order, abandoned = None, row.name
                yield Broken(row.line, row.name, _why_orphan(row))
        if order is not None:
            yield order.finish()


@dataclass(frozen=True, slots=True)
class _Row:
    line: int
    offset: int
    name: str
    begins: bool  # an order; else it continues one
    fields: list[str]


@dataclass(frozen=True, slots=True)
class _BadRow:
    line: int
    name: str
    why: str
    begins: bool = False


class _Rows:
    """CSV rows with their place in the file; after a broken one it goes on at the next line."""

    def __init__(self, file: BinaryIO, columns: Columns, offset: int, line: int) -> None:
        self._file = file
        self._columns = columns
        self._next = (offset, line)  # where the next physical line begins
        self._after_first: tuple[int, int] | None = None
        self._first = ""

    def __iter__(self) -> Iterator[_Row | _BadRow]:
        reader = csv.reader(self._physical_lines(), strict=True)
        swallowed_to = 0  # up to here a broken row reached before we went back
        while True:
            (offset, line), self._after_first = self._next, None
            fields: list[str] = []
            try:
                fields = next(reader)
                why = self._columns.misfit(fields) if fields else ""
            except StopIteration:
                return
            except (csv.Error, UnicodeDecodeError) as error:
                why = _why_unreadable(error)
            if not why:
                if fields:
                    text = self._columns.text
                    begins = bool(text(fields, "Created at"))
                    yield _Row(line, offset, text(fields, "Name"), begins, fields)
                continue
            # Lines of a note that a broken row left behind are not worth a word each.
            if offset >= swallowed_to or self._first.count(",") > 9:
                yield _BadRow(line, self._first_field(), why)
            swallowed_to = max(swallowed_to, self._next[0])
            self._next = self._after_first or self._next
            reader = csv.reader(self._physical_lines(), strict=True)

    def _physical_lines(self) -> Iterator[str]:
        while True:
            offset, line = self._next
            self._file.seek(offset)
            raw = self._file.readline()
            if not raw:
                return
            self._next = (offset + len(raw), line + 1)
            if self._after_first is None:
                self._after_first = self._next
                self._first = raw.decode("utf-8", "replace")
            yield raw.decode("utf-8")

    def _first_field(self) -> str:
        return self._first.partition(",")[0].strip().strip('"')[:40]


def _why_orphan(row: _Row | _BadRow) -> str:
    if isinstance(row, _BadRow):
        return row.why
    if not row.name:
        return f"there is no order name in this line; {EXPORT_AGAIN}"
    return (
        "“Created at” is empty and the order's first line does not stand before this one;"
        f" {EXPORT_AGAIN}"
    )


def _why_unreadable(error: Exception) -> str:
    if isinstance(error, UnicodeDecodeError):
        return f"the text is not UTF-8; {EXPORT_AGAIN}"
    return f"a quotation mark is not closed, or the file was cut off; {EXPORT_AGAIN}"


class _Group:
    """An order while its lines come in."""

    def __init__(self, columns: Columns, first: _Row) -> None:
        self.name = first.name
        self.fault: Broken | None = None
        self._columns = columns
        self._first = first
        self._lines: list[ExportedLine] = []
        self.add(first)

    def add(self, row: _Row | _BadRow) -> None:
        if isinstance(row, _BadRow):
            self.fault = self.fault or Broken(row.line, self.name, row.why)
            return
        try:
            self._lines.append(_line(self._columns, row.fields))
            if len(self._lines) > MOST_LINES:
                raise ValueError(f"the order has more than {MOST_LINES} lines")
        except ValueError as error:
            self.fault = self.fault or Broken(row.line, self.name, str(error))

    def finish(self) -> ExportedOrder | Broken:
        if self.fault is not None:
            return self.fault
        try:
            return _order(self._columns, self.name, self._first, self._lines)
        except ValueError as error:
            return Broken(self._first.line, self.name, str(error))


def _order(
    columns: Columns, name: str, first: _Row, lines: Sequence[ExportedLine]
) -> ExportedOrder:
    def text(column: str) -> str:
        return columns.text(first.fields, column)

    placed_at = _moment("Created at", text("Created at"))
    assert placed_at is not None  # the row began an order because this is filled
    return ExportedOrder(
        name=name,
        line=first.line,
        offset=first.offset,
        placed_at=placed_at,
        fulfilled_at=_moment("Fulfilled at", text("Fulfilled at")),
        cancelled_at=_moment("Cancelled at", text("Cancelled at")),
        financial_status=text("Financial Status").lower(),
        email=text("Email"),
        phone=_unquoted(text("Phone")),
        currency=text("Currency"),
        total=text("Total"),
        shipping=_address(columns, first.fields, "Shipping"),
        billing=_address(columns, first.fields, "Billing"),
        attributes=_attributes(text("Note Attributes")),
        lines=tuple(lines),
    )


def _line(columns: Columns, fields: Sequence[str]) -> ExportedLine:
    quantity = columns.text(fields, "Lineitem quantity")
    if not (quantity.isascii() and quantity.isdigit()):
        raise ValueError(f"“Lineitem quantity” is {quantity!r} and no number; {EXPORT_AGAIN}")
    return ExportedLine(
        name=columns.text(fields, "Lineitem name"),
        quantity=int(quantity),
        price=columns.text(fields, "Lineitem price"),
        sku=columns.text(fields, "Lineitem sku"),
        requires_shipping=columns.text(fields, "Lineitem requires shipping").lower() != "false",
        fulfilled=columns.text(fields, "Lineitem fulfillment status").lower() == "fulfilled",
    )


def _address(columns: Columns, fields: Sequence[str], kind: str) -> Address | None:
    address = Address(
        name=columns.text(fields, f"{kind} Name"),
        street=columns.text(fields, f"{kind} Address1") or columns.text(fields, f"{kind} Street"),
        city=columns.text(fields, f"{kind} City"),
        zip=_unquoted(columns.text(fields, f"{kind} Zip")),
        province=columns.text(fields, f"{kind} Province"),
        country=columns.text(fields, f"{kind} Country"),
        phone=_unquoted(columns.text(fields, f"{kind} Phone")),
    )
    return address if address.country or address.zip or address.name else None


def _moment(column: str, text: str) -> datetime | None:
    """`2026-10-03 14:22:11 -0400`, as Shopify writes it."""
    if not text:
        return None
    match = _TIME.fullmatch(text)
    try:
        if match is None:
            raise ValueError
        zone = "+00:00" if match[3] in ("Z", "UTC") else match[3]
        return datetime.fromisoformat(f"{match[1]}T{match[2]}{zone}")
    except ValueError:
        raise ValueError(
            f"“{column}” is {text!r} where a time such as 2026-10-03 14:22:11 -0400 belongs;"
            f" {EXPORT_AGAIN}"
        ) from None


def _unquoted(text: str) -> str:
    """Shopify puts an apostrophe before ZIPs and phones, for spreadsheets to keep their zeros."""
    return text.removeprefix("'").strip()


def _attributes(text: str) -> dict[str, str]:
    """`name: value`, one a line."""
    pairs = (line.partition(":") for line in text.splitlines())
    return {name.strip(): value.strip() for name, colon, value in pairs if colon and name.strip()}
