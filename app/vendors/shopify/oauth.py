"""Expiring offline tokens: an ID token exchanged for a pair, a pair refreshed for the next.

Called by the embedded page load (`exchange`, the one vendor call that a request may wait for,
hence the short time-outs) and by the shop's locked refresher (`refresh`). Public apps must use
expiring tokens since April 2026; the access token lives for an hour, the refresh token for 90 days
(https://shopify.dev/docs/apps/build/authentication-authorization/access-tokens).

Both calls may be repeated after a broken line, which is why they end as Temporary and never as
Unknowable: an ID token can be exchanged again, and a refresh token stays usable until the pair
that replaced it is used for the first time (Shopify, 28 August 2026).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import httpx

from app.foundation.errors import Permanent, Temporary
from app.shops.ports import ShopTokens, StaleIdToken, TokenDead
from app.vendors.shopify.client import USER_AGENT, VENDOR, refuse_status, shop_url
from app.vendors.shopify.values import record, text, whole

TIMEOUTS = httpx.Timeout(5.0, connect=2.0)
# An answer without `expires_in` was seen in production; to store "never" would end refreshing.
ACCESS_SECONDS = 3600
REFRESH_SECONDS = 7_776_000

_GRANT = "urn:ietf:params:oauth:grant-type:token-exchange"
_ID_TOKEN = "urn:ietf:params:oauth:token-type:id_token"
_OFFLINE = "urn:shopify:params:oauth:token-type:offline-access-token"

# The shop no longer honours what we hold: uninstalled, or silent for longer than 90 days.
# `invalid_client` also means that the app's own key or secret is wrong.
_DEAD = ("invalid_client", "invalid_grant", "unauthorized_client")


class ShopifyTokenSource:
    """Safe to share between threads and across a fork: each call opens its own line, as a shop
    asks no more than once an hour."""

    def __init__(self, *, base_url: str, api_key: str, api_secret: str) -> None:
        self._base_url = base_url
        self._credentials = {"client_id": api_key, "client_secret": api_secret}

    def exchange(self, shop_domain: str, id_token: str, *, now: datetime) -> ShopTokens:
        """An offline pair for an ID token of the admin, checked before by `read_id_token`.

        Raises StaleIdToken (fetch a fresh one), TokenDead, Temporary, Permanent.
        """
        return self._ask(
            shop_domain,
            {
                "grant_type": _GRANT,
                "subject_token": id_token,
                "subject_token_type": _ID_TOKEN,
                "requested_token_type": _OFFLINE,
                "expiring": 1,
            },
            now,
        )

    def refresh(self, shop_domain: str, refresh_token: str, *, now: datetime) -> ShopTokens:
        """The next pair, to be stored whole. Raises TokenDead, Temporary, Permanent."""
        return self._ask(
            shop_domain, {"grant_type": "refresh_token", "refresh_token": refresh_token}, now
        )

    def _ask(self, shop_domain: str, grant: Mapping[str, Any], now: datetime) -> ShopTokens:
        url = f"{shop_url(self._base_url, shop_domain)}/admin/oauth/access_token"
        try:
            response = httpx.post(
                url,
                json={**self._credentials, **grant},
                headers={"User-Agent": USER_AGENT, "Accept": "application/json"},
                timeout=TIMEOUTS,
            )
        except httpx.HTTPError as error:
            kind = type(error).__name__
            raise Temporary(VENDOR, f"the line broke ({kind})", code="line_broke") from None
        body = _body(response)
        error_code = text(body.get("error")) or ""
        if error_code == "invalid_subject_token":
            raise StaleIdToken("Shopify did not accept the token any more")
        if error_code in _DEAD:
            raise TokenDead(
                VENDOR, "the shop honours no token", code=error_code, status=response.status_code
            )
        refuse_status(response, lost=Temporary(VENDOR, f"HTTP {response.status_code}"))
        return _tokens(body, now)


def _body(response: httpx.Response) -> Mapping[str, Any]:
    try:
        return record(response.json())
    except ValueError:
        if response.is_success:
            raise Temporary(VENDOR, "the answer is no JSON", code="bad_answer") from None
        return {}


def _tokens(body: Mapping[str, Any], now: datetime) -> ShopTokens:
    access, refresh = text(body.get("access_token")), text(body.get("refresh_token"))
    if not access or not refresh:
        raise Permanent(VENDOR, "the answer lacks a token", code="bad_answer")
    lives = whole(body.get("expires_in")) or ACCESS_SECONDS
    refreshable = whole(body.get("refresh_token_expires_in")) or REFRESH_SECONDS
    return ShopTokens(
        access_token=access,
        refresh_token=refresh,
        expires_at=now + timedelta(seconds=min(lives, REFRESH_SECONDS)),
        refresh_expires_at=now + timedelta(seconds=min(refreshable, REFRESH_SECONDS)),
        scopes=text(body.get("scope")) or "",
    )
