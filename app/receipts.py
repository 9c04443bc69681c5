"""What follows a stored webhook, per vendor, and which of those that wait may go on.

The worker calls `work_receipt` for each. One whose shop has no token yet is marked as waiting;
the token releases it (`shops/jobs`). If the token comes between the look and the mark, nobody
would: so the worker looks once more after the mark, and the ticker every few seconds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from app.foundation.db import Database
from app.vendors.gorgias import receipts as gorgias
from app.vendors.shopify import receipts as shopify
from app.vendors.zendesk import receipts as zendesk

# Each returns False when the receipt must wait for its shop to be known.
HANDLERS: Mapping[str, Callable[..., bool]] = {
    "shopify": shopify.work,
    "zendesk": zendesk.work,
    "gorgias": gorgias.work,
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


RELEASE_KNOWN = """
UPDATE receipts SET state = 'pending', relayed_at = NULL WHERE id = ANY (ARRAY(
  SELECT r.id FROM receipts r
  JOIN shops s ON s.domain = r.owner AND s.state = 'installed'
  JOIN shop_tokens t ON t.shop_id = s.id
  WHERE r.source = 'shopify' AND r.state = 'waiting' AND r.available_at <= now()
  LIMIT 1000 FOR UPDATE OF r SKIP LOCKED))
"""


def release_known(db: Database) -> int:
    """Have the receipts worked that wait for a token which is there; returns how many."""
    with db.across_shops("receipts: their shop is known") as session:
        released = session.sql(RELEASE_KNOWN).rowcount
    if released:
        db.ring()
    return released
