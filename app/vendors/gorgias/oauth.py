"""Connecting a Gorgias account: where to send the admin, what to do with the answer, refreshing.

Called by the connect doors and by the one refresher that holds the account's lease. Decides
nothing about accounts; the state is the caller's (`app/helpdesk/connect`).

Bound by developers.gorgias.com, "OAuth2 authentication": Basic client credentials; the access
token is a JWT that lives a day and says so itself (`expires_in` came back as 0 in Gorgias's own
sample); the refresh token neither ends nor changes. PKCE is not documented, so the challenge goes
as the `nonce`, which OpenID Connect gives back inside the ID token. That token comes over TLS from
Gorgias itself, so its signature is not looked at (OpenID Connect Core 3.1.3.7, item 6).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from app.foundation.clock import Clock
from app.foundation.errors import Misconfigured, Permanent, Unknowable
from app.helpdesk.ports import Disconnected, Tokens
from app.vendors.gorgias.client import VENDOR, GorgiasClient

SCOPE = (
    "openid email profile offline tickets:read tickets:write customers:read customers:write"
    " users:read integrations:read integrations:write"
)
# Where a token says no end of its own; refreshing sooner than needed costs nothing here.
UNSAID = timedelta(hours=1)


class GorgiasAuthorisation:
    """Fulfils `helpdesk.ports.HelpdeskAuthorisation`. `redirect_uri` is our callback door."""

    def __init__(
        self,
        client: GorgiasClient,
        *,
        client_id: str,
        client_secret: str,
        redirect_uri: str,
        clock: Clock,
    ) -> None:
        self._client = client
        self._client_id = client_id
        self._client_secret = client_secret
        self._redirect_uri = redirect_uri
        self._clock = clock

    def authorise_url(self, *, subdomain: str, state: str, code_challenge: str) -> str:
        """Where the shop's Gorgias admin approves us."""
        query = {
            "response_type": "code",
            "client_id": self._client_id,
            "scope": SCOPE,
            "redirect_uri": self._back_to(subdomain),
            "state": state,
            "nonce": code_challenge,
        }
        return f"{self._client.address(subdomain)}/oauth/authorize?{urlencode(query)}"

    def exchange(self, *, subdomain: str, code: str, code_verifier: str) -> Tokens:
        """The tokens for a code. Raises Disconnected, Temporary, Misconfigured."""
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self._back_to(subdomain),
        }
        try:
            said = self._ask(subdomain, form)
            tokens = self._tokens(said, str(said["refresh_token"]))
        except Unknowable as error:
            # The code is spent or not; either way the admin starts again.
            raise Disconnected(VENDOR, str(error), code="code_lost") from error
        except (KeyError, TypeError):
            raise Disconnected(VENDOR, "no refresh token was given", code="no_refresh") from None
        # One that is told must be ours. Where none is told, state and cookie still hold.
        nonce = claims_of(said.get("id_token")).get("nonce")
        if nonce is not None and not hmac.compare_digest(
            str(nonce).encode(), _challenge(code_verifier).encode()
        ):
            raise Disconnected(VENDOR, "the sign-in is another's", code="bad_nonce")
        return tokens

    def refresh(self, *, subdomain: str, refresh_token: str) -> Tokens:
        """A new access token beside the same refresh token. Raises Disconnected, Temporary,
        Unknowable."""
        form = {"grant_type": "refresh_token", "refresh_token": refresh_token}
        said = self._ask(subdomain, form)
        try:
            return self._tokens(said, str(said.get("refresh_token") or refresh_token))
        except (KeyError, TypeError, AttributeError):
            raise Unknowable(VENDOR, "a token answer without tokens") from None

    def _ask(self, subdomain: str, form: Mapping[str, str]) -> Any:
        try:
            return self._client.call(
                subdomain,
                "POST",
                "/oauth/token",
                form=form,
                basic=(self._client_id, self._client_secret),
            )
        except Permanent as error:
            if error.code == "invalid_client":
                raise Misconfigured(
                    "Gorgias knows no such client: check GORGIAS_CLIENT_ID and"
                    " GORGIAS_CLIENT_SECRET."
                ) from error
            raise Disconnected(
                VENDOR, "authorisation refused", code=error.code, status=error.status
            ) from error

    def _tokens(self, said: Any, refresh_token: str) -> Tokens:
        access_token = str(said["access_token"])
        return Tokens(
            access_token=access_token,
            refresh_token=refresh_token,
            expires_at=self._end_of(access_token, said.get("expires_in")),
            refresh_expires_at=None,
            scope=str(said.get("scope") or ""),
        )

    def _end_of(self, access_token: str, expires_in: Any) -> datetime:
        end = claims_of(access_token).get("exp")
        if isinstance(end, int | float) and 0 < end < 1e11:
            return datetime.fromtimestamp(end, UTC)
        if isinstance(expires_in, int) and 0 < expires_in < 1e9:
            return self._clock.now() + timedelta(seconds=expires_in)
        return self._clock.now() + UNSAID

    def _back_to(self, subdomain: str) -> str:
        """Gorgias's own guide carries the account in the redirect address."""
        return f"{self._redirect_uri}?{urlencode({'account': subdomain})}"


def claims_of(token: object) -> Mapping[str, Any]:
    """What a JWT says, unverified; nothing where it is none."""
    parts = str(token or "").split(".")
    if len(parts) != 3:
        return {}
    try:
        said = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (ValueError, RecursionError):
        return {}
    return said if isinstance(said, dict) else {}


def _challenge(verifier: str) -> str:
    digest = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
