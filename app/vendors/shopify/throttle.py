"""Keeps one process within each shop's points, as Shopify itself reports them.

Every GraphQL answer tells how many points the app has left at that shop and how fast they come
back (https://shopify.dev/docs/apps/build/apis/graphql-admin/rate-limits); the size of the bucket
is documented nowhere, so nothing is assumed before the first answer. Other processes draw on the
same bucket: their use shows in the next answer, and what slips through comes back as THROTTLED.
Called by the client only.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

MAX_SHOPS = 4096  # the longest unused bucket is forgotten first


@dataclass
class _Bucket:
    available: float
    maximum: float
    restore_rate: float  # points a second
    at: float  # monotonic seconds
    in_flight: float = 0.0  # asked for, not answered yet

    def level(self, at: float) -> float:
        restored = self.available + max(0.0, at - self.at) * self.restore_rate
        return min(self.maximum, restored) - self.in_flight


class Throttle:
    """Thread-safe. `at` is the caller's monotonic clock in seconds."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()
        self._costs: dict[str, float] = {}  # operation -> points that it asked for last time

    def reserve(self, shop: str, operation: str, *, at: float) -> tuple[float, float]:
        """Seconds to wait before asking, and the points that were set aside if that is none."""
        with self._lock:
            bucket = self._buckets.get(shop)
            if bucket is None:
                return 0.0, 0.0
            self._buckets.move_to_end(shop)
            points = min(self._costs.get(operation, 1.0), bucket.maximum)
            missing = points - bucket.level(at)
            if missing > 0:
                return missing / bucket.restore_rate, 0.0
            bucket.in_flight += points
            return 0.0, points

    def release(self, shop: str, points: float) -> None:
        """The request that `reserve` let through is over, answered or not."""
        with self._lock:
            bucket = self._buckets.get(shop)
            if bucket is not None:
                bucket.in_flight = max(0.0, bucket.in_flight - points)

    def learn(self, shop: str, operation: str, cost: Mapping[str, Any], *, at: float) -> float:
        """Take in an answer's `extensions.cost`; the seconds until the operation could be paid."""
        status = cost.get("throttleStatus")
        status = status if isinstance(status, Mapping) else {}
        available, maximum, rate, requested = (
            _points(status.get("currentlyAvailable")),
            _points(status.get("maximumAvailable")),
            _points(status.get("restoreRate")),
            _points(cost.get("requestedQueryCost")),
        )
        if available is None or not maximum or not rate:
            return 0.0
        with self._lock:
            if requested is not None:
                self._costs[operation] = requested
            known = self._buckets.get(shop)
            self._buckets[shop] = _Bucket(
                available, maximum, rate, at, known.in_flight if known else 0.0
            )
            if len(self._buckets) > MAX_SHOPS:
                self._buckets.popitem(last=False)
        return max(0.0, ((requested or 0.0) - available) / rate)


def _points(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
        return None
    return float(value)
