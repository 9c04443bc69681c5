"""A merchant opened the app: the shop exists, has a token, and may work.

Managed installation calls nobody at install time; the first page load is the first contact,
and webhooks may have come before it. Called by `shops/api` after the ID token was checked.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from app.foundation import audit
from app.foundation.crypto import KeyRing
from app.foundation.db import Session
from app.shops.events import ShopInstalled
from app.shops.models import Shop, ShopPreferences, ShopToken
from app.shops.ports import ShopTokens

EARLY = timedelta(minutes=5)


def known_shop(session: Session, *, now: datetime, domain: str) -> Shop:
    """The shop's row, made at the first sight of the domain."""
    session.execute(
        insert(Shop)
        .values(domain=domain, name=domain.split(".")[0], state="installed", installed_at=now)
        .on_conflict_do_nothing(index_elements=["domain"])
    )
    shop = session.scalars(sa.select(Shop).where(Shop.domain == domain).with_for_update()).one()
    session.execute(insert(ShopPreferences).values(shop_id=shop.id).on_conflict_do_nothing())
    return shop


def needs_token(session: Session, *, now: datetime, domain: str) -> bool:
    """Whether a page load must exchange its ID token: no shop, no token, or a dying one."""
    row = session.execute(
        sa.select(Shop.state, ShopToken.refresh_expires_at)
        .join(ShopToken, ShopToken.shop_id == Shop.id, isouter=True)
        .where(Shop.domain == domain)
    ).one_or_none()
    if row is None or row.state != "installed" or row.refresh_expires_at is None:
        return True
    return bool(row.refresh_expires_at < now + timedelta(days=30))


def store_tokens(
    session: Session, *, now: datetime, shop: Shop, tokens: ShopTokens, keys: KeyRing
) -> None:
    """Store the pair in one statement, and let everything that waited for it go on."""
    back = shop.state != "installed"
    if back:
        shop.state, shop.installed_at, shop.uninstalled_at = "installed", now, None
    shop.scopes = tokens.scopes
    values = {
        "access_token": keys.encrypt(tokens.access_token),
        "refresh_token": keys.encrypt(tokens.refresh_token),
        "expires_at": tokens.expires_at,
        "refresh_expires_at": tokens.refresh_expires_at,
        "updated_at": now,
    }
    session.execute(
        insert(ShopToken)
        .values(shop_id=shop.id, **values)
        .on_conflict_do_update(index_elements=["shop_id"], set_=values)
    )
    audit.record(
        session,
        now=now,
        shop_id=shop.id,
        actor="merchant",
        action="shop.installed_again" if back else "shop.token_stored",
        subject=f"shop:{shop.id}",
    )
    session.publish(ShopInstalled(shop_id=shop.id, domain=shop.domain), now=now)
