"""How often somebody may knock: counters in Redis that all web processes share.

A door states a `Limit` and calls `limits.take(limit, key)` with the key that fits it: the shop
after its token was proven, the address before anything is. Redis may be away: a limit says then
whether its door lets everybody in (whoever is let in was proven by a signature) or nobody (a
sign-in, a public form: what the limit protects is worse to lose than a minute of service).

Webhook doors do not come here: each is proven by its signature and must never be lost for the
sake of Redis. `Strangers` below, in this process's memory, only spares them look-ups of keys that
nobody has. ADR 0020.
"""

from __future__ import annotations

import ipaddress
import threading
import time
from dataclasses import dataclass
from typing import Literal, Protocol

import redis

from app.foundation.errors import DoorstepError, Refused
from app.foundation.metrics import LIMITED

REST_SECONDS = 1.0  # after a failure Redis is left alone, so that no door waits for it again
PATIENCE_SECONDS = 0.2
MOST_ADDRESSES = 10_000

# Counting and the window's beginning in one step: a counter without an end would lock for ever.
COUNT = """
local taken = redis.call('INCR', KEYS[1])
if taken == 1 then redis.call('EXPIRE', KEYS[1], ARGV[1]) end
return {taken, redis.call('TTL', KEYS[1])}
"""


@dataclass(frozen=True)
class Limit:
    """At most `most` knocks in `seconds` seconds, for each key."""

    door: str
    most: int
    seconds: int
    redis_away: Literal["let_in", "refuse"]


class TooMany(Refused):
    """429: come again after `retry_after` seconds."""

    def __init__(self, retry_after: int) -> None:
        super().__init__("too_many", f"Too many requests. Try again in {retry_after} seconds.")
        self.retry_after = retry_after


class CannotCount(DoorstepError):
    """503: Redis is away, and this door stays shut without it."""

    retry_after = 5

    def __init__(self) -> None:
        super().__init__("We cannot take this just now. Try again in a moment.")


class Limits(Protocol):
    def take(self, limit: Limit, key: str) -> None:
        """Count one knock. Raises TooMany, CannotCount."""
        ...


class RedisLimits:
    """Safe to share between threads and across a fork."""

    def __init__(self, url: str) -> None:
        self._redis = redis.Redis.from_url(
            url,
            socket_connect_timeout=PATIENCE_SECONDS,
            socket_timeout=PATIENCE_SECONDS,
            retry=None,
        )
        self._count = self._redis.register_script(COUNT)
        self._rests_until = 0.0

    def take(self, limit: Limit, key: str) -> None:
        if time.monotonic() < self._rests_until:
            return self._without_redis(limit)
        try:
            taken, left = self._count(keys=[f"limit:{limit.door}:{key}"], args=[limit.seconds])
        except redis.RedisError:
            self._rests_until = time.monotonic() + REST_SECONDS
            return self._without_redis(limit)
        if int(taken) > limit.most:
            LIMITED.labels(limit.door, "too_many").inc()
            raise TooMany(max(int(left), 1))

    def _without_redis(self, limit: Limit) -> None:
        LIMITED.labels(limit.door, f"redis_away_{limit.redis_away}").inc()
        if limit.redis_away == "refuse":
            raise CannotCount


class Strangers:
    """Failures of each address, counted in this process alone. For doors that know their own by a
    key: whose key is known is never asked here."""

    def __init__(self, door: str, *, most: int, seconds: int) -> None:
        self._door, self._most, self._seconds = door, most, seconds
        self._failures: dict[str, int] = {}
        self._ends = 0.0
        self._lock = threading.Lock()

    def refuse(self, address: str) -> bool:
        """Whether this address has failed too often in the present window."""
        if time.monotonic() >= self._ends or self._failures.get(address, 0) < self._most:
            return False
        LIMITED.labels(self._door, "stranger").inc()
        return True

    def failed(self, address: str) -> None:
        with self._lock:
            if time.monotonic() >= self._ends or len(self._failures) >= MOST_ADDRESSES:
                self._failures.clear()
                self._ends = time.monotonic() + self._seconds
            self._failures[address] = self._failures.get(address, 0) + 1

    @property
    def retry_after(self) -> int:
        return self._seconds


def address_key(address: str | None) -> str:
    """An address as a limit's key. One customer's IPv6 network (a /64) counts as one."""
    try:
        ip = ipaddress.ip_address(address or "")
    except ValueError:
        return "unknown"
    if isinstance(ip, ipaddress.IPv6Address):
        if ip.ipv4_mapped:
            return str(ip.ipv4_mapped)
        return str(ipaddress.ip_network((ip, 64), strict=False).network_address)
    return str(ip)
