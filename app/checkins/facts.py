"""All that the moment of check-ins depends on, apart from permission, in one statement.

Called by `checkins.send` and `checkins.outcome`, which have locked the orders: what is read
here stays true until the transaction ends.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from app.foundation.db import Session

# `in_hand`: the lines that the buyer holds, of the parcel if the check-in is about one that says
# what is inside. None where there are none.
FACTS = """
SELECT c.id, c.shop_id, c.order_id, c.basis, c.arrived_at, c.due_at, c.held_since,
  o.name AS order_name, o.shopify_updated_at, o.cancelled_at, o.financial_status, o.returned,
  o.contact_id, o.phone_problem, b.first_name, b.shared_phone, t.waiting_since,
  s.name AS shop_name, p.opener_copy, p.soft_opener_copy,
  EXISTS (SELECT FROM order_lines l WHERE l.order_id = o.id) AS has_lines,
  (SELECT json_agg(json_build_object('title', l.title, 'options', l.options) ORDER BY l.id)
   FROM order_lines l
   WHERE l.order_id = o.id AND l.current_quantity > 0 AND l.requires_shipping
     AND (l.shopify_id = ANY(f.line_ids) OR coalesce(cardinality(f.line_ids), 0) = 0)) AS in_hand,
  EXISTS (SELECT FROM messages m WHERE m.contact_id = o.contact_id AND m.direction = 'out'
          AND m.sent_at IS NOT NULL) AS heard_from_us
FROM check_ins c
JOIN orders o ON o.id = c.order_id
JOIN shops s ON s.id = c.shop_id
JOIN shop_preferences p ON p.shop_id = c.shop_id
LEFT JOIN fulfillments f ON f.id = c.parcel_id
LEFT JOIN contacts b ON b.id = o.contact_id
LEFT JOIN conversations t ON t.shop_id = c.shop_id AND t.contact_id = o.contact_id
WHERE c.id = ANY(%s)
ORDER BY c.due_at, c.id
"""


def read_facts(session: Session, check_in_ids: Sequence[int]) -> list[Any]:
    """A row of each with the columns of `FACTS`, longest due first."""
    return session.sql_planned_once(FACTS, list(check_in_ids)).all()
