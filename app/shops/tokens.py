"""A shop's working token, refreshed early by one refresher at a time.

No transaction stays open across the call to Shopify: a refresher takes the shop's lease
(`refreshing_until`) by compare-and-set, calls, and stores the pair. Shopify keeps the previous
refresh token usable until its replacement is used, so a lost answer loses nothing.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import sqlalchemy as sa

from app.foundation.crypto import KeyRing
from app.foundation.db import Database
from app.foundation.errors import Misconfigured
from app.foundation.outbox import Postponed
from app.shops.models import Shop, ShopToken
from app.shops.ports import ShopAccess, TokenDead, TokenSource

EARLY = timedelta(minutes=5)

TAKE_LEASE = """
UPDATE shop_tokens SET refreshing_until = now() + interval '20 seconds'
WHERE shop_id = %s AND (refreshing_until IS NULL OR refreshing_until < now())
RETURNING refresh_token, refreshing_until
"""
# Only our own: once it has run out, another may hold one.
RELEASE_LEASE = """
UPDATE shop_tokens SET refreshing_until = NULL WHERE shop_id = %s AND refreshing_until = %s
"""


class NoToken(TokenDead):
    """The shop has no token: it never opened the app, or uninstalled it."""

    def __init__(self, shop_id: int) -> None:
        super().__init__("shopify", f"shop {shop_id} has no token; open the app in its admin")


def access_to(
    db: Database, keys: KeyRing, source: TokenSource, *, now: datetime, shop_id: int
) -> ShopAccess:
    """A token good for at least some minutes. Raises NoToken, TokenDead, Temporary, Postponed."""
    with db.shop(shop_id) as session:
        row = session.execute(
            sa.select(Shop.domain, ShopToken.access_token, ShopToken.expires_at)
            .join(ShopToken, ShopToken.shop_id == Shop.id)
            .where(Shop.id == shop_id)
        ).one_or_none()
    if row is None:
        raise NoToken(shop_id)
    if row.expires_at - now > EARLY:
        return ShopAccess(shop_id, row.domain, keys.decrypt(row.access_token))
    token = _refresh(db, keys, source, now=now, shop_id=shop_id, domain=row.domain)
    return ShopAccess(shop_id, row.domain, token)


def _refresh(
    db: Database, keys: KeyRing, source: TokenSource, *, now: datetime, shop_id: int, domain: str
) -> str:
    with db.shop(shop_id) as session:
        lease = session.sql(TAKE_LEASE, shop_id).one_or_none()
    if lease is None:
        raise Postponed(1.0, "another worker is refreshing this shop's token")
    try:
        tokens = source.refresh(domain, keys.decrypt(lease.refresh_token), now=now)
    except TokenDead as error:
        if error.code == "invalid_client":
            _release(db, shop_id, lease.refreshing_until)
            # Our own key or secret is wrong: one bad deploy must not disconnect every shop.
            raise Misconfigured(
                "Shopify does not know this app: check SHOPIFY_API_KEY and SHOPIFY_API_SECRET"
            ) from error
        # Only this very pair is dead: a merchant may have opened the app meanwhile.
        with db.shop(shop_id) as session:
            session.execute(
                sa.delete(ShopToken).where(
                    ShopToken.shop_id == shop_id, ShopToken.refresh_token == lease.refresh_token
                )
            )
        raise
    except Exception:
        _release(db, shop_id, lease.refreshing_until)
        raise
    with db.shop(shop_id) as session:
        session.execute(
            sa.update(ShopToken)
            .where(ShopToken.shop_id == shop_id, ShopToken.refresh_token == lease.refresh_token)
            .values(
                access_token=keys.encrypt(tokens.access_token),
                refresh_token=keys.encrypt(tokens.refresh_token),
                expires_at=tokens.expires_at,
                refresh_expires_at=tokens.refresh_expires_at,
                refreshing_until=None,
                updated_at=now,
            )
        )
    return tokens.access_token


def _release(db: Database, shop_id: int, lease: datetime) -> None:
    """Nothing was refreshed: whoever comes next may try at once."""
    with db.shop(shop_id) as session:
        session.sql(RELEASE_LEASE, shop_id, lease)
