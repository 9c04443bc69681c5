"""How much we write to a helpdesk: below its limits, so that waiting texts join in one comment.

Asked by `plan` and `notes` before each intent, in the same transaction. Zendesk takes 30
updates in 10 minutes per ticket and user, and 100 a minute per account on common plans
(developer.zendesk.com, "Rate limits"). A refusal would cost us a request each; a pause costs
nothing, since texts that wait become one comment. Counts are the ledger's rows, in its own time.
"""

from __future__ import annotations

from app.foundation.db import Session

TICKET_UPDATES = 25
TICKET_SECONDS = 600
ACCOUNT_SECONDS = 60
LONGEST_PAUSE = 60.0

# Of the newest `limit` writes the oldest decides: once it leaves the window there is room again.
ROOM_IN = """
SELECT extract(epoch FROM greatest(
  (SELECT intended_at FROM ticket_writes WHERE shop_id = %s AND state <> 'abandoned'
   ORDER BY intended_at DESC OFFSET %s LIMIT 1) + make_interval(secs => %s),
  (SELECT intended_at FROM ticket_writes WHERE link_id = %s AND state <> 'abandoned'
   ORDER BY intended_at DESC OFFSET %s LIMIT 1) + make_interval(secs => %s)) - now())::float
"""


def seconds_until_room(
    session: Session, *, shop_id: int, link_id: int | None, per_minute: int
) -> float:
    """0 if one more write is within the limits, else how long to wait (at most a minute).

    `link_id` None: a ticket is about to be opened, which only the account's limit counts.
    """
    account = (shop_id, per_minute - 1, ACCOUNT_SECONDS)
    ticket = (link_id, TICKET_UPDATES - 1, TICKET_SECONDS)
    wait = session.sql(ROOM_IN, *account, *ticket).scalar()
    return min(max(wait, 1.0), LONGEST_PAUSE) if wait is not None and wait > 0 else 0.0
