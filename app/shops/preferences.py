"""What the merchant chose, made with the product's advice when a shop is first seen."""

from __future__ import annotations

import sqlalchemy as sa

from app.foundation.db import Session
from app.shops.models import Shop, ShopPreferences


def preferences_of(session: Session, shop_id: int) -> ShopPreferences:
    return session.scalars(
        sa.select(ShopPreferences).where(ShopPreferences.shop_id == shop_id)
    ).one()


def shop_by_domain(session: Session, domain: str) -> Shop | None:
    """The shop of this domain, installed or not. Needs no shop's scope: `shops` is not under
    row-level security."""
    return session.scalars(sa.select(Shop).where(Shop.domain == domain)).one_or_none()
