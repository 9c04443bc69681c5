"""How many requests an app may make: 80 in 20 seconds for one account, by OAuth.

Called by `doors` for every request. An account that is not metered exists for benches.
"""

from __future__ import annotations

import math
from collections import deque
from datetime import datetime

from sandbox.gorgias import refusals

REQUESTS = 80
SECONDS = 20
HEADER = "X-Gorgias-Account-Api-Call-Limit"


class Meter:
    """Sliding windows by account. Not saved: a restart of the sandbox forgives."""

    def __init__(self) -> None:
        self._seen: dict[str, deque[float]] = {}

    def count(self, subdomain: str, now: datetime) -> dict[str, str]:
        """One request. Returns the headers of its answer; raises 429 where none is left."""
        moment = now.timestamp()
        window = self._seen.setdefault(subdomain, deque())
        while window and window[0] <= moment - SECONDS:
            window.popleft()
        if len(window) >= REQUESTS:
            wait = max(1, math.ceil(window[0] + SECONDS - moment))
            raise refusals.too_many(wait, f"{REQUESTS}/{REQUESTS}")
        window.append(moment)
        return {HEADER: f"{len(window)}/{REQUESTS}"}
