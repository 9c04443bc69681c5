"""RQ doors of privacy."""

from __future__ import annotations

from app.foundation.jobs import Tools
from app.privacy import redact


def redact_customer(
    tools: Tools, *, shop_id: int, customer_id: int | None, order_ids: list[int]
) -> None:
    buyer = redact.Buyer(customer_id=customer_id, order_ids=tuple(order_ids))
    with tools.db.shop(shop_id) as session:
        keys = redact.redact_contacts(session, now=tools.clock.now(), shop_id=shop_id, buyer=buyer)
    for key in keys:
        tools.media.delete(key)


def redact_shop(tools: Tools, *, shop_id: int) -> None:
    """48 hours after an uninstall; a merchant who came back meanwhile keeps everything."""
    with tools.db.shop(shop_id) as session:
        if not redact.still_uninstalled(session, shop_id=shop_id):
            return
        keys = redact.redact_contacts(session, now=tools.clock.now(), shop_id=shop_id, buyer=None)
        redact.drop_credentials(session, shop_id=shop_id)
    for key in keys:
        tools.media.delete(key)
