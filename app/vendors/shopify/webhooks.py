"""What Shopify posts to our door: is it Shopify, and what does it say?

Called by the door (`verify`) and by the receipts' worker (`TOPICS`); pure functions, no Flask, no
database, no clock. Bound by https://shopify.dev/docs/apps/build/webhooks/verify-deliveries and the
webhook reference of API version 2026-10. A carrier's scan, `fulfillment_events/create`:

    X-Shopify-Topic: fulfillment_events/create
    X-Shopify-Shop-Domain: acme-outfitters.myshopify.com
    X-Shopify-Hmac-Sha256: qvC09Yrt5I4Msn2WOweQrdOU9vWU4LYdvFmoQzrnFgM=
    X-Shopify-Webhook-Id: 545ebdd4-b7be-4d3d-b14e-54aa78e0e0f9

    {"id": 991000008, "fulfillment_id": 4321098765432, "order_id": 5678901234567,
     "status": "delivered", "happened_at": "2026-11-20T15:42:10-05:00",
     "estimated_delivery_at": null, "message": "Delivered, front door", "zip": "97205", …}

Deliveries come twice, late and in any order. Values and fields that we do not know are let through
or passed by; fields that Shopify withholds (protected customer data) are None. Only a payload
without the ids that it is about is refused, for no later look could make sense of it.
"""

from __future__ import annotations

import hmac
from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence

from app.orders import facts as f
from app.vendors.shopify.order_payload import (
    MalformedPayload,
    Payload,
    id_of,
    parse_fulfillment,
    parse_order,
    place_of,
)
from app.vendors.shopify.values import (
    moment,
    number_of,
    record,
    records,
    text,
    whole,
    word,
)

__all__ = ["TOPICS", "MalformedPayload", "verify"]


def verify(raw_body: bytes, header: str | None, secrets: Sequence[str]) -> bool:
    """Whether X-Shopify-Hmac-Sha256 proves the body with one of the app's secrets.

    secrets: the current one, then the one before it: after a rotation Shopify may go on signing
    with the old secret for an hour. Constant time; never raises.
    """
    if not header or not header.isascii():
        return False
    given = header.encode()
    proven = False
    for secret in secrets:
        if secret:  # an empty key is one that anybody has
            digest = b64encode(hmac.digest(secret.encode(), raw_body, "sha256"))
            proven |= hmac.compare_digest(digest, given)
    return proven


# --- Parcels


def parse_fulfillment_change(payload: Payload) -> f.FulfillmentChanged:
    """`fulfillments/create`, `fulfillments/update`."""
    payload = record(payload)
    fulfillment = parse_fulfillment(payload)
    if fulfillment is None:
        raise MalformedPayload("id")
    destination = payload.get("destination")
    return f.FulfillmentChanged(
        order_id=id_of(payload, "order_id"),
        fulfillment=fulfillment,
        updated_at=fulfillment.updated_at,
        shipping=place_of(destination),
        phone=text(record(destination).get("phone")),
    )


def parse_scan(payload: Payload) -> f.CarrierScan:
    """`fulfillment_events/create`."""
    payload = record(payload)
    return f.CarrierScan(
        order_id=id_of(payload, "order_id"),
        fulfillment_id=id_of(payload, "fulfillment_id"),
        event_id=id_of(payload, "id"),
        status=word(payload.get("status")),
        happened_at=moment(payload.get("happened_at")) or moment(payload.get("created_at")),
        estimated_delivery_at=moment(payload.get("estimated_delivery_at")),
    )


# --- Refunds, returns, consent


def parse_refund(payload: Payload) -> f.RefundMade:
    payload = record(payload)
    quantities: dict[int, int] = {}
    for line in records(payload.get("refund_line_items")):
        line_id, quantity = whole(line.get("line_item_id")), whole(line.get("quantity"))
        if line_id is not None and quantity:
            quantities[line_id] = quantities.get(line_id, 0) + quantity
    return f.RefundMade(
        order_id=id_of(payload, "order_id"),
        refund_id=id_of(payload, "id"),
        created_at=moment(payload.get("created_at")),
        quantities=quantities,
    )


def parse_return(payload: Payload) -> f.ReturnChanged:
    payload = record(payload)
    order = record(payload.get("order"))
    order_id = whole(order.get("id")) or number_of(order.get("admin_graphql_api_id"))
    return f.ReturnChanged(
        order_id=order_id or id_of(payload, "order_id"),
        return_id=id_of(payload, "id"),
        status=word(payload.get("status")),
    )


def parse_sms_consent(payload: Payload) -> f.SmsConsentChanged:
    payload = record(payload)
    consent = record(payload.get("sms_marketing_consent"))
    return f.SmsConsentChanged(
        customer_id=id_of(payload, "id"),
        phone=text(payload.get("phone")),
        state=word(consent.get("state")),
        opt_in_level=word(consent.get("opt_in_level")),
        at=moment(consent.get("consent_updated_at")),
        collected_from=text(consent.get("consent_collected_from")),
    )


# --- The app itself, and the right to be forgotten


def parse_uninstall(payload: Payload) -> f.AppUninstalled:
    return f.AppUninstalled(domain=text(record(payload).get("myshopify_domain")))


def parse_scopes(payload: Payload) -> f.ScopesUpdated:
    current = record(payload).get("current")
    if not isinstance(current, list):
        return f.ScopesUpdated(scopes=None)
    return f.ScopesUpdated(scopes=tuple(scope for one in current if (scope := text(one))))


def parse_data_request(payload: Payload) -> f.CustomerDataRequested:
    customer_id, phone, email, order_ids = _person(payload, "orders_requested")
    return f.CustomerDataRequested(customer_id, phone, email, order_ids)


def parse_redact(payload: Payload) -> f.CustomerRedactRequested:
    customer_id, phone, email, order_ids = _person(payload, "orders_to_redact")
    return f.CustomerRedactRequested(customer_id, phone, email, order_ids)


def parse_shop_redact(payload: Payload) -> f.ShopRedactRequested:
    return f.ShopRedactRequested(domain=text(record(payload).get("shop_domain")))


TOPICS: Mapping[str, Callable[[Payload], f.Fact]] = {
    "orders/create": parse_order,
    "orders/updated": parse_order,
    "orders/cancelled": parse_order,
    "fulfillments/create": parse_fulfillment_change,
    "fulfillments/update": parse_fulfillment_change,
    "fulfillment_events/create": parse_scan,
    "refunds/create": parse_refund,
    "returns/request": parse_return,
    "returns/approve": parse_return,
    "customers_marketing_consent/update": parse_sms_consent,
    "app/uninstalled": parse_uninstall,
    "app/scopes_update": parse_scopes,
    "customers/data_request": parse_data_request,
    "customers/redact": parse_redact,
    "shop/redact": parse_shop_redact,
}
"""Each topic of `shopify.app.toml`, with what makes a fact of its payload."""


def _person(
    payload: Payload, orders: str
) -> tuple[int | None, str | None, str | None, tuple[int, ...]]:
    """Whom a compliance request is about: a customer, or (a guest) only orders or an address."""
    payload = record(payload)
    customer, listed = record(payload.get("customer")), payload.get(orders)
    found = (whole(one) for one in listed) if isinstance(listed, list) else ()
    order_ids = tuple(order_id for order_id in found if order_id is not None)
    customer_id = whole(customer.get("id"))
    phone, email = text(customer.get("phone")), text(customer.get("email"))
    if customer_id is None and not (phone or email or order_ids):
        raise MalformedPayload("customer.id")
    return customer_id, phone, email, order_ids
