"""How many requests an account may make, and what Zendesk answers beyond that.

Called by `doors` for every request and by `tickets` and `users` for their own meters. Figures
are those of the published rate limits: per account and minute by plan, 30 ticket updates per
10 minutes for one user and ticket, 100 a minute for one account, users 5 a minute each and one
a second for an account. The plan `unmetered` exists for benches, which measure us and not them.
"""

from __future__ import annotations

import math
from collections import deque
from datetime import datetime
from typing import NamedTuple

from sandbox.zendesk import refusals

UPDATE_HEADER = "zendesk-ratelimit-tickets-update"


class Plan(NamedTuple):
    """Requests a minute, and ticket updates a minute, for one account."""

    requests: int
    updates: int
    metered: bool = True


PLANS: dict[str, Plan] = {
    "trial": Plan(200, 20),
    "team": Plan(200, 100),
    "growth": Plan(400, 100),
    "professional": Plan(400, 100),
    "enterprise": Plan(700, 100),
    "high_volume": Plan(2500, 300),
    "unmetered": Plan(1_000_000, 1_000_000, metered=False),
}


class Meter:
    """Sliding windows by key. Not saved: a restart of the sandbox forgives."""

    def __init__(self) -> None:
        self._seen: dict[tuple[str, ...], deque[float]] = {}

    def take(
        self, key: tuple[str, ...], limit: int, seconds: int, now: datetime
    ) -> tuple[int, int]:
        """Count one. Returns what remains, and in how many seconds the next place is free.

        Raises 429 where none remains.
        """
        moment = now.timestamp()
        window = self._seen.setdefault(key, deque())
        while window and window[0] <= moment - seconds:
            window.popleft()
        if len(window) >= limit:
            wait = max(1, math.ceil(window[0] + seconds - moment))
            raise refusals.too_many(wait, _headers(key[0], limit, 0, wait))
        window.append(moment)
        return limit - len(window), math.ceil(window[0] + seconds - moment)


def _headers(kind: str, limit: int, remaining: int, resets: int) -> dict[str, str]:
    if kind == "account":
        return {"X-Rate-Limit": str(limit), "X-Rate-Limit-Remaining": str(remaining)}
    name = UPDATE_HEADER if kind.startswith("update") else f"zendesk-ratelimit-{kind}"
    return {name: f"total={limit}; remaining={remaining}; resets={resets}"}


def count_request(meter: Meter, account: str, plan: str, now: datetime) -> dict[str, str]:
    """Any request of the account. Returns the headers of its answer."""
    allowed = PLANS[plan].requests
    if not PLANS[plan].metered:
        return _headers("account", allowed, allowed, 0)
    remaining, resets = meter.take(("account", account), allowed, 60, now)
    return _headers("account", allowed, remaining, resets)


def count_ticket_update(
    meter: Meter, account: str, plan: str, user_id: int, ticket_id: int, now: datetime
) -> dict[str, str]:
    """A PUT of a ticket. Returns the headers of its answer."""
    if not PLANS[plan].metered:
        return {}
    meter.take(("update-account", account), PLANS[plan].updates, 60, now)
    one_ticket = ("update-ticket", account, str(user_id), str(ticket_id))
    remaining, resets = meter.take(one_ticket, 30, 600, now)
    return _headers("update-ticket", 30, remaining, resets)


def count_user_save(meter: Meter, account: str, plan: str, who: str, now: datetime) -> None:
    """A create-or-update of a user."""
    if not PLANS[plan].metered:
        return
    meter.take(("users-account", account), 1, 1, now)
    meter.take(("users-one", account, who), 5, 60, now)
