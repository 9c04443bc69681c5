"""Facts about orders and parcels."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from app.foundation.events import Event


@dataclass(frozen=True)
class ParcelDelivered(Event):
    """A parcel arrived, or must be assumed to have. Published once per parcel."""

    order_id: int
    parcel_id: int
    arrived_at: datetime
    basis: str  # carrier | estimate | days_after_shipping


@dataclass(frozen=True)
class PhoneGivenAtCheckout(Event):
    """An order names a phone; `wording` is the care opt-in that the buyer ticked, if any."""

    order_id: int
    contact_id: int
    phone: str = field(repr=False)
    given_at: datetime
    wording: str = field(repr=False)


@dataclass(frozen=True)
class OrderStopped(Event):
    """The order was cancelled, refunded or returned: a check-in would be out of place."""

    order_id: int
    reason: str  # order_cancelled | order_refunded | order_returned
