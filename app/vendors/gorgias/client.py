"""The line to Gorgias: one HTTP exchange, and what its failure means.

Called by this folder only. Decides which failures leave a request certainly undone (`Temporary`,
`Permanent`) and which do not (`Unknowable`): no connection and 429 are certain; a read time-out, a
5xx or a cut line is not, unless the request may be repeated (a GET, a DELETE, or one that says the
same however often it is made), which is tried once more at once.

A 401 is `Temporary`: another process may have refreshed the token a moment ago, so the job is made
again with the stored one. Whether the grant is really gone, only refreshing tells.

Bound by developers.gorgias.com, "Errors" and "Rate limits".
"""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Mapping, Sequence
from typing import Any

import httpx

from app.foundation.clock import Clock
from app.foundation.errors import Permanent, Temporary, Unknowable
from app.helpdesk.ports import TicketFile
from app.vendors.gorgias.limits import Waits, retry_after

VENDOR = "gorgias"
TIMEOUTS = httpx.Timeout(connect=3.0, read=15.0, write=15.0, pool=5.0)
# A connection that lay idle longer is not used again: the far end may be closing it just now.
POOL = httpx.Limits(max_connections=32, max_keepalive_connections=16, keepalive_expiry=10.0)
ACCESS_TOKEN_REFUSED = "access_token_refused"
LINE_BROKE = "line_broke"

_SUBDOMAIN = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")


class GorgiasClient:
    """Safe to share between threads, and to build before a fork.

    `base_url` is a template with `{subdomain}`; `clock` only times the waits for rate limits.
    """

    def __init__(self, *, base_url: str, clock: Clock) -> None:
        self._base_url = base_url.rstrip("/")
        self._clock = clock
        self._waits = Waits()
        self._lock = threading.Lock()
        self._lines: tuple[int, httpx.Client] | None = None

    def address(self, subdomain: str) -> str:
        """Where this account answers. Raises Permanent for what cannot be a subdomain."""
        if not _SUBDOMAIN.fullmatch(subdomain):
            raise Permanent(VENDOR, "not a Gorgias subdomain", code="bad_subdomain")
        return self._base_url.format(subdomain=subdomain)

    def lines(self) -> httpx.Client:
        """This process's connections; a forked child must not share its parent's sockets."""
        with self._lock:
            if self._lines is None or self._lines[0] != os.getpid():
                client = httpx.Client(
                    timeout=TIMEOUTS, limits=POOL, follow_redirects=False, trust_env=False
                )
                self._lines = (os.getpid(), client)
            return self._lines[1]

    def call(
        self,
        subdomain: str,
        method: str,
        path: str,
        *,
        token: str = "",
        body: Mapping[str, Any] | None = None,
        form: Mapping[str, str] | None = None,
        files: Sequence[TicketFile] = (),
        basic: tuple[str, str] | None = None,
        params: Mapping[str, str] | None = None,
        repeatable: bool | None = None,
    ) -> Any:
        """One exchange; the answer's JSON, or None where it is empty.

        `repeatable` says that making it twice is as good as once; by default for GET and DELETE.
        Raises Temporary, Permanent, Unknowable.
        """
        twice = method in ("GET", "DELETE") if repeatable is None else repeatable
        wait = self._waits.seconds_left(subdomain, self._clock.now())
        if wait > 0:
            raise Temporary(VENDOR, "rate limited", code="waiting", status=429, retry_after=wait)
        parts = [("file", (one.filename, one.content, one.content_type)) for one in files]
        request = self.lines().build_request(
            method,
            f"{self.address(subdomain)}{path}",
            json=body,
            data=form,
            files=parts or None,
            params=params,
            headers={
                "Accept": "application/json",
                **({"Authorization": f"Bearer {token}"} if token else {}),
            },
        )
        auth = httpx.BasicAuth(*basic) if basic else None
        try:
            answer = self._exchange(request, auth)
        except Unknowable:
            if not twice:
                raise
            return self._once_more(subdomain, request, auth)
        return self._settled(subdomain, answer, repeatable=twice)

    def _once_more(
        self, subdomain: str, request: httpx.Request, auth: httpx.BasicAuth | None
    ) -> Any:
        """The second try of what may be repeated."""
        try:
            return self._settled(subdomain, self._exchange(request, auth), repeatable=True)
        except Unknowable as error:
            raise Temporary(VENDOR, "the line broke twice", code=LINE_BROKE) from error

    def _exchange(self, request: httpx.Request, auth: httpx.BasicAuth | None) -> httpx.Response:
        try:
            return self.lines().send(request, auth=auth)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            kind = type(error).__name__
            raise Temporary(VENDOR, f"no connection ({kind})", code="no_connection") from None
        except httpx.HTTPError as error:
            # The exception's own text may hold the address, so only its kind is told.
            kind = type(error).__name__
            raise Unknowable(
                VENDOR, f"the line broke after the request was sent ({kind})"
            ) from None

    def _settled(self, subdomain: str, answer: httpx.Response, *, repeatable: bool) -> Any:
        """The JSON of a good answer; raises for any other."""
        status, headers = answer.status_code, answer.headers
        self._waits.learn(subdomain, status, headers, self._clock.now())
        if 200 <= status < 300:
            return _json(answer, repeatable=repeatable)
        code = _code(answer)
        if status == 401 and answer.request.headers.get("Authorization", "").startswith("Bearer"):
            raise Temporary(
                VENDOR,
                "access token refused",
                code=ACCESS_TOKEN_REFUSED,
                status=status,
                retry_after=2,
            )
        unsettled = status >= 500 or status == 408
        if status == 429 or (unsettled and repeatable):
            wait = retry_after(headers)
            raise Temporary(VENDOR, f"HTTP {status}", code=code, status=status, retry_after=wait)
        if unsettled:
            raise Unknowable(VENDOR, f"HTTP {status}", code=code, status=status)
        raise Permanent(VENDOR, f"HTTP {status} {code}".strip(), code=code, status=status)


def _json(answer: httpx.Response, *, repeatable: bool) -> Any:
    if not answer.content:
        return None
    try:
        return answer.json()
    except ValueError:
        # A good status with a page instead of JSON: some proxy answered, not the API.
        kind = Temporary if repeatable else Unknowable
        raise kind(VENDOR, "the answer is no JSON", code=LINE_BROKE) from None


def _code(answer: httpx.Response) -> str:
    """The token endpoint's word for the error; the API itself only has sentences for people."""
    try:
        said = answer.json()
    except ValueError:
        return ""
    error = said.get("error") if isinstance(said, dict) else None
    return error if isinstance(error, str) else ""
