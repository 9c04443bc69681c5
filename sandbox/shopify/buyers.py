"""Buyers: the shop's customers with address, phone and SMS marketing consent."""

from __future__ import annotations

from typing import Any

from sandbox.shopify import payloads
from sandbox.shopify.store import Record
from sandbox.shopify.world import ActionRefused, ShopifyWorld

SMS_STATES = ("subscribed", "unsubscribed", "not_subscribed", "pending")
OPT_IN_LEVELS = ("single_opt_in", "confirmed_opt_in", "unknown")

COUNTRIES = {
    "US": "United States",
    "CA": "Canada",
    "GB": "United Kingdom",
    "DE": "Germany",
    "FR": "France",
    "AU": "Australia",
}
STATES = {
    "AZ": "Arizona",
    "CA": "California",
    "CO": "Colorado",
    "FL": "Florida",
    "IL": "Illinois",
    "MA": "Massachusetts",
    "NY": "New York",
    "OR": "Oregon",
    "TX": "Texas",
    "WA": "Washington",
}


def address(
    *,
    buyer: str,
    phone: str | None,
    address1: str,
    city: str,
    state: str | None,
    zip_code: str | None,
    country: str,
) -> Record:
    """A mailing address as kept here; webhooks show the same keys."""
    first, _, last = buyer.partition(" ")
    return {
        "first_name": first,
        "last_name": last,
        "name": buyer,
        "company": None,
        "address1": address1,
        "address2": None,
        "city": city,
        "zip": zip_code,
        "province": STATES.get(state or "", state),
        "province_code": state,
        "country": COUNTRIES.get(country, country),
        "country_code": country,
        "phone": phone,
        "latitude": None,
        "longitude": None,
    }


def find_or_add(
    world: ShopifyWorld,
    shop: Record,
    *,
    buyer: str,
    phone: str | None,
    email: str | None,
    locale: str,
    home: Record,
) -> Record:
    """The customer with this phone or e-mail; a new one if there is none."""
    known = world.store.customer_by(shop["domain"], phone=phone, email=email)
    if known is not None:
        return known
    first, _, last = buyer.partition(" ")
    now = world.stamp()
    customer: Record = {
        "id": world.store.next_id(),
        "shop": shop["domain"],
        "first_name": first,
        "last_name": last,
        "email": email,
        "phone": phone,
        "locale": locale,
        "created_at": now,
        "updated_at": now,
        "orders": 0,
        "sms": {
            "state": "not_subscribed",
            "opt_in_level": "single_opt_in",
            "consent_updated_at": None,
            "consent_collected_from": "SHOPIFY",
        },
        "address": {"id": world.store.next_id(), **home},
    }
    world.store.put_customer(customer)
    return customer


def change_sms_consent(
    world: ShopifyWorld,
    shop: Record,
    customer: Record,
    state: str,
    *,
    opt_in_level: str | None = None,
    at: str | None = None,
    collected_from: str = "SHOPIFY",
) -> Record:
    """The buyer (or the app) changes SMS marketing consent; sends its webhook."""
    if state not in SMS_STATES:
        raise ActionRefused(f"state must be one of {', '.join(SMS_STATES)}")
    if not customer["phone"]:
        raise ActionRefused("the customer has no phone number")
    with world.store.changing():
        customer["sms"] = {
            "state": state,
            "opt_in_level": opt_in_level or customer["sms"]["opt_in_level"],
            "consent_updated_at": at or world.stamp(),
            "consent_collected_from": collected_from,
        }
        customer["updated_at"] = world.stamp()
        world.store.put_customer(customer)
        body = payloads.sms_consent(shop, customer)
        world.announce(shop, "customers_marketing_consent/update", body)
        world.tell_page("customer", {"customer_id": customer["id"], "sms": state})
    return customer


def find(
    world: ShopifyWorld, shop: Record, *, customer_id: int | None = None, phone: str | None = None
) -> Record:
    """The customer with this id or phone. Raises ActionRefused."""
    found = (
        world.store.customer(customer_id)
        if customer_id is not None
        else world.store.customer_by(shop["domain"], phone=phone, email=None)
    )
    if found is None or found["shop"] != shop["domain"]:
        raise ActionRefused("no such customer at this shop")
    return found


def compliance(world: ShopifyWorld, shop: Record, customer: Record, topic: str) -> None:
    """`customers/data_request` or `customers/redact` for one buyer and their orders."""
    orders = world.store.orders(
        "shop = ? AND json_extract(body, '$.customer_id') = ?",
        [shop["domain"], customer["id"]],
        "id",
        1000,
    )
    ids = [order["id"] for order in orders]
    body: dict[str, Any] = {
        "shop_id": shop["id"],
        "shop_domain": shop["domain"],
        "customer": {
            "id": customer["id"],
            "email": customer["email"],
            "phone": customer["phone"],
        },
    }
    if topic == "customers/redact":
        body["orders_to_redact"] = ids
    else:
        body["orders_requested"] = ids
        body["data_request"] = {"id": world.store.next_id()}
    world.announce(shop, topic, body)
