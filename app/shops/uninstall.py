"""The merchant removed the app: tokens are dead, nothing leaves any more.

Called by the Shopify receipts. The rows stay until Shopify asks for their redaction (48 hours
later); opening the app again brings everything back but the token.
"""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from app.foundation import audit
from app.foundation.db import Session
from app.shops.events import ShopUninstalled
from app.shops.models import Shop, ShopToken


def uninstall_shop(
    session: Session, *, now: datetime, shop: Shop, uninstalled_at: datetime | None
) -> bool:
    """False when the news is older than the present installation, and so is ignored."""
    if uninstalled_at is not None and uninstalled_at < shop.installed_at:
        return False
    session.execute(sa.delete(ShopToken).where(ShopToken.shop_id == shop.id))
    if shop.state == "uninstalled":
        return True
    shop.state, shop.uninstalled_at = "uninstalled", now
    audit.record(
        session,
        now=now,
        shop_id=shop.id,
        actor="merchant",
        action="shop.uninstalled",
        subject=f"shop:{shop.id}",
    )
    session.publish(ShopUninstalled(shop_id=shop.id, domain=shop.domain), now=now)
    return True
