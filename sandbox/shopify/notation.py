"""How Shopify writes ids and moments."""

from __future__ import annotations

import re
from datetime import datetime
from zoneinfo import ZoneInfo

from sandbox.shopify.store import Record


def gid(kind: str, number: int | str) -> str:
    """`gid://shopify/Order/123`."""
    return f"gid://shopify/{kind}/{number}"


def local(stamp: str | None, shop: Record) -> str | None:
    """A kept moment as webhooks show it: in the shop's own zone."""
    if stamp is None:
        return None
    moment = datetime.fromisoformat(stamp)
    return moment.astimezone(ZoneInfo(shop["timezone"])).isoformat(timespec="seconds")


def number(global_id: str, kind: str) -> int | None:
    """The number in a gid of this kind, None for a gid of any other."""
    match = re.fullmatch(rf"gid://shopify/{kind}/(\d+)", global_id)
    return int(match[1]) if match else None
