"""Shopify's token endpoint in memory, for tests. Fulfils `shops.ports.TokenSource`."""

from __future__ import annotations

from collections import deque
from datetime import datetime, timedelta

from app.foundation.errors import VendorFailure
from app.shops.ports import ShopTokens, TokenDead

VENDOR = "fake"


class FakeTokenSource:
    """Issues pairs that live an hour; an uninstalled shop's are dead."""

    def __init__(self) -> None:
        self._issued = 0
        self._dead: set[str] = set()
        self._failures: deque[VendorFailure] = deque()
        self.refreshes = 0

    @property
    def next_access_token(self) -> str:
        return f"access-{self._issued + 1}"

    def uninstall(self, domain: str) -> None:
        self._dead.add(domain)

    def fail_next(self, failure: VendorFailure) -> None:
        self._failures.append(failure)

    def exchange(self, shop_domain: str, id_token: str, *, now: datetime) -> ShopTokens:
        self._dead.discard(shop_domain)
        return self._issue(now)

    def refresh(self, shop_domain: str, refresh_token: str, *, now: datetime) -> ShopTokens:
        self.refreshes += 1
        if self._failures:
            raise self._failures.popleft()
        if shop_domain in self._dead:
            raise TokenDead(VENDOR, "the shop uninstalled the app")
        return self._issue(now)

    def _issue(self, now: datetime) -> ShopTokens:
        self._issued += 1
        return ShopTokens(
            access_token=f"access-{self._issued}",
            refresh_token=f"refresh-{self._issued}",
            expires_at=now + timedelta(hours=1),
            refresh_expires_at=now + timedelta(days=90),
            scopes="read_orders,read_fulfillments",
        )
