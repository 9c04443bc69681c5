"""A buyer checks out: the order, its lines, and whether care by text was agreed to.

`Basket` says who buys what; consent at checkout travels as an order attribute.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from decimal import Decimal

from sandbox.shopify import buyers, catalogue
from sandbox.shopify.store import Record
from sandbox.shopify.world import ActionRefused, ShopifyWorld

CARE_CONSENT_KEY = "doorstep_care_consent"
CARE_CONSENT_WORDING = (
    "Text me about my order: arrival check-in and help with fit or problems. "
    "Message and data rates may apply. Reply STOP to opt out."
)
SHIPPING = Decimal("8.00")


@dataclass(frozen=True)
class Basket:
    """Who buys what. `phone_on` says where the phone was left: shipping, order, billing, customer
    or none. `care_consent` True means the usual wording, a text means that wording."""

    buyer: str = "Maya Okafor"
    phone: str | None = "+14155550142"
    email: str | None = "maya.okafor@example.com"
    phone_on: tuple[str, ...] = ("shipping", "customer")
    address1: str = "418 Alder Street"
    city: str = "Portland"
    state: str | None = "OR"
    zip_code: str | None = "97205"
    country: str = "US"
    locale: str = "en-US"
    items: tuple[Record, ...] = ()
    care_consent: bool | str = True
    sms_marketing: bool = False
    attributes: tuple[Record, ...] = ()
    name: str | None = None
    created_at: str | None = None
    total: str | None = None


def place(world: ShopifyWorld, shop: Record, basket: Basket, *, announce: bool = True) -> Record:
    """A buyer checks out. Raises ActionRefused."""
    wanted = basket.items or ({"title": "Trail Runner Jacket", "variant_title": "M / Pine"},)
    with world.store.changing():
        lines = [_line(world, shop, item) for item in wanted]
        customer = _customer(world, shop, basket)
        number = int(shop["next_order_number"])
        shop["next_order_number"] = number + 1
        world.put_shop(shop)
        created = basket.created_at or world.stamp()
        subtotal = sum((Decimal(one["price"]) * one["quantity"] for one in lines), Decimal(0))
        shipping = _address(basket, "shipping")
        notes = list(basket.attributes)
        if basket.care_consent:
            wording = basket.care_consent
            wording = CARE_CONSENT_WORDING if wording is True else wording
            notes.append({"name": CARE_CONSENT_KEY, "value": wording})
        order: Record = {
            "id": world.store.next_id(),
            "shop": shop["domain"],
            "number": number,
            "name": basket.name or f"#{number}",
            "token": secrets.token_hex(16),
            "created_at": created,
            "updated_at": created,
            "cancelled_at": None,
            "cancel_reason": None,
            "currency": shop["currency"],
            "subtotal": f"{subtotal:.2f}",
            "shipping": f"{SHIPPING:.2f}",
            "total": basket.total or f"{subtotal + SHIPPING:.2f}",
            "financial_status": "paid",
            "email": basket.email,
            "phone": basket.phone if "order" in basket.phone_on else None,
            "locale": basket.locale,
            "note_attributes": notes,
            "customer_id": customer["id"],
            "shipping_address": shipping,
            "billing_address": _address(basket, "billing"),
            "lines": lines,
            "fulfillments": [],
            "refunds": [],
            "returns": [],
        }
        world.store.put_order(order)
        if announce:
            world.announce_order(shop, order, "orders/create")
        if basket.sms_marketing and customer["sms"]["state"] != "subscribed":
            buyers.change_sms_consent(world, shop, customer, "subscribed")
        world.tell_order(order, "placed")
    return order


def _customer(world: ShopifyWorld, shop: Record, basket: Basket) -> Record:
    customer = buyers.find_or_add(
        world,
        shop,
        buyer=basket.buyer,
        phone=basket.phone if "customer" in basket.phone_on else None,
        email=basket.email,
        locale=basket.locale,
        home=_address(basket, "customer"),
    )
    customer["orders"] += 1
    world.store.put_customer(customer)
    return customer


def _address(basket: Basket, place: str) -> Record:
    return buyers.address(
        buyer=basket.buyer,
        phone=basket.phone if place in basket.phone_on else None,
        address1=basket.address1,
        city=basket.city,
        state=basket.state,
        zip_code=basket.zip_code,
        country=basket.country,
    )


def _line(world: ShopifyWorld, shop: Record, item: Record) -> Record:
    """A line of the order for `{sku}` or `{title, variant_title?, price?, sku?}`, `quantity?`."""
    title, sku = item.get("title"), item.get("sku")
    if not title:
        link = world.store.get("sku", f"{shop['domain']}|{sku}")
        found = catalogue.variant(world.store, link["variant_id"]) if link else None
        if found is None:
            raise ActionRefused(f"nothing is sold under the sku {sku}")
        variant, product = found
        title = product["title"]
    else:
        variant = catalogue.product_for(
            world.store,
            shop["domain"],
            title=title,
            variant_title=item.get("variant_title"),
            sku=sku,
            price=str(item.get("price", "40.00")),
        )
    quantity = int(item.get("quantity", 1))
    if quantity < 1:
        raise ActionRefused("quantity is at least 1")
    bare = variant["title"] == "Default Title"
    return {
        "id": world.store.next_id(),
        "title": title,
        "variant_title": None if bare else variant["title"],
        "variant_id": variant["id"],
        "product_id": variant["product_id"],
        "sku": sku or variant["sku"],
        "vendor": shop["name"],
        "price": str(item.get("price", variant["price"])),
        "quantity": quantity,
        "current_quantity": quantity,
        "image": variant["image"],
    }
