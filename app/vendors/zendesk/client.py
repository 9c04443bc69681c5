"""The line to Zendesk: one HTTP exchange, and what its failure means.

Called by `helpdesk` and `oauth` only. Decides which failures leave a request certainly undone
(`Temporary`, `Permanent`) and which do not (`Unknowable`): no connection, 409 and 429 are certain;
a read time-out, a 5xx or a cut line is not, unless the request may be repeated (a GET, a DELETE,
or one that says the same however often it is made), which is tried once more at once.

A 401 is `Temporary`: another process may have refreshed the tokens a moment ago, so the job is
made again with the stored ones. Whether the grant is really gone, only refreshing tells.

Bound by developer.zendesk.com: marketplace apps name themselves on every call; Retry-After.
"""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx

from app.foundation.clock import Clock
from app.foundation.errors import Permanent, Temporary, Unknowable
from app.vendors.zendesk.limits import Waits, retry_after

VENDOR = "zendesk"
TIMEOUTS = httpx.Timeout(connect=3.0, read=15.0, write=15.0, pool=5.0)
# A connection that lay idle longer is not used again: the far end may be closing it just now, and
# a comment that meets the closing line would be Unknowable for nothing.
POOL = httpx.Limits(max_connections=32, max_keepalive_connections=16, keepalive_expiry=10.0)
ACCESS_TOKEN_REFUSED = "access_token_refused"
LINE_BROKE = "line_broke"

_SUBDOMAIN = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")


@dataclass(frozen=True)
class MarketplaceApp:
    """How our app is known to Zendesk's marketplace; sent on every call."""

    organization_id: str
    app_id: str
    name: str = "Doorstep"

    def headers(self) -> dict[str, str]:
        return {
            "X-Zendesk-Marketplace-Name": self.name,
            "X-Zendesk-Marketplace-Organization-Id": self.organization_id,
            "X-Zendesk-Marketplace-App-Id": self.app_id,
        }


class ZendeskClient:
    """Safe to share between threads, and to build before a fork.

    `base_url` is a template with `{subdomain}`; `clock` only times the waits for rate limits.
    """

    def __init__(self, *, base_url: str, app: MarketplaceApp, clock: Clock) -> None:
        self._base_url = base_url.rstrip("/")
        self.app_headers = app.headers()
        self._headers = {"Accept": "application/json", **self.app_headers}
        self._clock = clock
        self._waits = Waits()
        self._lock = threading.Lock()
        self._lines: tuple[int, httpx.Client] | None = None

    def address(self, subdomain: str) -> str:
        """Where this account answers. Raises Permanent for what cannot be a subdomain."""
        if not _SUBDOMAIN.fullmatch(subdomain):
            raise Permanent(VENDOR, "not a Zendesk subdomain", code="bad_subdomain")
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
        content: bytes | None = None,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        counted: str = "",
        repeatable: bool | None = None,
    ) -> Any:
        """One exchange; the answer's JSON, or None where it is empty.

        `counted` names the limit beside the account's that this request counts against.
        `repeatable` says that making it twice is as good as once; by default for GET and DELETE.
        Raises Temporary, Permanent, Unknowable.
        """
        twice = method in ("GET", "DELETE") if repeatable is None else repeatable
        wait = self._waits.seconds_left(subdomain, counted, self._clock.now())
        if wait > 0:
            raise Temporary(VENDOR, "rate limited", code="waiting", status=429, retry_after=wait)
        request = self.lines().build_request(
            method,
            f"{self.address(subdomain)}{path}",
            json=body,
            content=content,
            params=params,
            headers={
                **self._headers,
                **({"Authorization": f"Bearer {token}"} if token else {}),
                **(headers or {}),
            },
        )
        try:
            answer = self._exchange(request)
        except Unknowable:
            if not twice:
                raise
            return self._once_more(subdomain, counted, request)
        return self._settled(subdomain, counted, answer, repeatable=twice)

    def _once_more(self, subdomain: str, counted: str, request: httpx.Request) -> Any:
        """The second try. Whatever hinders it, the first may have been done: `line_broke`."""
        try:
            answer = self._exchange(request)
            return self._settled(subdomain, counted, answer, repeatable=True)
        except Unknowable as error:
            raise Temporary(VENDOR, "the line broke twice", code=LINE_BROKE) from error
        except Temporary as error:
            raise Temporary(
                VENDOR,
                "the line broke, and then again no answer",
                code=LINE_BROKE,
                status=error.status,
                retry_after=error.retry_after,
            ) from error

    def _exchange(self, request: httpx.Request) -> httpx.Response:
        try:
            return self.lines().send(request)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            kind = type(error).__name__
            raise Temporary(VENDOR, f"no connection ({kind})", code="no_connection") from None
        except httpx.HTTPError as error:
            # The exception's own text may hold the address, so only its kind is told.
            kind = type(error).__name__
            raise Unknowable(
                VENDOR, f"the line broke after the request was sent ({kind})"
            ) from None

    def _settled(
        self, subdomain: str, counted: str, answer: httpx.Response, *, repeatable: bool
    ) -> Any:
        """The JSON of a good answer; raises for any other."""
        status, headers = answer.status_code, answer.headers
        self._waits.learn(subdomain, counted, status, headers, self._clock.now())
        if 200 <= status < 300:
            return _json(answer, repeatable=repeatable)
        code = _code(answer)
        if status == 401 and "Authorization" in answer.request.headers:
            raise Temporary(
                VENDOR,
                "access token refused",
                code=ACCESS_TOKEN_REFUSED,
                status=status,
                retry_after=2,
            )
        unsettled = status >= 500 or status == 408
        if status in (409, 429) or (unsettled and repeatable):
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
    """The vendor's own word for the error: a string, or an object with a title."""
    try:
        said = answer.json()
    except ValueError:
        return ""
    error = said.get("error") if isinstance(said, dict) else None
    if isinstance(error, dict):
        error = error.get("title")
    return error if isinstance(error, str) else ""
