"""How often one visitor may knock: the limits of all doors, counted in Redis by flask-limiter.

`app/web.py` builds one `Limits` for the process and hands it to the doors. What happens while Redis
is away is a door's own choice: one that signs somebody in, or acts on a stranger's word, stays
closed; one whose visitor is proven by a signature lets them in. Redis is wiped now and then, and a
wiped counter begins anew: what must never happen twice is held by Postgres, not here.

Webhook doors do not come here: each is proven by its signature and must never be lost for the sake
of Redis. `Strangers` below, in this process's memory, only spares them look-ups of keys that nobody
has. Visitors are counted under a hash, so that no address of theirs lies in Redis or in a log. Why
so: ADR 0020.
"""

from __future__ import annotations

import hashlib
import ipaddress
import threading
import time
from collections.abc import Callable
from functools import cache
from typing import Any

from flask_limiter import Limiter, RouteLimit
from flask_limiter.util import get_remote_address
from limits import RateLimitItem, parse
from redis.exceptions import RedisError

from app.foundation.clock import SystemClock
from app.foundation.errors import Refused
from app.foundation.metrics import LIMITED

COUNTERS_AWAY = RedisError
"""Raised by a closed door while the counters cannot be reached."""

# The public doors' rules, in one place; "per visitor", unless the door gives another key.
JOIN_PAGE = "60 per minute"
JOIN_FORM = "5 per minute; 20 per hour"
JOIN_FORM_OF_SHOP = "300 per hour"  # whoever attacks from many addresses
JOIN_LINK = "120 per minute"

RETRY_AWAY_SECONDS = 5  # when to come back to a closed door
REST_SECONDS = 1.0  # after a failure an open door leaves Redis alone, so that nobody waits again
PATIENCE_SECONDS = 0.2
MOST_VISITORS = 10_000


_NO_WAITING: dict[str, Any] = {  # of Redis' client
    "socket_connect_timeout": PATIENCE_SECONDS,
    "socket_timeout": PATIENCE_SECONDS,
    "retry": None,
}


class TooMany(Refused):
    """429: come again after `retry_after` seconds."""

    def __init__(self, retry_after: int) -> None:
        super().__init__("too_many", f"Too many requests. Try again in {retry_after} seconds.")
        self.retry_after = retry_after


def visitor() -> str:
    """Who knocks, as a hash. Behind a proxy this needs TRUSTED_PROXIES, see `app/web.py`."""
    network = network_of(get_remote_address())
    return hashlib.sha256(b"doorstep visitor:" + network.encode()).hexdigest()[:24]


def network_of(address: str) -> str:
    """An address, or of IPv6 the network that one customer has (a /64)."""
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return "unknown"
    if isinstance(ip, ipaddress.IPv6Address):
        if ip.ipv4_mapped:
            return str(ip.ipv4_mapped)
        return str(ipaddress.ip_network((ip, 64), strict=False).network_address)
    return str(ip)


class Limits:
    def __init__(self, app: Any, redis_url: str) -> None:
        """`app`: the Flask application whose doors these are."""
        self._limiter = Limiter(
            visitor,
            storage_uri=redis_url,
            storage_options=_NO_WAITING,
            strategy="fixed-window",
            key_prefix="doorstep",
            headers_enabled=False,
        )
        # Known to the app already, it adds no hooks around every request: they would cost a webhook
        # a tenth of a millisecond for nothing. A limited door's own decorator asks.
        app.extensions.setdefault("limiter", set()).add(self._limiter)
        self._limiter.init_app(app)
        self._rests_until = 0.0

    def closed(self, rule: str, *, key: Callable[[], str] = visitor) -> RouteLimit:
        """A door that stays closed while nobody can count. Breaking the rule raises the HTTP error
        429, and Redis away raises `COUNTERS_AWAY`, for the door's own error pages."""
        return self._limiter.limit(rule, key_func=key)

    def count_closed(self, rule: str, door: str, key: str) -> None:
        """For a key known only midway through the door. Raises TooMany, COUNTERS_AWAY."""
        item = _parsed(rule)
        if not self._limiter.limiter.hit(item, door, key):
            until = self._limiter.limiter.get_window_stats(item, door, key).reset_time
            raise TooMany(max(int(until - _wall_clock()), 1))

    def count_open(self, rule: str, door: str, key: str) -> None:
        """The same, but Redis away lets them in: they are proven already. Raises TooMany."""
        if time.monotonic() >= self._rests_until:
            try:
                return self.count_closed(rule, door, key)
            except COUNTERS_AWAY:
                self._rests_until = time.monotonic() + REST_SECONDS
        LIMITED.labels(door, "not_counted").inc()

    def retry_after(self) -> int:
        """Seconds until the limit that this request broke at a `closed` door begins anew."""
        broken = self._limiter.current_limit
        return max(int(broken.reset_at - _wall_clock()), 1) if broken else RETRY_AWAY_SECONDS


class Strangers:
    """Failures of each visitor, counted in this process alone. For doors that know their own by a
    key: whose key is known is never asked here."""

    def __init__(self, door: str, *, most: int, seconds: int) -> None:
        self._door, self._most, self._seconds = door, most, seconds
        self._failures: dict[str, int] = {}
        self._ends = 0.0
        self._lock = threading.Lock()

    def refuse(self, who: str) -> bool:
        """Whether this visitor has failed too often in the present window."""
        if time.monotonic() >= self._ends or self._failures.get(who, 0) < self._most:
            return False
        LIMITED.labels(self._door, "stranger").inc()
        return True

    def failed(self, who: str) -> None:
        with self._lock:
            if time.monotonic() >= self._ends or len(self._failures) >= MOST_VISITORS:
                self._failures.clear()
                self._ends = time.monotonic() + self._seconds
            self._failures[who] = self._failures.get(who, 0) + 1

    @property
    def retry_after(self) -> int:
        return self._seconds


@cache
def _parsed(rule: str) -> RateLimitItem:
    return parse(rule)


def _wall_clock() -> float:
    """Redis' windows end by the real clock, whatever time it is in a sandbox or a test."""
    return SystemClock().now().timestamp()
