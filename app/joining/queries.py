"""How many buyers joined, and from where: counted from the ledger, so it equals a recount."""

from __future__ import annotations

from app.foundation.db import Session

BY_SOURCE = """
SELECT source AS way, coalesce(evidence->>'joined_from', 'direct') AS joined_from,
  count(DISTINCT phone) AS buyers
FROM consent_events
WHERE shop_id = %s AND action = 'granted' AND purpose = 'care'
  AND source IN ('keyword', 'join_page')
GROUP BY 1, 2 ORDER BY buyers DESC, 1, 2
"""


def joined_by_source(session: Session, *, shop_id: int) -> list[tuple[str, str, int]]:
    """(way, source, buyers who joined for care texts so), most first. A buyer who joined in two
    ways counts in each."""
    return [(row.way, row.joined_from, row.buyers) for row in session.sql(BY_SOURCE, shop_id)]
