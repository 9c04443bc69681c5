"""Connecting a Zendesk account: where to send the admin, what to do with the answer, refreshing.

Called by the connect doors and by the one refresher that holds the account's lock. Decides
nothing about accounts. The state that travels through the admin's browser is signed, names the
shop and the subdomain, and lives ten minutes; the PKCE verifier never leaves us, for it is
derived anew from the state's nonce.

Bound by developer.zendesk.com, "OAuth tokens": a global client's access token lives 30 minutes;
refreshing kills the old access token and the old refresh token.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from itsdangerous import BadData, URLSafeSerializer

from app.foundation.clock import Clock
from app.foundation.errors import Misconfigured, Permanent, Refused, Unknowable
from app.helpdesk.ports import Disconnected, Tokens
from app.vendors.zendesk.client import VENDOR, ZendeskClient

# Which narrow scope covers uploads is undocumented, and photos are half of the matter.
SCOPE = "read write"
ACCESS_SECONDS = 1800
REFRESH_SECONDS = 30 * 24 * 3600
STATE_LIFE = timedelta(minutes=10)


@dataclass(frozen=True)
class ConnectRequest:
    """What goes to Zendesk with the admin. `nonce` also goes into the admin's cookie."""

    state: str
    nonce: str
    code_challenge: str


@dataclass(frozen=True)
class ConnectReturn:
    """What the state says when the admin comes back."""

    shop_id: int
    subdomain: str
    nonce: str
    code_verifier: str = field(repr=False)


class ConnectStates:
    """Issues and reads the states of one installation."""

    def __init__(self, signing_key: str) -> None:
        self._key = signing_key.encode()
        self._signer = URLSafeSerializer(signing_key, salt="zendesk connect")

    def issue(self, *, shop_id: int, subdomain: str, now: datetime) -> ConnectRequest:
        """A state for this shop and account, with the challenge that belongs to it."""
        nonce = secrets.token_urlsafe(24)
        state = self._signer.dumps([shop_id, subdomain, nonce, int(now.timestamp())])
        digest = hashlib.sha256(self._verifier(nonce).encode()).digest()
        return ConnectRequest(
            state=state if isinstance(state, str) else state.decode(),
            nonce=nonce,
            code_challenge=_base64(digest),
        )

    def read(self, state: str, *, now: datetime) -> ConnectReturn:
        """Raises Refused: forged_state, late_state."""
        try:
            shop_id, subdomain, nonce, issued = self._signer.loads(state)
        except (BadData, ValueError, TypeError):
            raise Refused("forged_state", "This sign-in was not started here.") from None
        if not 0 <= now.timestamp() - issued <= STATE_LIFE.total_seconds():
            raise Refused("late_state", "This sign-in took too long; please start again.")
        return ConnectReturn(shop_id, subdomain, nonce, self._verifier(nonce))

    def _verifier(self, nonce: str) -> str:
        return _base64(hmac.digest(self._key, b"zendesk pkce:" + nonce.encode(), "sha256"))


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


def _base64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
