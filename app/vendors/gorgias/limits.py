"""What Gorgias said about waiting, remembered, so that no request is spent on a sure 429.

Used by `client` for every request. An app may make 80 requests in 20 seconds for one account; each
answer says how full that bucket is (developers.gorgias.com, "Rate limits"). Each process remembers
for itself; the vendor remains the judge, this only spares it requests.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from datetime import datetime, timedelta

HEADER = "X-Gorgias-Account-Api-Call-Limit"
# Once the bucket is full: it is not said when room comes, and it empties by some requests a second.
WHEN_FULL = 1.0
LONGEST_WAIT = timedelta(minutes=15)
MOST_REMEMBERED = 10_000


class Waits:
    """Until when an account is not to be asked."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._until: dict[str, datetime] = {}

    def seconds_left(self, subdomain: str, now: datetime) -> float:
        with self._lock:
            until = self._until.get(subdomain)
        return max(0.0, (until - now).total_seconds()) if until is not None else 0.0

    def learn(self, subdomain: str, status: int, headers: Mapping[str, str], now: datetime) -> None:
        """Note what an answer says of the limit."""
        if status == 429:
            self._hold(subdomain, retry_after(headers) or WHEN_FULL, now)
        elif _is_full(headers.get(HEADER, "")):
            self._hold(subdomain, WHEN_FULL, now)

    def _hold(self, subdomain: str, seconds: float, now: datetime) -> None:
        with self._lock:
            if len(self._until) >= MOST_REMEMBERED:
                self._until = {key: until for key, until in self._until.items() if until > now}
            self._until[subdomain] = now + min(timedelta(seconds=seconds), LONGEST_WAIT)


def retry_after(headers: Mapping[str, str]) -> float | None:
    text = headers.get("Retry-After", "")
    return float(text) if text.isascii() and text.isdigit() and len(text) <= 6 else None


def _is_full(header: str) -> bool:
    """`79/80`: used of allowed."""
    used, _, allowed = header.partition("/")
    if not (used.isascii() and used.isdigit() and allowed.isascii() and allowed.isdigit()):
        return False
    return int(used) >= int(allowed)
