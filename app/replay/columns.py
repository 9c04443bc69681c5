"""Which columns a file must have to be Shopify's export of orders, and what it is if it is not.

Called by `read_orders` when a file is opened. Columns are found by name, so their order and
additional ones do not matter; Shopify has added some every year.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from app.foundation.errors import Refused

NEEDED = (
    "Name",
    "Financial Status",
    "Fulfilled at",
    "Created at",
    "Lineitem quantity",
    "Lineitem name",
    "Lineitem fulfillment status",
    "Shipping Name",
    "Shipping Zip",
    "Shipping Province",
    "Shipping Country",
    "Note Attributes",
    "Cancelled at",
)
PHONES = ("Phone", "Shipping Phone", "Billing Phone")  # one of them at least
MOST_HEADER_BYTES = 65_536

# A column that only another of Shopify's exports has.
OTHER_EXPORTS = {
    "Handle": "products",
    "Total Spent": "customers",
    "Tracking Number": "fulfillments or inventory",
    "Gateway": "payment transactions",
    "Payout Date": "payouts",
}
HOW = (
    "In Shopify's admin choose Orders, then Export, then “CSV for Excel, Numbers, or other"
    " spreadsheet programs” or “Plain CSV file”, and give that file as it is."
)


@dataclass(frozen=True)
class Columns:
    places: dict[str, int]
    count: int
    needed_width: int  # a row that reaches this far has all that is needed

    def text(self, fields: Sequence[str], column: str) -> str:
        place = self.places.get(column)
        return fields[place].strip() if place is not None and place < len(fields) else ""

    def misfit(self, fields: Sequence[str]) -> str:
        """Why a row cannot belong under this header, or empty.

        Spreadsheets leave trailing empty cells out, so a row may be a little short.
        """
        if self.needed_width <= len(fields) <= self.count:
            return ""
        what = "was cut off" if len(fields) < self.count else "has a stray comma or quotation mark"
        return (
            f"{len(fields)} fields where the header has {self.count}: the line {what};"
            " export the orders again"
        )


def read_header(file: BinaryIO, path: Path) -> tuple[Columns, int, int]:
    """The columns, and where the first row begins: its offset in bytes and its line.

    Raises Refused (`wrong_file`) saying what the file is instead, or what it lacks.
    """
    raw = file.readline(MOST_HEADER_BYTES)
    start = raw[:4]
    if not raw.strip():
        raise _wrong(path, "is empty")
    if start.startswith(b"PK"):
        raise _wrong(path, "is a spreadsheet or ZIP archive, no CSV: unpack it first")
    if start[:2] in (b"\xff\xfe", b"\xfe\xff") or b"\0" in raw:
        raise _wrong(path, "is no UTF-8 text")
    try:
        header = raw.decode("utf-8-sig")
        names = [name.strip() for name in next(csv.reader([header], strict=True))]
    except (UnicodeDecodeError, csv.Error, StopIteration):
        raise _wrong(path, "does not begin with a line of column names") from None
    if len(names) < 3 and max(header.count(";"), header.count("\t")) > 5:
        raise _wrong(
            path, "has semicolons or tabs between its fields: a spreadsheet has rewritten it"
        )
    for column, kind in OTHER_EXPORTS.items():
        if column in names and "Lineitem name" not in names:
            raise _wrong(path, f"looks like Shopify's export of {kind}, not of orders")
    missing = [name for name in NEEDED if name not in names]
    if not any(name in names for name in PHONES):
        missing.append(" or ".join(PHONES))
    if missing:
        raise _wrong(path, f"lacks the columns {', '.join(missing)}")
    places = {name: place for place, name in reversed(list(enumerate(names)))}
    width = 1 + max(places[name] for name in NEEDED)
    return Columns(places, len(names), width), len(raw), 2


def _wrong(path: Path, what: str) -> Refused:
    return Refused("wrong_file", f"{path.name}, line 1: the file {what}. {HOW}")
