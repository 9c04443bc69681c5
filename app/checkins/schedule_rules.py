"""When a check-in falls due: arrival plus the shop's delay, moved into lawful hours and spread.

Called by `checkins.schedule`. Pure. `permission` still decides at the moment of sending; this
plans for a moment at which it will say yes.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta

from app.consent.permission import ROOM
from app.consent.quiet_hours import next_window
from app.consent.state_rules import RuleBook
from app.consent.verdicts import Reason, reason_text
from app.consent.week_hours import WeekHours
from app.consent.zones import Places

# Mornings would otherwise begin with every text of the night at 10:00:00.
SPREAD = timedelta(minutes=20)
# "Did everything arrive okay?" makes no sense to somebody who unpacked it long ago.
DEFAULT_MAX_LATENESS = timedelta(days=3)


@dataclass(frozen=True)
class Due:
    at: datetime  # aware, UTC
    window_end: datetime  # lawful until then


@dataclass(frozen=True)
class NotDue:
    reason: str  # a code; `schedule_reason_text` has the sentence


TOO_LATE = "too_late"


def schedule_reason_text(reason: str) -> str:
    """One sentence for the merchant."""
    if reason == TOO_LATE:
        return "The parcel arrived too long ago to ask about it."
    return reason_text(Reason(reason))


def due_at(
    arrived_at: datetime,
    *,
    now: datetime,
    delay: timedelta,
    jitter_seed: str,
    places: Places,
    rules: RuleBook,
    shop_window: WeekHours | None = None,
    max_lateness: timedelta = DEFAULT_MAX_LATENESS,
) -> Due | NotDue:
    """The due time, never before `now`, or why there is none.

    `jitter_seed` names the order (and parcel): the same seed always falls on the same moment. A
    due time inside lawful hours is kept to the second; one that has to move to the opening of a
    window, or that has passed already, is spread over at most 20 minutes. `max_lateness` counts
    from arrival plus delay.
    """
    wanted = arrived_at + delay
    if now - wanted > max_lateness:
        return NotDue(TOO_LATE)
    window = next_window(max(wanted, now), places, rules, shop_window, room=ROOM)
    if window is None:
        return NotDue(Reason.QUIET_HOURS_TOO_LONG.value)
    at = window.start
    if at != wanted:
        # Half of what is open at most, so that a short window still leaves time to send.
        at += min(SPREAD, (window.end - window.start) / 2) * _share(jitter_seed)
    if at - wanted > max_lateness:
        return NotDue(TOO_LATE)
    return Due(at, window.end)


def _share(seed: str) -> float:
    """A number in [0, 1) that depends on nothing but the seed."""
    digest = hashlib.sha256(seed.encode()).digest()
    return int.from_bytes(digest[:6]) / 2**48
