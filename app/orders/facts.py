"""What a shop's commerce platform tells unasked, beside whole orders (`ports.OrderFacts`).

Made by the vendors' webhook parsers, consumed by the receipts' handlers. A value that the platform
left out or withheld is None; a word that we do not know arrives as it was sent.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from app.orders.ports import FulfillmentFacts, OrderFacts, Place


@dataclass(frozen=True)
class FulfillmentChanged:
    """A parcel was made or changed. Its order may not be known yet."""

    order_id: int
    fulfillment: FulfillmentFacts
    updated_at: datetime | None = None
    shipping: Place | None = None
    phone: str | None = field(default=None, repr=False)  # of the shipping address


@dataclass(frozen=True)
class CarrierScan:
    """A carrier reported a step of one parcel. Scans carry neither phone nor tracking number."""

    order_id: int
    fulfillment_id: int
    event_id: int
    status: str | None = None  # in_transit, out_for_delivery, delivered, …
    happened_at: datetime | None = None
    estimated_delivery_at: datetime | None = None


@dataclass(frozen=True)
class RefundMade:
    order_id: int
    refund_id: int
    created_at: datetime | None = None
    quantities: dict[int, int] = field(default_factory=dict)  # order line -> units refunded


@dataclass(frozen=True)
class ReturnChanged:
    order_id: int
    return_id: int
    status: str | None = None  # requested, open, declined, cancelled, closed


@dataclass(frozen=True)
class SmsConsentChanged:
    """Marketing consent by SMS changed at the platform; consent to care texts is our own record."""

    customer_id: int
    phone: str | None = field(default=None, repr=False)
    state: str | None = None  # subscribed, not_subscribed, unsubscribed, pending, redacted
    opt_in_level: str | None = None
    at: datetime | None = None
    collected_from: str | None = None


@dataclass(frozen=True)
class AppUninstalled:
    """The shop's tokens are dead from this moment."""

    domain: str | None = None


@dataclass(frozen=True)
class ScopesUpdated:
    scopes: tuple[str, ...] | None  # all that are granted now


@dataclass(frozen=True)
class CustomerDataRequested:
    """A buyer asks what is stored of them; the merchant must hear it within 30 days."""

    customer_id: int | None
    phone: str | None = field(default=None, repr=False)
    email: str | None = field(default=None, repr=False)
    order_ids: tuple[int, ...] = ()


@dataclass(frozen=True)
class CustomerRedactRequested:
    """A buyer is to be forgotten, within 30 days."""

    customer_id: int | None
    phone: str | None = field(default=None, repr=False)
    email: str | None = field(default=None, repr=False)
    order_ids: tuple[int, ...] = ()


@dataclass(frozen=True)
class ShopRedactRequested:
    """All of a shop is to be forgotten; comes 48 hours after the uninstall."""

    domain: str | None = None


Fact = (
    OrderFacts
    | FulfillmentChanged
    | CarrierScan
    | RefundMade
    | ReturnChanged
    | SmsConsentChanged
    | AppUninstalled
    | ScopesUpdated
    | CustomerDataRequested
    | CustomerRedactRequested
    | ShopRedactRequested
)
