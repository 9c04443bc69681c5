"""Parcels: packed and shipped, scanned by the carrier, cancelled.

Each verb keeps the change and sends the webhooks that Shopify would: one delivery is told three
times, as `fulfillment_events/create`, `fulfillments/update` and `orders/updated`. With `announce`
off nothing is sent, as if the webhooks were lost: only the app's reconciling poll can find out.
"""

from __future__ import annotations

import secrets

from sandbox.shopify import payloads
from sandbox.shopify.admin_schema import compact_schema
from sandbox.shopify.store import Record
from sandbox.shopify.world import ActionRefused, ShopifyWorld

TRACKING_PAGES = {
    "UPS": "https://www.ups.com/WebTracking?trackNums={}",
    "USPS": "https://tools.usps.com/go/TrackConfirmAction?tLabels={}",
    "FedEx": "https://www.fedex.com/fedextrack/?trknbr={}",
}


def ship(
    world: ShopifyWorld,
    shop: Record,
    order: Record,
    *,
    parcels: int | list[list[int]] = 1,
    carrier: str = "UPS",
    estimated_delivery_at: str | None = None,
    announce: bool = True,
) -> list[Record]:
    """Pack what has not left yet: into so many parcels, or into these (lists of line positions)."""
    if order["cancelled_at"]:
        raise ActionRefused("the order is cancelled")
    left = [
        (line, line["current_quantity"] - payloads.line_shipped(order, line))
        for line in order["lines"]
    ]
    waiting = [(line, quantity) for line, quantity in left if quantity > 0]
    if isinstance(parcels, list):
        packed = [[left[i] for i in positions if left[i][1] > 0] for positions in parcels]
    else:
        # A line of several pieces may be split, so that two parcels need no two lines.
        pieces = [(line, 1) for line, quantity in waiting for _ in range(quantity)]
        whole = pieces if len(waiting) < parcels else waiting
        packed = [whole[n::parcels] for n in range(parcels)]
    if not packed or not all(packed):
        raise ActionRefused("there is not enough left to fill every parcel")
    shipped = []
    with world.store.changing():
        for contents in packed:
            parcel = _parcel(world, order, contents, carrier, estimated_delivery_at)
            order["fulfillments"].append(parcel)
            world.store.note_part(parcel["id"], order["id"])
            shipped.append(parcel)
        world.keep_order(order)
        if announce:
            for parcel in shipped:
                world.announce(
                    shop, "fulfillments/create", payloads.fulfillment(shop, order, parcel)
                )
            world.announce_order(shop, order, "orders/updated")
        world.tell_order(order, "shipped")
    return shipped


def _parcel(
    world: ShopifyWorld,
    order: Record,
    contents: list[tuple[Record, int]],
    carrier: str,
    estimated_delivery_at: str | None,
) -> Record:
    number = f"1Z{secrets.token_hex(8).upper()}"
    quantities: dict[int, int] = {}
    for line, quantity in contents:
        quantities[line["id"]] = quantities.get(line["id"], 0) + quantity
    return {
        "id": world.store.next_id(),
        "name": f"{order['name']}.{len(order['fulfillments']) + 1}",
        "status": "success",
        "shipment_status": None,
        "created_at": world.stamp(),
        "updated_at": world.stamp(),
        "carrier": carrier,
        "tracking_number": number,
        "tracking_url": TRACKING_PAGES.get(carrier, "https://track.example/{}").format(number),
        "estimated_delivery_at": estimated_delivery_at,
        "lines": [
            {"id": world.store.next_id(), "line_id": line_id, "quantity": quantity}
            for line_id, quantity in quantities.items()
        ],
        "events": [],
    }


def scan(
    world: ShopifyWorld,
    shop: Record,
    order: Record,
    parcel: Record,
    status: str,
    *,
    message: str | None = None,
    happened_at: str | None = None,
    estimated_delivery_at: str | None = None,
    announce: bool = True,
) -> Record:
    """The carrier reports something about one parcel. Raises ActionRefused."""
    allowed = compact_schema()["types"]["FulfillmentEventStatus"]["values"]
    if status.upper() not in allowed:
        raise ActionRefused(f"status must be one of {', '.join(allowed).lower()}")
    if parcel["status"] != "success":
        raise ActionRefused("the fulfillment is cancelled")
    home = order["shipping_address"]
    event: Record = {
        "id": world.store.next_id(),
        "fulfillment_id": parcel["id"],
        "status": status.lower(),
        "message": message,
        "happened_at": happened_at or world.stamp(),
        "created_at": world.stamp(),
        "estimated_delivery_at": estimated_delivery_at,
        "address1": None,
        "city": home["city"],
        "province": home["province_code"],
        "country": home["country_code"],
        "zip": home["zip"],
        "latitude": None,
        "longitude": None,
    }
    with world.store.changing():
        parcel["events"].append(event)
        latest = max(parcel["events"], key=lambda one: (one["happened_at"], one["id"]))
        parcel["shipment_status"] = latest["status"]
        parcel["estimated_delivery_at"] = estimated_delivery_at or parcel["estimated_delivery_at"]
        parcel["updated_at"] = world.stamp()
        world.keep_order(order)
        if announce:
            world.announce(
                shop,
                "fulfillment_events/create",
                payloads.fulfillment_event(shop, order, event),
            )
            world.announce(shop, "fulfillments/update", payloads.fulfillment(shop, order, parcel))
            world.announce_order(shop, order, "orders/updated")
        world.tell_order(order, status.lower())
    return event


def cancel_parcel(
    world: ShopifyWorld, shop: Record, order: Record, parcel: Record, *, announce: bool = True
) -> None:
    """The merchant cancels a fulfillment: its pieces are unshipped again."""
    if parcel["status"] != "success":
        raise ActionRefused("the fulfillment is cancelled already")
    with world.store.changing():
        parcel["status"] = "cancelled"
        parcel["updated_at"] = world.stamp()
        world.keep_order(order)
        if announce:
            world.announce(shop, "fulfillments/update", payloads.fulfillment(shop, order, parcel))
            world.announce_order(shop, order, "orders/updated")
        world.tell_order(order, "parcel cancelled")
