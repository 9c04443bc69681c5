"""Where carriers never say delivered: assume it, and say so softly.

The ticker calls `assume_arrivals`. A parcel counts as arrived when its estimated delivery is
past by the shop's margin, else when the shop's number of days has passed since it was shipped.
The check-in then asks whether it arrived, and claims nothing.
"""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from app.foundation.db import Session
from app.orders.models import Fulfillment
from app.orders.track import mark_arrived

# Nothing is assumed of a parcel that a carrier returns, or that is too old to ask about. The order
# is locked, and its parcel only after it: everybody takes the two in this order.
FIND = """
SELECT f.id,
  CASE WHEN f.estimated_delivery_at IS NOT NULL
    THEN f.estimated_delivery_at + make_interval(hours => p.estimate_margin_hours::int)
    ELSE f.shipped_at + make_interval(days => p.days_after_shipping::int) END AS arrived_at,
  CASE WHEN f.estimated_delivery_at IS NOT NULL
    THEN 'estimate' ELSE 'days_after_shipping' END AS basis
FROM fulfillments f
JOIN orders o ON o.id = f.order_id
JOIN shop_preferences p ON p.shop_id = f.shop_id
JOIN shops s ON s.id = f.shop_id AND s.state = 'installed'
WHERE f.delivered_at IS NULL AND f.status = 'success'
  AND coalesce(f.shipment_status, '') NOT IN ('failure', 'not_delivered', 'attempted_delivery',
                                              'delayed', 'ready_for_pickup')
  AND f.shipped_at BETWEEN %(now)s::timestamptz - interval '30 days' AND %(now)s::timestamptz
  AND CASE WHEN f.estimated_delivery_at IS NOT NULL
    THEN f.estimated_delivery_at + make_interval(hours => p.estimate_margin_hours::int)
    ELSE f.shipped_at + make_interval(days => p.days_after_shipping::int) END <= %(now)s
ORDER BY f.id LIMIT %(limit)s FOR UPDATE OF o SKIP LOCKED
"""


def assume_arrivals(session: Session, *, now: datetime, limit: int = 200) -> int:
    """Mark what must have arrived by now; returns how many. Works across shops."""
    found = session.connection().exec_driver_sql(FIND, {"now": now, "limit": limit}).all()
    for row in found:
        parcel = session.scalars(
            sa.select(Fulfillment).where(Fulfillment.id == row.id).with_for_update()
        ).one()
        if parcel.delivered_at is not None:
            continue  # a carrier said so between our look and our lock
        mark_arrived(session, now=now, parcel=parcel, arrived_at=row.arrived_at, basis=row.basis)
    return len(found)
