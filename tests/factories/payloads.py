"""Shopify payloads and Twilio forms for tests: the fixtures' shapes with a test's own facts."""

from __future__ import annotations

import copy
import itertools
import json
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

FIXTURES = Path(__file__).parents[1] / "fixtures"
PLACED_AT = "2026-11-16T20:31:10-05:00"
WORDING = "Text me about my delivery. An AI assistant may answer. Reply STOP to opt out."

_numbers = itertools.count(1)


def load(topic_file: str) -> dict[str, Any]:
    payload: dict[str, Any] = json.loads(
        (FIXTURES / "shopify" / "webhooks" / f"{topic_file}.json").read_text()
    )
    return copy.deepcopy(payload)


def order_payload(
    order_id: int,
    *,
    updated_at: datetime,
    phone: str | None = "+14155550142",
    consent: bool = True,
    zip_code: str = "97205",
    province_code: str = "OR",
    country_code: str = "US",
    lines: int = 1,
    **overrides: Any,
) -> dict[str, Any]:
    """An `orders/create` body with `lines` lines, each of one unit."""
    order = load("orders_create")
    order["id"] = order_id
    order["admin_graphql_api_id"] = f"gid://shopify/Order/{order_id}"
    order["name"] = f"#{order_id}"
    order["created_at"] = PLACED_AT
    order["updated_at"] = updated_at.isoformat()
    order["phone"] = phone
    order["note_attributes"] = (
        [{"name": "doorstep_care_consent", "value": WORDING}] if consent else []
    )
    for address in ("shipping_address", "billing_address"):
        if order.get(address):
            order[address].update(
                phone=None, zip=zip_code, province_code=province_code, country_code=country_code
            )
    if order.get("customer"):
        order["customer"]["phone"] = None
        if order["customer"].get("default_address"):
            order["customer"]["default_address"]["phone"] = None
    order["line_items"] = order["line_items"][:lines]
    for line in order["line_items"]:
        line["quantity"] = line["current_quantity"] = 1
    order.update(overrides)
    return order


def scan_payload(
    order_id: int, fulfillment_id: int, *, at: datetime, status: str = "delivered"
) -> dict[str, Any]:
    """A `fulfillment_events/create` body."""
    scan = load("fulfillment_events_create.delivered")
    scan.update(
        id=next(_numbers) + 991_000_000,
        order_id=order_id,
        fulfillment_id=fulfillment_id,
        status=status,
        happened_at=at.isoformat(),
        created_at=at.isoformat(),
        updated_at=at.isoformat(),
    )
    return scan


def fulfillment_payload(
    order_id: int,
    fulfillment_id: int,
    *,
    at: datetime,
    shipment_status: str | None,
    status: str = "success",
    line_ids: list[int] | None = None,
) -> dict[str, Any]:
    """A `fulfillments/create` or `/update` body."""
    parcel = load("fulfillments_update.delivered")
    parcel.update(
        id=fulfillment_id,
        order_id=order_id,
        status=status,
        shipment_status=shipment_status,
        created_at=at.isoformat(),
        updated_at=at.isoformat(),
    )
    if line_ids is not None:
        parcel["line_items"] = [
            line | {"id": line_id}
            for line, line_id in zip(
                itertools.cycle(load("fulfillments_update.delivered")["line_items"]),
                line_ids,
                strict=False,
            )
        ]
    return parcel


def inbound_form(
    body: str,
    *,
    sid: str,
    account_sid: str,
    from_phone: str,
    to_phone: str,
    photos: list[str] | None = None,
    **extra: str,
) -> list[tuple[str, str]]:
    """A buyer's text as Twilio posts it."""
    fields = {
        "ToCountry": "US",
        "SmsMessageSid": sid,
        "NumMedia": str(len(photos or [])),
        "SmsSid": sid,
        "SmsStatus": "received",
        "Body": body,
        "FromCountry": "US",
        "To": to_phone,
        "NumSegments": "1",
        "MessageSid": sid,
        "AccountSid": account_sid,
        "From": from_phone,
        "ApiVersion": "2010-04-01",
    }
    for number, url in enumerate(photos or []):
        fields[f"MediaUrl{number}"] = url
        fields[f"MediaContentType{number}"] = "image/jpeg"
    return list((fields | extra).items())


def encode(form: list[tuple[str, str]]) -> str:
    return urlencode(form)
