"""Orders, parcels and buyers as GraphQL shows them: one dict of fields per type.

A value may be a callable, which is then called with the field's arguments. A field of the real
schema that is missing here is refused loudly by `graph` (HTTP 501), never answered with null.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from sandbox.shopify import payloads
from sandbox.shopify.connections import connection
from sandbox.shopify.goods import image_view, product_view, variant_view
from sandbox.shopify.notation import gid
from sandbox.shopify.store import Record
from sandbox.shopify.world import ShopifyWorld

FULFILLMENT_STATUSES = {
    None: "UNFULFILLED",
    "partial": "PARTIALLY_FULFILLED",
    "fulfilled": "FULFILLED",
}


def money_view(amount: str | Decimal, currency: str) -> Record:
    """Shopify writes 188.00 as "188.0"."""
    text = f"{Decimal(amount):.2f}"
    one = {"amount": text[:-1] if text.endswith("0") else text, "currencyCode": currency}
    return {"shopMoney": one, "presentmentMoney": one}


def order_view(world: ShopifyWorld, order: Record) -> Record:
    shop = world.shop(order["shop"])
    currency = order["currency"]
    refunded = sum((Decimal(one["amount"]) for one in order["refunds"]), Decimal(0))
    total = Decimal(order["total"])

    def parcels(first: int | None = None, query: str | None = None) -> list[Record]:
        chosen = order["fulfillments"][: first or 250]
        return [parcel_view(world, order, one) for one in chosen]

    return {
        "__typename": "Order",
        "id": gid("Order", order["id"]),
        "legacyResourceId": str(order["id"]),
        "name": order["name"],
        "number": order["number"],
        "email": order["email"],
        "phone": order["phone"],
        "customerLocale": order["locale"],
        "note": None,
        "tags": [],
        "test": True,
        "createdAt": order["created_at"],
        "updatedAt": order["updated_at"],
        "processedAt": order["created_at"],
        "cancelledAt": order["cancelled_at"],
        "cancelReason": order["cancel_reason"] and order["cancel_reason"].upper(),
        "closed": False,
        "closedAt": None,
        "confirmed": True,
        "confirmationNumber": order["token"][:9].upper(),
        "sourceName": "web",
        "currencyCode": currency,
        "presentmentCurrencyCode": currency,
        "displayFinancialStatus": order["financial_status"].upper(),
        "displayFulfillmentStatus": FULFILLMENT_STATUSES[payloads.fulfillment_status(order)],
        "returnStatus": return_status(order),
        "statusPageUrl": lambda **_: payloads.status_page(shop, order),
        "subtotalPriceSet": money_view(order["subtotal"], currency),
        "totalPriceSet": money_view(total, currency),
        "totalShippingPriceSet": money_view(order["shipping"], currency),
        "currentTotalPriceSet": money_view(total - refunded, currency),
        "totalRefundedSet": money_view(refunded, currency),
        "fullyPaid": True,
        "unpaid": False,
        "refundable": refunded < total,
        "requiresShipping": True,
        "customAttributes": [
            {"key": one["name"], "value": one["value"]} for one in order["note_attributes"]
        ],
        "customer": lambda: customer_of(world, order),
        "shippingAddress": address_view(order["shipping_address"], f"{order['id']}1"),
        "billingAddress": address_view(order["billing_address"], f"{order['id']}2"),
        "lineItems": lambda **asked: connection(
            [line_view(world, order, one) for one in order["lines"]], **asked
        ),
        "fulfillments": parcels,
        "fulfillmentsCount": {"count": len(order["fulfillments"]), "precision": "EXACT"},
        "returns": lambda query=None, **asked: connection(
            [return_view(world, order, one) for one in order["returns"]], **asked
        ),
        "refunds": lambda first=None: [
            refund_view(world, order, one) for one in order["refunds"][: first or 250]
        ],
    }


def return_status(order: Record) -> str:
    statuses = {one["status"] for one in order["returns"]}
    if "OPEN" in statuses:
        return "IN_PROGRESS"
    return "RETURN_REQUESTED" if "REQUESTED" in statuses else "NO_RETURN"


def line_view(world: ShopifyWorld, order: Record, line: Record) -> Record:
    left = max(0, line["current_quantity"] - payloads.line_shipped(order, line))
    return {
        "__typename": "LineItem",
        "id": gid("LineItem", line["id"]),
        "title": line["title"],
        "name": " - ".join(part for part in (line["title"], line["variant_title"]) if part),
        "variantTitle": line["variant_title"],
        "sku": line["sku"],
        "vendor": line["vendor"],
        "quantity": line["quantity"],
        "currentQuantity": line["current_quantity"],
        "refundableQuantity": line["current_quantity"],
        "unfulfilledQuantity": left,
        "nonFulfillableQuantity": line["quantity"] - line["current_quantity"],
        "requiresShipping": True,
        "taxable": True,
        "isGiftCard": False,
        "customAttributes": [],
        "originalUnitPriceSet": money_view(line["price"], order["currency"]),
        "discountedUnitPriceSet": money_view(line["price"], order["currency"]),
        "originalTotalSet": money_view(
            Decimal(line["price"]) * line["quantity"], order["currency"]
        ),
        "image": lambda **_: image_view(world, line["image"], line["title"]),
        "variant": lambda: variant_view(world, line["variant_id"]),
        "product": lambda: product_view(world, line["product_id"]),
    }


def parcel_view(world: ShopifyWorld, order: Record, parcel: Record) -> Record:
    by_status = {one["status"]: one["happened_at"] for one in parcel["events"]}
    lines = {one["id"]: one for one in order["lines"]}

    def events(sortKey: str = "HAPPENED_AT", **asked: Any) -> Record:
        ordered = sorted(parcel["events"], key=lambda one: (one["happened_at"], one["id"]))
        return connection([event_view(one) for one in ordered], **asked)

    return {
        "__typename": "Fulfillment",
        "id": gid("Fulfillment", parcel["id"]),
        "legacyResourceId": str(parcel["id"]),
        "name": parcel["name"],
        "status": parcel["status"].upper(),
        "displayStatus": display_status(parcel),
        "createdAt": parcel["created_at"],
        "updatedAt": parcel["updated_at"],
        "deliveredAt": by_status.get("delivered"),
        "inTransitAt": by_status.get("in_transit"),
        "estimatedDeliveryAt": parcel["estimated_delivery_at"],
        "requiresShipping": True,
        "totalQuantity": sum(part["quantity"] for part in parcel["lines"]),
        "order": lambda: order_view(world, order),
        "trackingInfo": lambda first=None: [
            {
                "company": parcel["carrier"],
                "number": parcel["tracking_number"],
                "url": parcel["tracking_url"],
            }
        ],
        "events": events,
        "fulfillmentLineItems": lambda **asked: connection(
            [
                {
                    "id": gid("FulfillmentLineItem", part["id"]),
                    "quantity": part["quantity"],
                    "lineItem": lambda part=part: line_view(world, order, lines[part["line_id"]]),
                }
                for part in parcel["lines"]
            ],
            **asked,
        ),
    }


def display_status(parcel: Record) -> str:
    if parcel["status"] != "success":
        return "CANCELED"
    return str(parcel["shipment_status"] or "fulfilled").upper()


def event_view(event: Record) -> Record:
    return {
        "__typename": "FulfillmentEvent",
        "id": gid("FulfillmentEvent", event["id"]),
        "status": event["status"].upper(),
        "message": event["message"],
        "happenedAt": event["happened_at"],
        "createdAt": event["created_at"],
        "estimatedDeliveryAt": event["estimated_delivery_at"],
        **{
            name: event[name]
            for name in ("address1", "city", "province", "country", "zip", "latitude", "longitude")
        },
    }


def return_view(world: ShopifyWorld, order: Record, one: Record) -> Record:
    return {
        "__typename": "Return",
        "id": gid("Return", one["id"]),
        "name": one["name"],
        "status": one["status"],
        "createdAt": one["created_at"],
        "closedAt": None,
        "totalQuantity": sum(part["quantity"] for part in one["lines"]),
        "order": lambda: order_view(world, order),
        "returnLineItems": lambda **asked: connection(
            [
                {
                    "__typename": "ReturnLineItem",
                    "id": gid("ReturnLineItem", part["id"]),
                    "quantity": part["quantity"],
                    "returnReasonNote": "",
                }
                for part in one["lines"]
            ],
            **asked,
        ),
    }


def refund_view(world: ShopifyWorld, order: Record, refund: Record) -> Record:
    lines = {one["id"]: one for one in order["lines"]}
    return {
        "__typename": "Refund",
        "id": gid("Refund", refund["id"]),
        "legacyResourceId": str(refund["id"]),
        "createdAt": refund["created_at"],
        "processedAt": refund["created_at"],
        "note": refund["note"],
        "order": lambda: order_view(world, order),
        "totalRefundedSet": money_view(refund["amount"], order["currency"]),
        "refundLineItems": lambda **asked: connection(
            [
                {
                    "id": gid("RefundLineItem", part["id"]),
                    "quantity": part["quantity"],
                    "lineItem": lambda part=part: line_view(world, order, lines[part["line_id"]]),
                }
                for part in refund["lines"]
            ],
            **asked,
        ),
    }


def customer_of(world: ShopifyWorld, order: Record) -> Record | None:
    customer = world.store.customer(order["customer_id"])
    return None if customer is None else customer_view(customer)


def customer_view(customer: Record) -> Record:
    sms = customer["sms"]
    state = sms["state"].upper()
    consent = {
        "state": "NEVER_SUBSCRIBED" if state == "NOT_SUBSCRIBED" else state,
        "optInLevel": sms["opt_in_level"].upper(),
        "updatedAt": sms["consent_updated_at"],
        "collectedFrom": sms["consent_collected_from"],
        "sourceLocation": None,
    }
    phone = {"phoneNumber": customer["phone"], "smsMarketingConsent": consent}
    return {
        "__typename": "Customer",
        "id": gid("Customer", customer["id"]),
        "legacyResourceId": str(customer["id"]),
        "firstName": customer["first_name"],
        "lastName": customer["last_name"],
        "displayName": f"{customer['first_name']} {customer['last_name']}".strip(),
        "email": customer["email"],
        "phone": customer["phone"],
        "locale": customer["locale"],
        "note": None,
        "tags": [],
        "state": "DISABLED",
        "verifiedEmail": True,
        "createdAt": customer["created_at"],
        "updatedAt": customer["updated_at"],
        "numberOfOrders": str(customer["orders"]),
        "defaultPhoneNumber": phone if customer["phone"] else None,
        "defaultEmailAddress": {"emailAddress": customer["email"]} if customer["email"] else None,
        "defaultAddress": address_view(customer["address"], str(customer["address"]["id"])),
    }


def address_view(address: Record, address_id: str) -> Record:
    shown = {
        "address1": "address1",
        "address2": "address2",
        "city": "city",
        "company": "company",
        "country": "country",
        "countryCodeV2": "country_code",
        "firstName": "first_name",
        "lastName": "last_name",
        "name": "name",
        "phone": "phone",
        "province": "province",
        "provinceCode": "province_code",
        "zip": "zip",
        "latitude": "latitude",
        "longitude": "longitude",
    }
    view: Record = {name: address[key] for name, key in shown.items()}
    return {"__typename": "MailingAddress", "id": gid("MailingAddress", address_id), **view}
