"""What orders need of the shop's commerce platform, in the domain's words.

`OrderFacts` is one shape for two sources: a webhook's payload and a GraphQL read. A source that
does not know a thing leaves it None, and `orders.track` then keeps what it has.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from app.shops.ports import ShopAccess

__all__ = [
    "Commerce",
    "CustomerFacts",
    "FulfillmentFacts",
    "LineFacts",
    "OrderFacts",
    "Place",
    "ShopAccess",
    "ShopFacts",
    "SmsMarketing",
]


@dataclass(frozen=True)
class Place:
    country: str | None = None  # ISO 3166-1 alpha-2
    region: str | None = None  # state or province code
    zip: str | None = field(default=None, repr=False)


@dataclass(frozen=True)
class LineFacts:
    shopify_id: int
    title: str
    quantity: int
    current_quantity: int | None = None  # after removals and refunds
    variant_title: str | None = None
    sku: str | None = None
    product_id: int | None = None
    variant_id: int | None = None
    options: dict[str, str] | None = None  # {"Size": "M", "Color": "Pine"}
    image_url: str | None = None
    requires_shipping: bool = True


@dataclass(frozen=True)
class FulfillmentFacts:
    shopify_id: int
    status: str | None = None  # pending, open, success, cancelled, error, failure
    shipment_status: str | None = None  # lower case as in webhooks; None until tracked
    tracking_company: str | None = None
    tracking_number: str | None = field(default=None, repr=False)
    tracking_url: str | None = field(default=None, repr=False)
    created_at: datetime | None = None  # shipped
    updated_at: datetime | None = None
    estimated_delivery_at: datetime | None = None
    delivered_at: datetime | None = None
    line_ids: tuple[int, ...] = ()  # shopify ids of the order lines in this parcel


@dataclass(frozen=True)
class CustomerFacts:
    shopify_id: int | None = None
    first_name: str | None = field(default=None, repr=False)
    last_name: str | None = field(default=None, repr=False)
    email: str | None = field(default=None, repr=False)


@dataclass(frozen=True)
class OrderFacts:
    shopify_id: int
    updated_at: datetime  # Shopify's; an older one never overwrites a newer
    name: str | None = None  # "#1042"
    created_at: datetime | None = None
    cancelled_at: datetime | None = None
    financial_status: str | None = None  # paid, partially_refunded, refunded, …
    fulfillment_status: str | None = None
    currency: str | None = None
    total_price: str | None = None  # decimal as text, in `currency`
    locale: str | None = None
    customer: CustomerFacts | None = None
    # in the documented order: order, shipping address, customer, billing address
    phones: tuple[str, ...] | None = field(default=None, repr=False)
    shipping: Place | None = None
    billing: Place | None = None
    status_page_url: str | None = field(default=None, repr=False)
    attributes: dict[str, str] | None = field(default=None, repr=False)  # note attributes
    lines: tuple[LineFacts, ...] | None = None
    fulfillments: tuple[FulfillmentFacts, ...] | None = None
    has_return: bool | None = None  # an open or approved return exists
    complete: bool = False  # read from the API: lines, options and images are all there


@dataclass(frozen=True)
class ShopFacts:
    name: str
    email: str | None
    timezone: str  # IANA
    currency: str
    country: str | None
    scopes: str


@dataclass(frozen=True)
class SmsMarketing:
    """What a buyer decided about a shop's marketing texts, for the platform's own record."""

    customer_id: int
    subscribed: bool
    confirmed: bool  # by the phone itself: double opt-in
    at: datetime  # whole seconds


class Commerce(Protocol):
    def read_shop(self, access: ShopAccess) -> ShopFacts:
        """Name, zone, currency and granted scopes. Raises Temporary or Permanent."""
        ...

    def read_order(self, access: ShopAccess, order_id: int) -> OrderFacts | None:
        """One order in full, or None if Shopify does not know it. Raises Temporary, Permanent."""
        ...

    def orders_updated_since(
        self, access: ShopAccess, since: datetime
    ) -> Iterator[Sequence[OrderFacts]]:
        """Pages of orders changed since then, oldest change first, for the nightly poll."""
        ...

    def write_sms_marketing(self, access: ShopAccess, change: SmsMarketing) -> None:
        """Set the customer's SMS marketing consent; the same twice is harmless. Raises Refused
        (no such customer, or one without a phone), Temporary, Permanent, Unknowable."""
        ...
