"""What Zendesk said about waiting, remembered, so that no request is spent on a sure 429.

Used by `client` for every request. The vendor counts per account, and ticket updates also per
user and ticket (30 in 10 minutes) and per account (developer.zendesk.com, "Rate limits"). Each
process remembers for itself; the vendor remains the judge, this only spares it requests.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping
from datetime import datetime, timedelta

UPDATES_HEADER = "zendesk-ratelimit-tickets-update"
LONGEST_WAIT = timedelta(minutes=15)
MOST_REMEMBERED = 10_000

Key = tuple[str, str]  # (subdomain, what is counted)


class Waits:
    """Until when not to ask, by account and by what is counted there."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._until: dict[Key, datetime] = {}

    def seconds_left(self, subdomain: str, counted: str, now: datetime) -> float:
        """How long to wait before a request that counts as `counted`; 0 for not at all."""
        with self._lock:
            held = [
                self._until[key]
                for key in ((subdomain, "all"), (subdomain, counted))
                if key in self._until
            ]
        return max([(until - now).total_seconds() for until in held], default=0.0)

    def learn(
        self, subdomain: str, counted: str, status: int, headers: Mapping[str, str], now: datetime
    ) -> None:
        """Note what an answer says of the limits."""
        updates = _parts(headers.get(UPDATES_HEADER, ""))
        if status == 429:
            everything = headers.get("X-Rate-Limit-Remaining") == "0" and not updates
            wait = retry_after(headers) or float(updates.get("resets", 0))
            self._hold(subdomain, "all" if everything else counted, wait, now)
        elif updates.get("remaining") == 0:
            self._hold(subdomain, counted, float(updates.get("resets", 0)), now)

    def _hold(self, subdomain: str, counted: str, seconds: float, now: datetime) -> None:
        if seconds <= 0:
            return
        with self._lock:
            if len(self._until) >= MOST_REMEMBERED:
                self._until = {key: until for key, until in self._until.items() if until > now}
            self._until[subdomain, counted] = now + min(timedelta(seconds=seconds), LONGEST_WAIT)


def retry_after(headers: Mapping[str, str]) -> float | None:
    """The header's seconds; Zendesk never sends a date there."""
    text = headers.get("Retry-After", "")
    return float(text) if text.isascii() and text.isdigit() and len(text) <= 6 else None


def _parts(header: str) -> dict[str, int]:
    """`total=30; remaining=0; resets=412` as numbers."""
    return {name: int(value) for name, value in re.findall(r"([a-z]+)=(\d{1,9})\b", header)}
