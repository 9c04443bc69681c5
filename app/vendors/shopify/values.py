"""How Shopify writes ids, times and words, read leniently for both of its voices.

Called by the webhook parsers and the GraphQL adapter. Whatever cannot be read is None: Shopify
withholds protected fields and adds values without notice, and neither may stop an order.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

_MAX_ID = 2**63  # what a bigint holds


def whole(value: object) -> int | None:
    """An integer that may come as a number or as digits."""
    if isinstance(value, bool):
        return None
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 20:
        value = int(value)
    return value if isinstance(value, int) and 0 <= value < _MAX_ID else None


def number_of(gid: object) -> int | None:
    """The number in a global id: 7 of "gid://shopify/Order/7" and of "gid://shopify/X/7?a=b"."""
    if not isinstance(gid, str) or not gid.startswith("gid://shopify/"):
        return None
    return whole(gid.rpartition("/")[2].partition("?")[0])


def gid(kind: str, number: int) -> str:
    return f"gid://shopify/{kind}/{number}"


def text(value: object) -> str | None:
    """A word with something in it, without what Postgres cannot store: NUL, half a surrogate."""
    if not isinstance(value, str):
        return None
    return value.replace("\0", "").encode("utf-8", "ignore").decode().strip() or None


def word(value: object) -> str | None:
    """A status as webhooks write it, in lower case."""
    plain = text(value)
    return plain.lower() if plain else None


def moment(value: object) -> datetime | None:
    """An ISO 8601 time with its offset, in UTC."""
    if not isinstance(value, str):
        return None
    try:
        read = datetime.fromisoformat(value)
        return read.astimezone(UTC) if read.tzinfo else None
    except (ValueError, OverflowError):
        return None


def money(value: object) -> str | None:
    """An amount with two places at least: webhooks write "188.00", GraphQL "188.0"."""
    try:
        amount = Decimal(value) if isinstance(value, str) else None
    except InvalidOperation:
        return None
    if amount is None or not amount.is_finite() or abs(amount.adjusted()) > 18:
        return None
    exact = f"{amount.normalize():f}"
    return exact if len(exact.partition(".")[2]) > 2 else f"{amount:.2f}"


def record(value: object) -> Mapping[str, Any]:
    """An object's fields; none if there is no object."""
    return value if isinstance(value, Mapping) else {}


def records(value: object) -> list[Mapping[str, Any]]:
    return [one for one in value if isinstance(one, Mapping)] if isinstance(value, list) else []


def named_values(value: object, name: str) -> dict[str, str] | None:
    """[{name: "Size", "value": "M"}, …] as {"Size": "M"}; None if it is no such list."""
    if not isinstance(value, list):
        return None
    pairs = ((text(one.get(name)), text(one.get("value"))) for one in records(value))
    return {key: plain for key, plain in pairs if key and plain}


def phones(candidates: Iterable[object]) -> tuple[str, ...]:
    """The numbers as written, in their order, each once."""
    written = (text(candidate) for candidate in candidates)
    return tuple(dict.fromkeys(phone for phone in written if phone))
