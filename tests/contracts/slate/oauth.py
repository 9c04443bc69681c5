"""Slate's OAuth: an admin says yes, a code becomes tokens that do not end by themselves."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import parse_qs, urlencode, urlsplit

from app.foundation.clock import Clock
from app.helpdesk.ports import Disconnected, Tokens

LIVES = timedelta(days=1)


class SlateAuthorisation:
    """Fulfils `helpdesk.ports.HelpdeskAuthorisation`."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._codes: set[str] = set()

    def approve(self, url: str) -> tuple[str, str]:
        """An admin says yes at this address. Returns code and state."""
        self._codes.add("code-1")
        return "code-1", parse_qs(urlsplit(url).query)["state"][0]

    def authorise_url(self, *, subdomain: str, state: str, code_challenge: str) -> str:
        return f"https://{subdomain}.slate.invalid/allow?{urlencode({'state': state})}"

    def exchange(self, *, subdomain: str, code: str, code_verifier: str) -> Tokens:
        if code not in self._codes:
            raise Disconnected("slate", "no such code")
        self._codes.remove(code)
        return self.refresh(subdomain=subdomain, refresh_token="for ever")

    def refresh(self, *, subdomain: str, refresh_token: str) -> Tokens:
        return Tokens("access", refresh_token, self._clock.now() + LIVES, None)
