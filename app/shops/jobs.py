"""RQ doors of shops."""

from __future__ import annotations

from app.foundation.inbox import release_waiting
from app.foundation.jobs import Tools


def settle_in(tools: Tools, *, shop_id: int, domain: str) -> None:
    """The shop has a token now: work the webhooks that came before it."""
    release_waiting(tools.db, source="shopify", owner=domain)
