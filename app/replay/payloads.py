"""An exported order as the webhooks that Shopify would have sent of it.

Called by `play`, which posts them, and by `dry_run`, which reads them with the parsers of the
real door. Fields and words are those of API version 2026-10; see `vendors/shopify/order_payload`.
Ids are the run's own, so that a file can be played again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from app.replay.read_orders import Address, ExportedOrder
from app.replay.timetable import Kind, shipped_lines

ROOM_PER_RUN = 10**9
ROOM_PER_ORDER = 1000  # ids of an order, its lines and its parcel
PARCEL = 950
SCAN = 951
COUNTRIES = {"US": "United States", "CA": "Canada"}


@dataclass(frozen=True, slots=True)
class Webhook:
    topic: str
    payload: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Retold:
    """One order in this run: with ids of its own, at its new time."""

    order: ExportedOrder
    order_id: int
    shift: timedelta

    def at(self, moment: datetime | None) -> str | None:
        return (moment + self.shift).astimezone(UTC).isoformat() if moment else None


def webhooks_for(told: Retold, kind: Kind, at: datetime) -> list[Webhook]:
    """What Shopify posts when this happens to an order. An arrival comes by all three routes."""
    match kind:
        case Kind.PLACED:
            return [Webhook("orders/create", order_body(told, kind, at))]
        case Kind.SHIPPED:
            return [
                Webhook("fulfillments/create", parcel_body(told, at, at, None)),
                Webhook("orders/updated", order_body(told, kind, at)),
            ]
        case Kind.CANCELLED:
            return [Webhook("orders/cancelled", order_body(told, kind, at))]
        case Kind.ARRIVED:
            shipped = _shipped(told) or at
            return [
                Webhook("fulfillment_events/create", scan_body(told, at)),
                Webhook("fulfillments/update", parcel_body(told, shipped, at, "delivered")),
                Webhook("orders/updated", order_body(told, kind, at)),
            ]
        case Kind.REFUNDED:
            return [Webhook("orders/updated", order_body(told, kind, at))]


def order_body(told: Retold, kind: Kind, at: datetime) -> dict[str, Any]:
    """The order as it stands at that moment."""
    order = told.order
    shipped = set(shipped_lines(order)) if kind in (Kind.SHIPPED, Kind.ARRIVED) else set()
    lines = [
        {
            "id": told.order_id + 1 + place,
            **_titles(line.name),
            "quantity": line.quantity,
            "current_quantity": line.quantity,
            "price": line.price,
            "sku": line.sku or None,
            "requires_shipping": line.requires_shipping,
            "fulfillment_status": "fulfilled" if place in shipped else None,
        }
        for place, line in enumerate(order.lines)
    ]
    body: dict[str, Any] = {
        "id": told.order_id,
        "admin_graphql_api_id": f"gid://shopify/Order/{told.order_id}",
        "name": order.name,
        "created_at": told.at(order.placed_at),
        "updated_at": at.isoformat(),
        "cancelled_at": _cancelled(told, at),
        "currency": order.currency,
        "total_price": order.total,
        "financial_status": _financial_status(order, kind),
        "email": order.email or None,
        "phone": order.phone or None,
        "note_attributes": [
            {"name": name, "value": value} for name, value in order.attributes.items()
        ],
        "customer": _customer(order),
        "line_items": lines,
        "refunds": [],
        "returns": [],
        "test": True,
    }
    for field, address in (
        ("shipping_address", order.shipping),
        ("billing_address", order.billing),
    ):
        body[field] = address_body(address) if address else None
    # Later news of an order leave its parcels to the webhooks that are about them.
    if kind in (Kind.SHIPPED, Kind.ARRIVED):
        word = "delivered" if kind is Kind.ARRIVED else None
        body["fulfillments"] = [parcel_body(told, _shipped(told) or at, at, word)]
        body["fulfillment_status"] = "fulfilled" if len(shipped) == len(lines) else "partial"
    elif kind is Kind.PLACED:
        body["fulfillments"] = []
        body["fulfillment_status"] = None
    return body


def parcel_body(
    told: Retold, shipped: datetime, at: datetime, shipment_status: str | None
) -> dict[str, Any]:
    order = told.order
    return {
        "id": told.order_id + PARCEL,
        "order_id": told.order_id,
        "status": "success",
        "created_at": shipped.isoformat(),
        "updated_at": at.isoformat(),
        "shipment_status": shipment_status,
        "tracking_company": "UPS",
        "tracking_number": f"1Z{told.order_id % 10**16:016}",
        "destination": address_body(order.shipping) if order.shipping else None,
        "line_items": [
            {
                "id": told.order_id + 1 + place,
                **_titles(order.lines[place].name),
                "quantity": order.lines[place].quantity,
            }
            for place in shipped_lines(order)
        ],
    }


def scan_body(told: Retold, at: datetime) -> dict[str, Any]:
    to = told.order.shipping
    return {
        "id": told.order_id + SCAN,
        "fulfillment_id": told.order_id + PARCEL,
        "order_id": told.order_id,
        "status": "delivered",
        "message": "Delivered, front door",
        "happened_at": at.isoformat(),
        "created_at": at.isoformat(),
        "updated_at": at.isoformat(),
        "estimated_delivery_at": None,
        "city": to.city if to else None,
        "province": to.province if to else None,
        "country": to.country if to else None,
        "zip": to.zip if to else None,
    }


def address_body(address: Address) -> dict[str, Any]:
    first, last = split_name(address.name)
    return {
        "first_name": first,
        "last_name": last,
        "name": address.name or None,
        "address1": address.street or None,
        "city": address.city or None,
        "zip": address.zip or None,
        "province_code": address.province or None,
        "country": COUNTRIES.get(address.country, address.country) or None,
        "country_code": address.country or None,
        "phone": address.phone or None,
    }


def split_name(name: str) -> tuple[str | None, str | None]:
    """The export has names in one piece; the first word is taken for the first name."""
    first, _, last = name.strip().partition(" ")
    return first or None, last.strip() or None


def _shipped(told: Retold) -> datetime | None:
    order = told.order
    if order.fulfilled_at is None:
        return None
    return (max(order.fulfilled_at, order.placed_at) + told.shift).astimezone(UTC)


def _cancelled(told: Retold, at: datetime) -> str | None:
    moment = told.order.cancelled_at
    return told.at(moment) if moment and moment + told.shift <= at else None


def _financial_status(order: ExportedOrder, kind: Kind) -> str:
    """A refund is not known before the moment that stands for it."""
    refunded = order.financial_status in ("refunded", "partially_refunded", "voided")
    if refunded and kind not in (Kind.REFUNDED, Kind.CANCELLED):
        return "paid"
    return order.financial_status or "paid"


def _customer(order: ExportedOrder) -> dict[str, Any] | None:
    """The buyer. The export has no customer ids: the same e-mail is the same customer."""
    who = order.billing or order.shipping
    name = who.name if who else ""
    same = order.email.casefold() or f"{name}|{order.phone}"
    if same == "|":
        return None
    first, last = split_name(name)
    digest = hashlib.sha256(same.encode()).digest()
    return {
        "id": 10**12 + int.from_bytes(digest[:6]) % 10**12,
        "first_name": first,
        "last_name": last,
        "email": order.email or None,
        "phone": order.phone or None,
    }


def _titles(name: str) -> dict[str, str | None]:
    """“Trail Runner Jacket - M / Pine” is a title and a variant; the export has them in one."""
    title, dash, variant = name.rpartition(" - ")
    if not dash:
        return {"title": name, "variant_title": None, "name": name}
    return {"title": title, "variant_title": variant, "name": name}


def order_id(run: int, number: int) -> int:
    """`run`: any number below 2^31 that no other run has, such as the second it began."""
    return run * ROOM_PER_RUN + number * ROOM_PER_ORDER


def run_of(shopify_id: int) -> int:
    """Of which run an order is; a number far below any second of now if of none."""
    return shopify_id // ROOM_PER_RUN
