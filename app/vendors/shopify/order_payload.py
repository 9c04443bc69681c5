"""An order as webhooks write it, in the words of `orders.ports`.

Called by `webhooks`. The payload of `orders/*` holds nearly all that the API would tell; what it
lacks are the variants' options (the size) and the images, so `complete` stays False
(https://shopify.dev/docs/api/webhooks, API version 2026-10):

    {"id": 5678901234567, "name": "#1042", "updated_at": "2026-11-20T15:42:33-05:00",
     "phone": null, "customer": {"id": 7012345678901, "first_name": "Maya", "phone": …},
     "shipping_address": {"zip": "97205", "country_code": "US", "phone": …},
     "note_attributes": [{"name": "doorstep_care_consent", "value": "Text me about this order"}],
     "line_items": [{"id": 13900000000001, "title": "Trail Runner Jacket", "quantity": 1, …}],
     "fulfillments": [{"id": 4321098765432, "shipment_status": "delivered", …}], …}
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, TypeVar

from app.foundation.errors import Refused
from app.orders.ports import CustomerFacts, FulfillmentFacts, LineFacts, OrderFacts, Place
from app.vendors.shopify.values import (
    moment,
    money,
    named_values,
    phones,
    record,
    records,
    text,
    whole,
    word,
)

Payload = Mapping[str, Any]
_T = TypeVar("_T")

# An order without any time of change: older than whatever is known of it.
_EVER_BEFORE = datetime(1970, 1, 1, tzinfo=UTC)
_RETURNED = ("requested", "open", "closed")  # not declined, not cancelled


class MalformedPayload(Refused):
    """The payload lacks the ids of what it is about."""

    def __init__(self, what: str) -> None:
        super().__init__("malformed_payload", f"{what} is missing or no id")


def parse_order(payload: Payload) -> OrderFacts:
    """`orders/create`, `orders/updated`, `orders/cancelled`: the order as it is now."""
    payload = record(payload)
    shipping, billing = payload.get("shipping_address"), payload.get("billing_address")
    updated_at = moment(payload.get("updated_at")) or moment(payload.get("created_at"))
    return OrderFacts(
        shopify_id=id_of(payload, "id"),
        updated_at=updated_at or _EVER_BEFORE,
        name=text(payload.get("name")),
        created_at=moment(payload.get("created_at")),
        cancelled_at=moment(payload.get("cancelled_at")),
        financial_status=word(payload.get("financial_status")),
        fulfillment_status=_fulfillment_status(payload),
        currency=text(payload.get("currency")),
        total_price=money(payload.get("total_price")),
        locale=text(payload.get("customer_locale")),
        customer=_customer(payload),
        phones=_phones(payload),
        shipping=place_of(shipping),
        billing=place_of(billing),
        status_page_url=text(payload.get("order_status_url")),
        attributes=named_values(payload.get("note_attributes"), "name"),
        lines=_all(payload, "line_items", _line),
        fulfillments=_all(payload, "fulfillments", parse_fulfillment),
        has_return=_has_return(payload),
    )


def _fulfillment_status(payload: Payload) -> str | None:
    """Null means that nothing was shipped yet, which is not the same as not knowing."""
    known = "fulfillment_status" in payload
    return (word(payload["fulfillment_status"]) or "unfulfilled") if known else None


def _customer(payload: Payload) -> CustomerFacts | None:
    customer = record(payload.get("customer"))
    facts = CustomerFacts(
        shopify_id=whole(customer.get("id")),
        first_name=text(customer.get("first_name")),
        last_name=text(customer.get("last_name")),
        email=text(payload.get("email")) or text(customer.get("email")),
    )
    return None if facts == CustomerFacts() else facts


def _phones(payload: Payload) -> tuple[str, ...] | None:
    """In the documented order. None where a number may exist but is withheld from us."""
    holders = [
        payload,
        payload.get("shipping_address"),
        payload.get("customer"),
        payload.get("billing_address"),
    ]
    found = phones(record(holder).get("phone") for holder in holders)
    told = all("phone" in holder for holder in holders if isinstance(holder, Mapping))
    return found if found or told else None


def _line(line: Payload) -> LineFacts | None:
    line_id, quantity = whole(line.get("id")), whole(line.get("quantity"))
    if line_id is None:
        return None
    return LineFacts(
        shopify_id=line_id,
        title=text(line.get("title")) or "",
        quantity=quantity if quantity is not None else 1,
        current_quantity=whole(line.get("current_quantity")),
        variant_title=text(line.get("variant_title")),
        sku=text(line.get("sku")),
        product_id=whole(line.get("product_id")),
        variant_id=whole(line.get("variant_id")),
        requires_shipping=line.get("requires_shipping") is not False,
    )


def _has_return(payload: Payload) -> bool | None:
    if not isinstance(payload.get("returns"), list):
        return None
    return any(word(one.get("status")) in _RETURNED for one in records(payload["returns"]))


def parse_fulfillment(payload: Payload) -> FulfillmentFacts | None:
    """A parcel, alone or within an order; None without an id."""
    parcel_id = whole(payload.get("id"))
    if parcel_id is None:
        return None
    lines = (whole(line.get("id")) for line in records(payload.get("line_items")))
    return FulfillmentFacts(
        shopify_id=parcel_id,
        status=word(payload.get("status")),
        shipment_status=word(payload.get("shipment_status")),
        tracking_company=text(payload.get("tracking_company")),
        tracking_number=text(payload.get("tracking_number")),
        tracking_url=text(payload.get("tracking_url")),
        created_at=moment(payload.get("created_at")),
        updated_at=moment(payload.get("updated_at")),
        estimated_delivery_at=moment(payload.get("estimated_delivery_at")),
        line_ids=tuple(line_id for line_id in lines if line_id is not None),
    )


def place_of(address: object) -> Place | None:
    if not isinstance(address, Mapping):
        return None
    return Place(
        country=text(address.get("country_code")),
        region=text(address.get("province_code")),
        zip=text(address.get("zip")),
    )


def id_of(payload: Payload, field: str) -> int:
    number = whole(payload.get(field))
    if number is None:
        raise MalformedPayload(field)
    return number


def _all(
    payload: Payload, field: str, parse: Callable[[Payload], _T | None]
) -> tuple[_T, ...] | None:
    """Every entry that has an id; None if the payload does not tell of them."""
    if not isinstance(payload.get(field), list):
        return None
    parsed = (parse(one) for one in records(payload[field]))
    return tuple(one for one in parsed if one is not None)
