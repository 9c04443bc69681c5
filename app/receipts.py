"""What follows a stored webhook, per vendor. The worker calls `work_receipt` for each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from app.vendors.shopify import receipts as shopify
from app.vendors.zendesk import receipts as zendesk

# Each returns False when the receipt must wait for its shop to be known.
HANDLERS: Mapping[str, Callable[..., bool]] = {
    "shopify": shopify.work,
    "zendesk": zendesk.work,
}


def work_receipt(
    ports: Any,
    *,
    source: str,
    topic: str,
    owner: str,
    body: bytes,
    receipt_id: int,
    occurred_at: datetime | None,
) -> bool:
    """True when done, False when it waits. Raises what the worker retries or shows."""
    return HANDLERS[source](
        ports,
        topic=topic,
        owner=owner,
        body=body,
        receipt_id=receipt_id,
        occurred_at=occurred_at,
    )
