"""Conversations whose texts do not stand in a ticket yet are mirrored again.

Called when an account is connected (or again), so that nothing that came meanwhile is missing,
and by `poll`, in case a mirror was given up while the helpdesk was down for hours.
"""

from __future__ import annotations

from datetime import datetime

from app.foundation.db import Session
from app.helpdesk.models import HelpdeskAccount
from app.helpdesk.put_off_mirror import put_off_mirror
from app.helpdesk.texts import HISTORY

MOST = 500  # in one go; the poll brings the rest

# A text of the buyer's is missing; or a check-in, where tickets open at the arrival. Where they
# open at the hand-off, only a thread that was raised, or has a ticket, is behind. What waits in the
# outbox already, under the key of `put_off_mirror`, is not asked for twice.
BEHIND = """
WITH threads AS (
  SELECT c.id, c.shop_id, p.ticket_opens = 'arrival' AS at_arrival,
    (SELECT max(l.mirrored_to) FROM ticket_links l WHERE l.conversation_id = c.id) AS mark
  FROM conversations c JOIN shop_preferences p ON p.shop_id = c.shop_id
  WHERE c.shop_id = %(shop)s
    AND (c.last_inbound_at >= %(since)s
         OR p.ticket_opens = 'arrival' AND c.last_message_at >= %(since)s)
    AND (p.ticket_opens <> 'handoff' OR c.raised_at IS NOT NULL
         OR EXISTS (SELECT FROM ticket_links l WHERE l.conversation_id = c.id
                    AND l.state IN ('opening', 'open', 'solved'))))
SELECT t.id FROM threads t
WHERE EXISTS (SELECT FROM messages m WHERE m.conversation_id = t.id
              AND (m.direction = 'in'
                   OR t.at_arrival AND m.purpose = 'check_in' AND m.sent_at IS NOT NULL)
              AND m.id > coalesce(t.mark, 0) AND m.created_at >= %(since)s
              AND m.created_at <= %(until)s)
  AND NOT EXISTS (SELECT FROM outbox o WHERE o.failed_at IS NULL
                  AND o.ordering_key = 'helpdesk:' || t.shop_id || ':' || t.id)
ORDER BY t.id LIMIT %(most)s
"""


def catch_up(session: Session, *, account: HelpdeskAccount, until: datetime) -> int:
    """Put off a mirror for each thread that is behind with a text of `until` or before."""
    rows = session.connection().exec_driver_sql(
        BEHIND,
        {
            "shop": account.shop_id,
            "since": account.connected_at - HISTORY,
            "until": until,
            "most": MOST,
        },
    )
    count = 0
    for (conversation_id,) in rows:
        count += 1
        put_off_mirror(session, shop_id=account.shop_id, conversation_id=conversation_id)
    return count
