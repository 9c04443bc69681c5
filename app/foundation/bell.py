"""The doorbell: one Redis PUBLISH after a commit that put work off.

Redis may be away: then the bell stays silent, the relay's own look at the outbox (four times a
second) finds the work, and no door waits. After a failure the bell rests a second.
"""

from __future__ import annotations

import time

import redis

CHANNEL = "doorstep:bell"
REST_SECONDS = 1.0


class RedisBell:
    def __init__(self, url: str) -> None:
        self._redis = redis.Redis.from_url(
            url, socket_connect_timeout=0.2, socket_timeout=0.2, retry=None
        )
        self._rest_until = 0.0

    def ring(self) -> None:
        if time.monotonic() < self._rest_until:
            return
        try:
            self._redis.publish(CHANNEL, b"1")
        except redis.RedisError:
            self._rest_until = time.monotonic() + REST_SECONDS


class SilentBell:
    """For tests and commands that run without a relay."""

    def ring(self) -> None:
        return None
