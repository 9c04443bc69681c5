"""Webhook bodies, shaped as Shopify's sample payloads (https://shopify.dev/docs/api/webhooks).

Moments are in the shop's zone, ids are numbers, money is text.
"""

from __future__ import annotations

from decimal import Decimal

from sandbox.shopify.notation import gid, local
from sandbox.shopify.store import Record

# Fields of an order whose value is the same for every order of this emulator.
ORDER_CONSTANTS: Record = {
    "app_id": 580111,
    "browser_ip": None,
    "cart_token": None,
    "checkout_token": None,
    "client_details": None,
    "closed_at": None,
    "confirmed": True,
    "current_total_discounts": "0.00",
    "current_total_tax": "0.00",
    "discount_applications": [],
    "discount_codes": [],
    "duties_included": False,
    "estimated_taxes": False,
    "line_item_groups": [],
    "location_id": None,
    "note": None,
    "payment_gateway_names": ["shopify_payments"],
    "payment_terms": None,
    "po_number": None,
    "source_name": "web",
    "tags": "",
    "tax_exempt": False,
    "tax_lines": [],
    "taxes_included": False,
    "test": True,
    "total_discounts": "0.00",
    "total_outstanding": "0.00",
    "total_tax": "0.00",
    "total_tip_received": "0.00",
    "total_weight": 800,
    "user_id": None,
}


def money(amount: str | Decimal, currency: str) -> Record:
    one = {"amount": f"{Decimal(amount):.2f}", "currency_code": currency}
    return {"shop_money": one, "presentment_money": dict(one)}


def order(shop: Record, order: Record, customer: Record | None) -> Record:
    """`orders/create`, `orders/updated`, `orders/cancelled`."""
    currency = order["currency"]
    refunded = sum((Decimal(one["amount"]) for one in order["refunds"]), Decimal(0))
    left = Decimal(order["subtotal"]) - min(refunded, Decimal(order["subtotal"]))
    return {
        **ORDER_CONSTANTS,
        "id": order["id"],
        "admin_graphql_api_id": gid("Order", order["id"]),
        "buyer_accepts_marketing": bool(customer and customer["sms"]["state"] == "subscribed"),
        "cancel_reason": order["cancel_reason"],
        "cancelled_at": local(order["cancelled_at"], shop),
        "confirmation_number": order["token"][:9].upper(),
        "contact_email": order["email"],
        "created_at": local(order["created_at"], shop),
        "currency": currency,
        "current_total_price": f"{Decimal(order['total']) - refunded:.2f}",
        "current_total_price_set": money(Decimal(order["total"]) - refunded, currency),
        "current_subtotal_price": f"{left:.2f}",
        "current_subtotal_price_set": money(left, currency),
        "customer_locale": order["locale"],
        "email": order["email"],
        "financial_status": order["financial_status"],
        "fulfillment_status": fulfillment_status(order),
        "name": order["name"],
        "note_attributes": order["note_attributes"],
        "number": order["number"] - 1000,
        "order_number": order["number"],
        "order_status_url": status_page(shop, order),
        "phone": order["phone"],
        "presentment_currency": currency,
        "processed_at": local(order["created_at"], shop),
        "subtotal_price": order["subtotal"],
        "subtotal_price_set": money(order["subtotal"], currency),
        "token": order["token"],
        "total_line_items_price": order["subtotal"],
        "total_price": order["total"],
        "total_price_set": money(order["total"], currency),
        "total_shipping_price_set": money(order["shipping"], currency),
        "updated_at": local(order["updated_at"], shop),
        "billing_address": order["billing_address"],
        "customer": None if customer is None else customer_body(shop, customer),
        "fulfillments": [fulfillment(shop, order, one) for one in order["fulfillments"]],
        "line_items": [line(order, one) for one in order["lines"]],
        "refunds": [refund(shop, order, one) for one in order["refunds"]],
        "shipping_address": order["shipping_address"],
        "shipping_lines": [
            {
                "id": order["id"] + 1,
                "code": "Standard",
                "price": order["shipping"],
                "price_set": money(order["shipping"], currency),
                "source": "shopify",
                "title": "Standard",
                "discounted_price": order["shipping"],
                "discounted_price_set": money(order["shipping"], currency),
                "carrier_identifier": None,
                "requested_fulfillment_service_id": None,
                "phone": None,
                "is_removed": False,
                "tax_lines": [],
                "discount_allocations": [],
            }
        ],
        "returns": [
            {"id": one["id"], "admin_graphql_api_id": gid("Return", one["id"]), "name": one["name"]}
            for one in order["returns"]
        ],
    }


def line(order: Record, line: Record, *, quantity: int | None = None) -> Record:
    shipped = line_shipped(order, line)
    left = max(0, line["current_quantity"] - shipped)
    status = "fulfilled" if not left and shipped else ("partial" if shipped else None)
    body: Record = {
        "id": line["id"],
        "admin_graphql_api_id": gid("LineItem", line["id"]),
        "variant_id": line["variant_id"],
        "product_id": line["product_id"],
        "product_exists": line["product_id"] is not None,
        "title": line["title"],
        "variant_title": line["variant_title"],
        "name": " - ".join(part for part in (line["title"], line["variant_title"]) if part),
        "sku": line["sku"],
        "quantity": line["quantity"] if quantity is None else quantity,
        "vendor": line["vendor"],
        "fulfillment_service": "manual",
        "requires_shipping": True,
        "taxable": True,
        "gift_card": False,
        "variant_inventory_management": "shopify",
        "properties": [],
        "fulfillable_quantity": left,
        "grams": 400,
        "price": line["price"],
        "price_set": money(line["price"], order["currency"]),
        "total_discount": "0.00",
        "total_discount_set": money("0", order["currency"]),
        "fulfillment_status": status,
        "discount_allocations": [],
        "duties": [],
        "tax_lines": [],
    }
    if quantity is None:  # a parcel's lines lack these
        body |= {"attributed_staffs": [], "current_quantity": line["current_quantity"]}
        body["sales_line_item_group_id"] = None
    return body


def fulfillment(shop: Record, order: Record, parcel: Record) -> Record:
    """`fulfillments/create`, `fulfillments/update`."""
    lines = {one["id"]: one for one in order["lines"]}
    number, url = parcel["tracking_number"], parcel["tracking_url"]
    return {
        "id": parcel["id"],
        "admin_graphql_api_id": gid("Fulfillment", parcel["id"]),
        "order_id": order["id"],
        "name": parcel["name"],
        "status": parcel["status"],
        "shipment_status": parcel["shipment_status"],
        "created_at": local(parcel["created_at"], shop),
        "updated_at": local(parcel["updated_at"], shop),
        "service": "manual",
        "tracking_company": parcel["carrier"],
        "tracking_number": number,
        "tracking_numbers": [number] if number else [],
        "tracking_url": url,
        "tracking_urls": [url] if url else [],
        "location_id": 71_230_000_001,
        "origin_address": None,
        "email": order["email"],
        "destination": order["shipping_address"],
        "line_items": [
            line(order, lines[one["line_id"]], quantity=one["quantity"]) for one in parcel["lines"]
        ],
        "receipt": {},
    }


def fulfillment_event(shop: Record, order: Record, event: Record) -> Record:
    """`fulfillment_events/create`."""
    moments = ("happened_at", "created_at", "estimated_delivery_at")
    body = {key: value for key, value in event.items() if key not in moments}
    body |= {key: local(event[key], shop) for key in moments}
    return body | {
        "shop_id": shop["id"],
        "order_id": order["id"],
        "updated_at": local(event["created_at"], shop),
        "admin_graphql_api_id": gid("FulfillmentEvent", event["id"]),
    }


def refund(shop: Record, order: Record, refund: Record) -> Record:
    """`refunds/create`."""
    lines = {one["id"]: one for one in order["lines"]}
    currency = order["currency"]
    at = local(refund["created_at"], shop)

    def refunded(part: Record) -> Record:
        subtotal = Decimal(lines[part["line_id"]]["price"]) * part["quantity"]
        return {
            "id": part["id"],
            "quantity": part["quantity"],
            "line_item_id": part["line_id"],
            "location_id": None,
            "restock_type": "no_restock",
            "subtotal": float(subtotal),
            "total_tax": 0.0,
            "subtotal_set": money(subtotal, currency),
            "total_tax_set": money("0", currency),
        }

    return {
        "id": refund["id"],
        "admin_graphql_api_id": gid("Refund", refund["id"]),
        "order_id": order["id"],
        "created_at": at,
        "processed_at": at,
        "note": refund["note"],
        "user_id": None,
        "restock": False,
        "refund_line_items": [refunded(part) for part in refund["lines"]],
        "transactions": [
            {
                "id": refund["transaction_id"],
                "admin_graphql_api_id": gid("OrderTransaction", refund["transaction_id"]),
                "order_id": order["id"],
                "kind": "refund",
                "gateway": "shopify_payments",
                "status": "success",
                "message": None,
                "created_at": at,
                "test": True,
                "parent_id": order["id"] + 2,
                "amount": refund["amount"],
                "currency": currency,
            }
        ],
        "order_adjustments": [],
    }


def returned(order: Record, one: Record) -> Record:
    """`returns/request`, `returns/approve`: the lines are left out there, so re-read."""
    return {
        "id": one["id"],
        "admin_graphql_api_id": gid("Return", one["id"]),
        "status": one["status"].lower(),
        "order": {"id": order["id"], "admin_graphql_api_id": gid("Order", order["id"])},
        "total_return_line_items": len(one["lines"]),
        "name": one["name"],
        "return_line_items": [],
        "return_shipping_fees": [],
        "exchange_line_items": [],
        "total_exchange_line_items": 0,
    }


def customer_body(shop: Record, customer: Record) -> Record:
    return {
        "id": customer["id"],
        "admin_graphql_api_id": gid("Customer", customer["id"]),
        "created_at": local(customer["created_at"], shop),
        "updated_at": local(customer["updated_at"], shop),
        "first_name": customer["first_name"],
        "last_name": customer["last_name"],
        "state": "disabled",
        "note": None,
        "verified_email": True,
        "multipass_identifier": None,
        "tax_exempt": False,
        "email": customer["email"],
        "phone": customer["phone"],
        "currency": shop["currency"],
        "tax_exemptions": [],
        "default_address": {
            **customer["address"],
            "customer_id": customer["id"],
            "country_name": customer["address"]["country"],
            "default": True,
        },
    }


def sms_consent(shop: Record, customer: Record) -> Record:
    """`customers_marketing_consent/update`."""
    sms = customer["sms"]
    consent = {**sms, "consent_updated_at": local(sms["consent_updated_at"], shop)}
    return {"id": customer["id"], "phone": customer["phone"], "sms_marketing_consent": consent}


def shop(shop: Record) -> Record:
    """`app/uninstalled`."""
    return {
        "id": shop["id"],
        "name": shop["name"],
        "email": shop["email"],
        "customer_email": shop["email"],
        "domain": shop["domain"],
        "myshopify_domain": shop["domain"],
        "address1": "1 Depot Way",
        "address2": None,
        "city": "Portland",
        "zip": None,
        "province": None,
        "province_code": None,
        "country": shop["country"],
        "country_code": shop["country"],
        "country_name": shop["country"],
        "phone": None,
        "latitude": None,
        "longitude": None,
        "source": None,
        "currency": shop["currency"],
        "enabled_presentment_currencies": [shop["currency"]],
        "iana_timezone": shop["timezone"],
        "timezone": shop["timezone"],
        "primary_locale": "en",
        "primary_location_id": 71_230_000_001,
        "multi_location_enabled": False,
        "shop_owner": "Robin Vale",
        "plan_name": shop["plan"],
        "plan_display_name": shop["plan"].title(),
        "money_format": "${{amount}}",
        "money_with_currency_format": f"${{{{amount}}}} {shop['currency']}",
        "weight_unit": "lb",
        "eligible_for_payments": True,
        "has_storefront": True,
        "setup_required": False,
        "pre_launch_enabled": False,
        "marketing_sms_consent_enabled_at_checkout": True,
        "transactional_sms_disabled": False,
        "created_at": local(shop["created_at"], shop),
        "updated_at": local(shop["created_at"], shop),
    }


def line_shipped(order: Record, line: Record) -> int:
    """How many pieces of a line have left in parcels that still count."""
    return sum(
        part["quantity"]
        for parcel in order["fulfillments"]
        if parcel["status"] == "success"
        for part in parcel["lines"]
        if part["line_id"] == line["id"]
    )


def fulfillment_status(order: Record) -> str | None:
    """None, "partial" or "fulfilled"."""
    open_lines = [one for one in order["lines"] if one["current_quantity"] > 0] or order["lines"]
    shipped = [line_shipped(order, one) >= one["current_quantity"] for one in open_lines]
    if any(line_shipped(order, one) for one in order["lines"]):
        return "fulfilled" if all(shipped) else "partial"
    return None


def status_page(shop: Record, order: Record) -> str:
    return f"https://{shop['domain']}/{shop['id']}/orders/{order['token']}/authenticate"
