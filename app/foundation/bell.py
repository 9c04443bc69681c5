"""The doorbell: one Redis PUBLISH after commits that put work off.

Redis may be away: then the bell stays silent, the relay's own look at the outbox (four times a
second) finds the work, and no door waits. After a failure the bell rests a second.

Whoever rings does not wait for Redis: a thread publishes, at once when it is quiet, and once for
all that rang meanwhile when it is busy.
"""

from __future__ import annotations

import os
import threading
import time

import redis

CHANNEL = "doorstep:bell"
REST_SECONDS = 1.0
# Between two rings: the relay takes all that waits anyway, and under load each costs the doors'
# process a tenth of what a text does.
PAUSE_SECONDS = 0.025


class RedisBell:
    def __init__(self, url: str) -> None:
        self._redis = redis.Redis.from_url(
            url, socket_connect_timeout=0.2, socket_timeout=0.2, retry=None
        )
        self._rung = threading.Event()
        self._ringer_of = 0  # the process whose thread publishes: a fork leaves threads behind

    def ring(self) -> None:
        self._rung.set()
        if self._ringer_of != os.getpid():
            self._ringer_of = os.getpid()
            threading.Thread(target=self._publish, name="doorbell", daemon=True).start()

    def _publish(self) -> None:
        while self._rung.wait():
            self._rung.clear()
            try:
                self._redis.publish(CHANNEL, b"1")
                time.sleep(PAUSE_SECONDS)
            except redis.RedisError:
                time.sleep(REST_SECONDS)


class SilentBell:
    """For tests and commands that run without a relay."""

    def ring(self) -> None:
        return None
