"""The life of one of our texts, forward only.

queued -> sending -> accepted -> sent -> delivered | undelivered | failed | read
queued -> blocked (permission said no) | cancelled
sending -> unknown (nobody can say whether it left) -> accepted (found at the provider)
sending -> failed (refused) | queued (certainly not taken: it may try again)

A report of the provider applies only if its rank is higher than the one we have: a late "sent"
cannot undo "delivered", and a second final report changes nothing. The first report of a text that
we hold for not taken always applies.
"""

from __future__ import annotations

# The provider's words, in the order in which a text goes through them.
PROVIDER_RANKS = {
    "accepted": 1,
    "scheduled": 1,
    "queued": 1,
    "sending": 2,
    "sent": 3,
    "canceled": 4,
    "failed": 4,
    "undelivered": 4,
    "partially_delivered": 5,  # a carrier's late receipt may prove "undelivered" wrong
    "delivered": 5,
    "read": 6,
}

# Ours, once a text is bound to its id at the provider.
STATE_RANKS = {
    "accepted": 1,
    "sent": 3,
    "cancelled": 4,
    "failed": 4,
    "undelivered": 4,
    "delivered": 5,
    "read": 6,
}

STATE_OF_STATUS = {
    "accepted": "accepted",
    "scheduled": "accepted",
    "queued": "accepted",
    "sending": "accepted",
    "sent": "sent",
    "canceled": "cancelled",
    "failed": "failed",
    "undelivered": "undelivered",
    "partially_delivered": "delivered",
    "delivered": "delivered",
    "read": "read",
}

NOT_ARRIVED = ("blocked", "cancelled", "failed", "undelivered", "unknown")
# Left us, as far as anybody can tell: these count against the caps.
TOOK_OFF = ("sending", "unknown", "accepted", "sent", "delivered", "read", "undelivered")
