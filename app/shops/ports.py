"""What shops need of Shopify: who speaks, and tokens to speak back."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from app.foundation.errors import Permanent, Refused


class TokenDead(Permanent):
    """The shop's token is no longer honoured: uninstalled, or silent for 90 days."""


class BadIdToken(Refused):
    """Not a token of this app's admin; no retry will help."""

    def __init__(self, text: str, *, reason: str = "bad_id_token") -> None:
        super().__init__(reason, text)


class StaleIdToken(BadIdToken):
    """It was one, but its minute is over. A fetch is answered with 401 and the header
    `X-Shopify-Retry-Invalid-Session-Request: 1`, a document load with the bounce page."""

    def __init__(self, text: str) -> None:
        super().__init__(text, reason="stale_id_token")


@dataclass(frozen=True)
class IdToken:
    """Who speaks out of Shopify's admin."""

    shop_domain: str  # acme-outfitters.myshopify.com
    user_id: int  # the member of staff
    session_id: str
    expires_at: datetime


class IdTokens(Protocol):
    def read_header(self, header: str | None, *, now: datetime) -> IdToken:
        """Who sent this `Authorization` header. Raises BadIdToken, StaleIdToken."""
        ...


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
