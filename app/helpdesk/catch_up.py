"""Conversations whose texts do not stand in a ticket yet are mirrored again.

Called when an account is connected (or again): living threads come with their history (`history`),
and nothing that came meanwhile is missing. Called by `poll`, in case a mirror was given up while
the helpdesk was down for hours, or there were too many for one go. `earlier_threads_left` is the
progress of the first, for the merchant.
"""

from __future__ import annotations

from datetime import datetime

from app.foundation.db import Session
from app.helpdesk.history import LIVING
from app.helpdesk.models import HelpdeskAccount
from app.helpdesk.put_off_mirror import put_off_mirror

MOST = 500  # in one go; the poll brings the rest

# A text of the buyer's is missing; or a check-in, where tickets open at the arrival. Of a thread
# that never had a ticket only what `plan` opens one for counts: what came since the connection, and
# before it the history of a living one. Where tickets open at the hand-off, only a thread that was
# raised, or has a ticket, is behind.
_BEHIND = """
WITH threads AS (
  SELECT c.id, c.shop_id, p.ticket_opens = 'arrival' AS at_arrival,
    (SELECT max(l.mirrored_to) FROM ticket_links l WHERE l.conversation_id = c.id) AS mark,
    CASE WHEN c.state = 'resolved' THEN %(connected)s::timestamptz ELSE %(since)s END AS lives_since
  FROM conversations c JOIN shop_preferences p ON p.shop_id = c.shop_id
  WHERE c.shop_id = %(shop)s
    AND (c.last_inbound_at >= %(since)s
         OR p.ticket_opens = 'arrival' AND c.last_message_at >= %(since)s)
    AND (p.ticket_opens <> 'handoff' OR c.raised_at IS NOT NULL
         OR EXISTS (SELECT FROM ticket_links l WHERE l.conversation_id = c.id
                    AND l.state IN ('opening', 'open', 'solved'))))
SELECT t.id, count(*) OVER () AS all_of_them FROM threads t
WHERE EXISTS (SELECT FROM messages m WHERE m.conversation_id = t.id AND m.created_at <= %(until)s
              AND CASE WHEN t.mark IS NOT NULL THEN m.id > t.mark AND m.created_at >= %(since)s
                         AND (m.direction = 'in'
                              OR t.at_arrival AND m.purpose = 'check_in' AND m.sent_at IS NOT NULL)
                       WHEN m.direction = 'in'
                         THEN m.purpose IS DISTINCT FROM 'join' AND m.created_at >= t.lives_since
                       ELSE t.at_arrival AND m.purpose = 'check_in' AND m.sent_at IS NOT NULL
                         AND m.created_at >= %(connected)s END)
"""
# What waits in the outbox already, under the key of `put_off_mirror`, is not asked for twice.
BEHIND = f"""{_BEHIND}
  AND NOT EXISTS (SELECT FROM outbox o WHERE o.failed_at IS NULL
                  AND o.ordering_key = 'helpdesk:' || t.shop_id || ':' || t.id)
ORDER BY t.id LIMIT %(most)s
"""
LEFT = f"SELECT count(*) FROM ({_BEHIND}) AS behind"


def catch_up(session: Session, *, account: HelpdeskAccount, until: datetime) -> int:
    """Put off a mirror for each thread that is behind with a text of `until` or before. Returns how
    many are, more than `MOST` of which wait for the next time."""
    values = {**_about(account), "until": until, "most": MOST}
    rows = session.connection().exec_driver_sql(BEHIND, values).all()
    for row in rows:
        put_off_mirror(session, shop_id=account.shop_id, conversation_id=row.id)
    return rows[0].all_of_them if rows else 0


def earlier_threads_left(session: Session, *, account: HelpdeskAccount) -> int:
    """How many threads from before the connection are still on their way into tickets."""
    values = {**_about(account), "until": account.connected_at}
    left: int = session.connection().exec_driver_sql(LEFT, values).scalar_one()
    return left


def _about(account: HelpdeskAccount) -> dict[str, object]:
    return {
        "shop": account.shop_id,
        "connected": account.connected_at,
        "since": account.connected_at - LIVING,
    }
