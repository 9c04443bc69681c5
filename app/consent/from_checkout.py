"""What a checkout proves: a number given for this order, and the care opt-in that was ticked.

Runs now when an order names a phone. Each kind is recorded once per order, however often the
order is heard of.
"""

from __future__ import annotations

from datetime import datetime

from app.consent.record import Evidence, covers_assistant, record_grant
from app.foundation.db import Session
from app.orders.events import PhoneGivenAtCheckout


def record_checkout(session: Session, event: PhoneGivenAtCheckout, *, now: datetime) -> None:
    record_grant(
        session,
        shop_id=event.shop_id,
        evidence=Evidence(
            phone=event.phone,
            purpose="number",
            source="checkout_phone",
            occurred_at=event.given_at,
            order_id=event.order_id,
        ),
    )
    if not event.wording:
        return
    record_grant(
        session,
        shop_id=event.shop_id,
        evidence=Evidence(
            phone=event.phone,
            purpose="care",
            source="checkout_attribute",
            occurred_at=event.given_at,
            wording=event.wording,
            covers_assistant=covers_assistant(event.wording),
            order_id=event.order_id,
        ),
    )
