"""The mutations that the emulator carries out; any other is refused as not emulated."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sandbox.shopify import buyers, parcels, views
from sandbox.shopify.notation import number
from sandbox.shopify.store import Record
from sandbox.shopify.world import ActionRefused, ShopifyWorld


def root(world: ShopifyWorld, shop: Record) -> Record:
    """The mutations of one shop, by name."""
    return {
        "fulfillmentEventCreate": lambda fulfillmentEvent: _report_scan(
            world, shop, fulfillmentEvent
        ),
        "customerSmsMarketingConsentUpdate": lambda input: _change_consent(world, shop, input),
    }


def _report_scan(world: ShopifyWorld, shop: Record, wanted: Record) -> Record:
    parcel_id = number(wanted["fulfillmentId"], "Fulfillment") or 0
    order = _own(world.store.order_of(parcel_id), shop)
    if order is None:
        path = ["fulfillmentEvent", "fulfillmentId"]
        return _refused("fulfillmentEvent", path, "Fulfillment does not exist.")
    parcel = next(one for one in order["fulfillments"] if one["id"] == parcel_id)
    try:
        event = parcels.scan(
            world,
            shop,
            order,
            parcel,
            wanted["status"].lower(),
            message=wanted.get("message"),
            happened_at=_stamp(world, wanted.get("happenedAt")),
            estimated_delivery_at=_stamp(world, wanted.get("estimatedDeliveryAt")),
        )
    except ActionRefused as refused:
        return _refused("fulfillmentEvent", ["fulfillmentEvent"], str(refused))
    return {"fulfillmentEvent": views.event_view(event), "userErrors": []}


def _change_consent(world: ShopifyWorld, shop: Record, wanted: Record) -> Record:
    path = ["input", "customerId"]
    customer = _own(world.store.customer(number(wanted["customerId"], "Customer") or 0), shop)
    if customer is None:
        return _refused("customer", path, "Customer not found", code="INVALID")
    consent = wanted["smsMarketingConsent"]
    path = ["input", "smsMarketingConsent"]
    if consent["marketingState"] in ("NOT_SUBSCRIBED", "REDACTED"):
        message = "Cannot specify NOT_SUBSCRIBED or REDACTED as a marketing state input"
        return _refused("customer", [*path, "marketingState"], message, code="INVALID")
    if not customer["phone"]:
        message = "A phone number is required to set the SMS consent state."
        return _refused("customer", path, message, code="INVALID")
    level = consent.get("marketingOptInLevel")
    buyers.change_sms_consent(
        world,
        shop,
        customer,
        consent["marketingState"].lower(),
        opt_in_level=level.lower() if level else None,
        at=_stamp(world, consent.get("consentUpdatedAt")),
        collected_from="OTHER",
    )
    return {"customer": views.customer_view(customer), "userErrors": []}


def _own(found: Record | None, shop: Record) -> Record | None:
    return found if found is not None and found["shop"] == shop["domain"] else None


def _stamp(world: ShopifyWorld, text: str | None) -> str | None:
    return None if text is None else world.stamp(datetime.fromisoformat(text))


def _refused(field: str, path: list[str], message: str, code: str | None = None) -> Record:
    error: dict[str, Any] = {"field": path, "message": message}
    if code is not None:
        error["code"] = code
    return {field: None, "userErrors": [error]}
