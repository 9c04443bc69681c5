"""OAuth of a helpdesk in memory, for tests. Fulfils `helpdesk.ports.HelpdeskAuthorisation`.

Called by tests only. Rotates as the real ones do: refreshing kills the old pair.
"""

from __future__ import annotations

import base64
import hashlib
import itertools
from collections import deque
from datetime import timedelta
from urllib.parse import parse_qs, urlencode, urlsplit

from app.foundation.clock import Clock
from app.foundation.errors import Unknowable, VendorFailure
from app.helpdesk.ports import Disconnected, Tokens

VENDOR = "fake"
ACCESS = timedelta(minutes=30)
REFRESH = timedelta(days=30)


class FakeAuthorisation:
    """Approves whatever `approve` is called with."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._numbers = itertools.count(1)
        self._failures: deque[VendorFailure] = deque()
        self._challenges: dict[tuple[str, str], str] = {}  # (subdomain, code)
        self._refreshable: set[tuple[str, str]] = set()

    def fail_next(self, failure: VendorFailure) -> None:
        """The next token call raises `failure`. An Unknowable one was done all the same."""
        self._failures.append(failure)

    def approve(self, url: str) -> tuple[str, str]:
        """An admin says yes at this address. Returns code and state."""
        parts = urlsplit(url)
        query = parse_qs(parts.query)
        code = f"code-{next(self._numbers)}"
        subdomain = (parts.hostname or "").partition(".")[0]
        self._challenges[subdomain, code] = query["code_challenge"][0]
        return code, query["state"][0]

    def authorise_url(self, *, subdomain: str, state: str, code_challenge: str) -> str:
        query = urlencode({"state": state, "code_challenge": code_challenge})
        return f"https://{subdomain}.helpdesk.fake.invalid/approve?{query}"

    def exchange(self, *, subdomain: str, code: str, code_verifier: str) -> Tokens:
        lost = self._failure()
        challenge = self._challenges.pop((subdomain, code), None)
        digest = hashlib.sha256(code_verifier.encode()).digest()
        if challenge != base64.urlsafe_b64encode(digest).rstrip(b"=").decode():
            raise Disconnected(VENDOR, "no such code", code="invalid_grant")
        if lost:
            raise Disconnected(VENDOR, str(lost), code="code_lost")
        return self._issue(subdomain)

    def refresh(self, *, subdomain: str, refresh_token: str) -> Tokens:
        lost = self._failure()
        if (subdomain, refresh_token) not in self._refreshable:
            raise Disconnected(VENDOR, "no such refresh token", code="invalid_grant")
        self._refreshable.remove((subdomain, refresh_token))
        tokens = self._issue(subdomain)
        if lost:
            raise lost
        return tokens

    def _failure(self) -> Unknowable | None:
        failure = self._failures.popleft() if self._failures else None
        if failure is not None and not isinstance(failure, Unknowable):
            raise failure
        return failure

    def _issue(self, subdomain: str) -> Tokens:
        number, now = next(self._numbers), self._clock.now()
        self._refreshable.add((subdomain, f"refresh-{number}"))
        return Tokens(
            access_token=f"access-{number}",
            refresh_token=f"refresh-{number}",
            expires_at=now + ACCESS,
            refresh_expires_at=now + REFRESH,
            scope="read write",
        )
