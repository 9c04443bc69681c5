"""What buyers answer, who does, and after how long: the same for the same run.

Called by `play`. Most say that all is well, some need a person, and about one in a hundred of those
who got a text wants no more of them. No photo: a provider's media address would have to exist.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import datetime, timedelta

STOP_SHARE = 0.01
SOONEST = timedelta(minutes=2)
LATEST = timedelta(minutes=95)

FINE = (
    "Yes, all good thanks!",
    "yep got it, love it",
    "It did! Fits great 😊",
    "yes thank you",
    "Arrived yesterday, perfect.",
    "All good here",
)
TROUBLE = (
    "The size is wrong, can I swap it for a bigger one?",
    "One of them was missing from the box",
    "It came with a scratch on the side. What can you do?",
    "says delivered but there's nothing here",
    "The zipper broke the first time I used it",
    "too tight, how do I return it?",
)
OTHER = (
    "who is this?",
    "Quick question, can I machine wash it?",
    "Haven't opened it yet, it's a gift",
)


@dataclass(frozen=True)
class Reply:
    at: datetime
    phone: str = field(repr=False)
    body: str = field(repr=False)
    sid: str

    @property
    def stop(self) -> bool:
        return self.body == "STOP"


def reply_to(
    *, run: int, message_id: int, phone: str, sent_at: datetime, share: float
) -> Reply | None:
    """The answer to one check-in, if its buyer is one of the `share` who answer."""
    digest = hashlib.sha256(f"{run}:{message_id}".encode()).digest()
    who, what, which, when = (int.from_bytes(digest[n : n + 4]) / 2**32 for n in (0, 4, 8, 12))
    if who >= share:
        return None
    if who < min(STOP_SHARE, share):
        body = "STOP"
    else:
        pool = FINE if what < 0.62 else TROUBLE if what < 0.92 else OTHER
        body = pool[int(which * len(pool))]
    return Reply(
        at=sent_at + SOONEST + (LATEST - SOONEST) * when,
        phone=phone,
        body=body,
        sid=f"{sid_prefix(run)}{digest.hex()[:24]}",
    )


def sid_prefix(run: int) -> str:
    """What the provider ids of a run's replies begin with."""
    return f"SM{run:08x}"
