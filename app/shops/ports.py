"""What shops need of Shopify's authorisation."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from app.foundation.errors import Permanent


class TokenDead(Permanent):
    """The shop's token is no longer honoured: uninstalled, or silent for 90 days."""


@dataclass(frozen=True)
class ShopAccess:
    """How to reach one shop; the token is in clear here and nowhere stored so."""

    shop_id: int
    domain: str
    access_token: str = field(repr=False)


@dataclass(frozen=True)
class ShopTokens:
    """An expiring offline token; the pair is stored and replaced together."""

    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    expires_at: datetime
    refresh_expires_at: datetime
    scopes: str


class TokenSource(Protocol):
    def exchange(self, shop_domain: str, id_token: str, *, now: datetime) -> ShopTokens:
        """An ID token of the admin for an offline token. Raises Refused, TokenDead, Temporary."""
        ...

    def refresh(self, shop_domain: str, refresh_token: str, *, now: datetime) -> ShopTokens:
        """A new pair. Raises TokenDead, Temporary."""
        ...
