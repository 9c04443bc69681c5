"""Relay connections over lists and over the search of orders."""

from __future__ import annotations

import base64
import binascii
import json
import re
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from graphql import GraphQLError

from sandbox.shopify.store import Record, Store

MOST_ITEMS = 250
COLUMNS = {
    "UPDATED_AT": "updated_at",
    "CREATED_AT": "created_at",
    "PROCESSED_AT": "created_at",
    "ID": "id",
    "ORDER_NUMBER": "id",
}
MATCHES = {"updated_at": "updated_at", "created_at": "created_at", "processed_at": "created_at"}
TERM = re.compile(r"(\w+):(>=|<=|>|<)?(?:'([^']*)'|\"([^\"]*)\"|(\S+))")


class NotEmulated(GraphQLError):
    """Shopify knows this, the emulator does not: the door answers 501 rather than pretend."""


def bad_request(message: str) -> GraphQLError:
    return GraphQLError(message, extensions={"code": "BAD_USER_INPUT"})


def cursor(value: Any) -> str:
    return base64.b64encode(json.dumps(value).encode()).decode()


def read_cursor(text: str) -> Any:
    try:
        return json.loads(base64.b64decode(text, validate=True))
    except (binascii.Error, ValueError):
        raise bad_request(f"Invalid cursor for current pagination sort: {text}") from None


def page_size(first: int | None, last: int | None) -> int:
    """How many are asked for. Raises as Shopify does when neither or too many."""
    if (first is None) == (last is None):
        raise bad_request("you must provide one of first or last")
    size = int(first if first is not None else last or 0)
    if not 0 <= size <= MOST_ITEMS:
        raise bad_request(f"the page size must be between 0 and {MOST_ITEMS}")
    return size


def connection(
    items: list[Record],
    first: int | None = None,
    last: int | None = None,
    after: str | None = None,
    before: str | None = None,
    reverse: bool = False,
) -> Record:
    """A page of a list that is all there."""
    size = page_size(first, last)
    ordered = list(enumerate(reversed(items) if reverse else items))
    start = int(read_cursor(after)) + 1 if after else 0
    end = int(read_cursor(before)) if before else len(ordered)
    window = ordered[start:end]
    page = window[:size] if first is not None else window[max(0, len(window) - size) :]
    return page_of(
        [(cursor(index), item) for index, item in page],
        more=bool(page) and page[-1][0] + 1 < len(ordered),
        earlier=bool(page) and page[0][0] > 0,
    )


def page_of(page: list[tuple[str, Record]], *, more: bool, earlier: bool) -> Record:
    return {
        "nodes": [item for _, item in page],
        "edges": [{"cursor": mark, "node": item} for mark, item in page],
        "pageInfo": {
            "hasNextPage": more,
            "hasPreviousPage": earlier,
            "startCursor": page[0][0] if page else None,
            "endCursor": page[-1][0] if page else None,
        },
    }


def search_orders(
    store: Store,
    shop: Record,
    show: Any,
    *,
    not_before: str | None,
    first: int | None = None,
    after: str | None = None,
    query: str | None = None,
    sortKey: str = "PROCESSED_AT",
    reverse: bool = False,
    **other: Any,
) -> Record:
    """`orders(first, after, query, sortKey, reverse)`; `show` makes a view of each."""
    if any(value is not None for value in other.values()) or sortKey not in COLUMNS:
        raise NotEmulated("orders: only first, after, query, reverse and the usual sort keys")
    size = page_size(first, None)
    where, values = _where(shop, query)
    if not_before is not None:
        where, values = f"{where} AND created_at >= ?", [*values, not_before]
    column, way, sign = COLUMNS[sortKey], "DESC" if reverse else "ASC", "<" if reverse else ">"
    if after:
        value, order_id = read_cursor(after)
        where = f"{where} AND ({column}, id) {sign} (?, ?)"
        values = [*values, value, order_id]
    found = store.orders(where, values, f"{column} {way}, id {way}", size + 1)
    page = [(cursor([order[column], order["id"]]), show(order)) for order in found[:size]]
    return page_of(page, more=len(found) > size, earlier=bool(after))


def _where(shop: Record, query: str | None) -> tuple[str, list[Any]]:
    """SQL for a search such as `updated_at:>'2026-11-01T00:00:00Z' name:#1042`."""
    where, values = ["shop = ?"], [shop["domain"]]
    rest = TERM.sub("", query or "").replace("AND", "").strip()
    if rest:
        raise NotEmulated(f"the search {rest!r}")
    for name, comparison, single, double, bare in TERM.findall(query or ""):
        value = single or double or bare
        if name in MATCHES:
            where.append(f"{MATCHES[name]} {comparison or '='} ?")
            values.append(_moment(value, shop))
        elif name == "name" and not comparison:
            where.append("name = ?")
            values.append(value if value.startswith("#") else f"#{value}")
        elif name == "id":
            where.append(f"id {comparison or '='} ?")
            values.append(int(value))
        elif (name, value) != ("status", "any"):
            raise NotEmulated(f"the search term {name}:{value}")
    return " AND ".join(where), values


def _moment(text: str, shop: Record) -> str:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise bad_request(f"not a date: {text}") from None
    if moment.tzinfo is None:  # a bare date is the shop's own
        moment = moment.replace(tzinfo=ZoneInfo(shop["timezone"]))
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
