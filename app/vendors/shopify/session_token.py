"""Is this the admin speaking? Checks the ID token that Shopify gives to an embedded page.

An ID token is a JWT, HS256 with the app's secret, alive for a minute
(https://shopify.dev/docs/apps/build/authentication-authorization/id-tokens). Called by the guard
of the admin's doors, with the `Authorization` header of a fetch or the `id_token` parameter of a
document load.

ShopifyAPI's `shopify.session_token` names the rules (fields, algorithm, leeway, shop domains); its
own decoder is not called, for it reads the system's clock, takes a token without `exp`, knows one
secret and fails on a missing header.

    {"iss": "https://acme-outfitters.myshopify.com/admin",
     "dest": "https://acme-outfitters.myshopify.com", "aud": "<api key>", "sub": "71200000001",
     "exp": 1795430998, "nbf": 1795430938, "iat": 1795430938, "jti": "0d9f…", "sid": "aaaa…"}
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import jwt
from shopify.session_token import ALGORITHM, LEEWAY_SECONDS, PREFIX, REQUIRED_FIELDS
from shopify.utils.shop_url import sanitize_shop_domain

from app.shops.ports import BadIdToken, IdToken, StaleIdToken

_MAX_BYTES = 8192
_REQUIRED = [*REQUIRED_FIELDS, "exp", "nbf", "iat", "aud"]
# Signature, audience and presence are PyJWT's part. Times are ours: PyJWT would read the clock.
_OPTIONS: Any = {
    "require": _REQUIRED,
    "verify_exp": False,
    "verify_nbf": False,
    "verify_iat": False,
}


@dataclass(frozen=True)
class ShopifyIdTokens:
    """Reads the tokens of one app. Fulfils `shops.ports.IdTokens`."""

    api_key: str
    secrets: tuple[str, ...] = field(repr=False)  # current first, then the one before it

    def read_header(self, header: str | None, *, now: datetime) -> IdToken:
        return read_id_token(bearer_of(header), api_key=self.api_key, secrets=self.secrets, now=now)


def bearer_of(header: str | None) -> str:
    """The token of an `Authorization` header. Raises BadIdToken without one."""
    if not header or not header.startswith(PREFIX):
        raise BadIdToken("no bearer token was sent")
    return header[len(PREFIX) :]


def read_id_token(
    token: str | None, *, api_key: str, secrets: Sequence[str], now: datetime
) -> IdToken:
    """Who speaks, if the token holds now. Raises BadIdToken, StaleIdToken.

    secrets: the app's current secret, then the one before it while a rotation settles.
    """
    claims = _signed_claims(token, api_key, [secret for secret in secrets if secret])
    shop = _shop_of(claims)
    user, session = claims["sub"], claims["sid"]
    if not isinstance(user, str) or not user.isascii() or not user.isdigit() or len(user) > 18:
        raise BadIdToken("the token names no member of staff")
    if not isinstance(session, str) or not session:
        raise BadIdToken("the token names no session")
    return IdToken(
        shop_domain=shop,
        user_id=int(user),
        session_id=session,
        expires_at=_still_valid(claims, now),
    )


def _signed_claims(token: str | None, api_key: str, secrets: Sequence[str]) -> Mapping[str, Any]:
    if not token or len(token) > _MAX_BYTES:
        raise BadIdToken("no token was sent")
    for secret in secrets:
        try:
            claims: Mapping[str, Any] = jwt.decode(
                token, secret, algorithms=[ALGORITHM], audience=api_key, options=_OPTIONS
            )
            return claims
        except jwt.InvalidSignatureError:
            continue
        # A bare ValueError is what half a surrogate pair in the token ends in.
        except (jwt.PyJWTError, ValueError) as error:
            raise BadIdToken(f"the token cannot be accepted ({type(error).__name__})") from None
    raise BadIdToken("the token is not signed with this app's secret")


def _shop_of(claims: Mapping[str, Any]) -> str:
    """The one host of issuer and destination, which must be a shop's."""
    issuer, destination = _https_host(claims["iss"]), _https_host(claims["dest"])
    if issuer is None or issuer != destination or sanitize_shop_domain(issuer) != issuer:
        raise BadIdToken("issuer and destination are not one shop")
    return issuer


def _https_host(url: object) -> str | None:
    if not isinstance(url, str):
        return None
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    return parts.netloc.lower() if parts.scheme == "https" else None


def _still_valid(claims: Mapping[str, Any], now: datetime) -> datetime:
    times = {}
    for name in ("exp", "nbf", "iat"):
        value = claims[name]
        if isinstance(value, bool) or not isinstance(value, int) or not 0 < value < 2**34:
            raise BadIdToken(f"{name} is not a time")
        times[name] = value
    at = now.timestamp()
    if at > times["exp"] + LEEWAY_SECONDS:
        raise StaleIdToken("the token has expired")
    # Shopify's clock runs seconds ahead of ours now and then. More than that is a wrong clock,
    # which a fresh token would not cure: a bounce would only come round again.
    if at < max(times["nbf"], times["iat"]) - LEEWAY_SECONDS:
        raise BadIdToken("the token is not valid yet: this server's clock may be slow")
    return datetime.fromtimestamp(times["exp"], UTC)
