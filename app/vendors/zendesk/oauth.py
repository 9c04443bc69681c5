"""Connecting a Zendesk account: where to send the admin, what to do with the answer, refreshing.

Called by the connect doors and by the one refresher that holds the account's lease. Decides
nothing about accounts; state and PKCE verifier are the caller's (`app/helpdesk/connect`).

Bound by developer.zendesk.com, "OAuth tokens": a global client's access token lives 30 minutes;
refreshing kills the old access token and the old refresh token.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from app.foundation.clock import Clock
from app.foundation.errors import Misconfigured, Permanent, Unknowable
from app.helpdesk.ports import Disconnected, Tokens
from app.vendors.zendesk.client import VENDOR, ZendeskClient

# Which narrow scope covers uploads is undocumented, and photos are half of the matter.
SCOPE = "read write"
ACCESS_SECONDS = 1800
REFRESH_SECONDS = 30 * 24 * 3600


class ZendeskAuthorisation:
    """Fulfils `helpdesk.ports.HelpdeskAuthorisation`. `redirect_uri` is our callback door."""

    def __init__(
        self,
        client: ZendeskClient,
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
        """Where the shop's Zendesk admin approves us."""
        query = {
            "response_type": "code",
            "client_id": self._client_id,
            "redirect_uri": self._redirect_uri,
            "scope": SCOPE,
            "state": state,
            "code_challenge": code_challenge,
            "code_challenge_method": "S256",
        }
        return f"{self._client.address(subdomain)}/oauth/authorizations/new?{urlencode(query)}"

    def exchange(self, *, subdomain: str, code: str, code_verifier: str) -> Tokens:
        """The tokens for a code. Raises Disconnected, Temporary, Misconfigured."""
        body = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self._redirect_uri,
            "scope": SCOPE,
            "code_verifier": code_verifier,
        }
        try:
            return self._ask(subdomain, body)
        except Unknowable as error:
            # The code is spent or not; either way the admin starts again.
            raise Disconnected(VENDOR, str(error), code="code_lost") from error

    def refresh(self, *, subdomain: str, refresh_token: str) -> Tokens:
        """New tokens; the old ones are dead then. Raises Disconnected, Temporary, Unknowable."""
        return self._ask(subdomain, {"grant_type": "refresh_token", "refresh_token": refresh_token})

    def _ask(self, subdomain: str, body: dict[str, Any]) -> Tokens:
        now = self._clock.now()
        try:
            said = self._client.call(
                subdomain,
                "POST",
                "/oauth/tokens",
                body={
                    **body,
                    "client_id": self._client_id,
                    "client_secret": self._client_secret,
                    "expires_in": ACCESS_SECONDS,
                    "refresh_token_expires_in": REFRESH_SECONDS,
                },
                counted="oauth",
            )
        except Permanent as error:
            if error.code == "invalid_client":
                raise Misconfigured(
                    "Zendesk knows no such client: check ZENDESK_CLIENT_ID and"
                    " ZENDESK_CLIENT_SECRET."
                ) from error
            raise Disconnected(
                VENDOR, "authorisation refused", code=error.code, status=error.status
            ) from error
        try:
            return Tokens(
                access_token=str(said["access_token"]),
                refresh_token=str(said["refresh_token"]),
                expires_at=now + timedelta(seconds=int(said.get("expires_in") or ACCESS_SECONDS)),
                refresh_expires_at=now
                + timedelta(seconds=int(said.get("refresh_token_expires_in") or REFRESH_SECONDS)),
                scope=str(said.get("scope") or ""),
            )
        except (KeyError, TypeError, ValueError):
            raise Unknowable(VENDOR, "a token answer without tokens") from None
