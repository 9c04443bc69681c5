"""What Shopify posts is proven and understood, also where it is odd, redacted or new."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from app.orders import facts as f
from app.orders.ports import CustomerFacts, OrderFacts, Place
from app.vendors.shopify.webhooks import TOPICS, verify

FIXTURES = Path(__file__).parents[1] / "fixtures" / "shopify"
VECTORS: dict[str, Any] = json.loads((FIXTURES / "webhook_hmac_vectors.json").read_text())
SECRET = VECTORS["client_secret"]
ORDER, PARCEL, CUSTOMER = 5678901234567, 4321098765432, 7012345678901
JACKET, BEANIE = 13900000000001, 13900000000002


def payload(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((FIXTURES / "webhooks" / f"{name}.json").read_text())
    return loaded


def order(**changes: Any) -> OrderFacts:
    facts = TOPICS["orders/updated"]({**payload("orders_updated"), **changes})
    assert isinstance(facts, OrderFacts)
    return facts


def signature(body: bytes, secret: str = SECRET) -> str:
    return base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha256).digest()).decode()


# --- Proof


@pytest.mark.parametrize("name", sorted(VECTORS["hmac"]))
def test_shopifys_signatures_are_accepted_over_the_exact_bytes(name: str) -> None:
    body = (FIXTURES / "webhooks" / name).read_bytes()
    given_hmac = VECTORS["hmac"][name]
    assert verify(body, given_hmac, [SECRET])
    assert verify(body, given_hmac, ["new", SECRET])
    assert not verify(body + b" ", given_hmac, [SECRET])
    assert not verify(body, given_hmac, ["new"])


@pytest.mark.parametrize(
    "header", [None, "", "é" * 44, "x", "=" * 44, "A" * 10_000, signature(b"{}")[:-1], "\ud800"]
)
def test_anything_else_in_the_header_is_simply_false(header: str | None) -> None:
    assert verify(b"{}", header, [SECRET]) is False


def test_an_empty_secret_proves_nothing() -> None:
    assert not verify(b"{}", signature(b"{}", ""), [""])
    assert not verify(b"{}", signature(b"{}"), [])


def test_proof_of_two_kilobytes_takes_microseconds() -> None:
    body = b"x" * 2048
    header = signature(body, "other")
    rounds = []
    for _ in range(5):
        began = time.perf_counter()
        for _ in range(200):
            verify(body, header, [SECRET])
        rounds.append((time.perf_counter() - began) / 200)
    assert min(rounds) < 30e-6  # some 4 on a quiet machine; this one is shared


# --- Orders


def test_an_order_is_read_in_full() -> None:
    facts = order(
        note_attributes=[
            {"name": "doorstep_care_consent", "value": "Text me about this order"},
            {"name": "gift", "value": ""},
        ]
    )
    assert facts.shopify_id == ORDER
    assert facts.name == "#1042"
    assert facts.updated_at == datetime(2026, 11, 20, 20, 42, 33, tzinfo=UTC)
    assert facts.created_at == datetime(2026, 11, 17, 1, 31, 10, tzinfo=UTC)
    assert facts.cancelled_at is None
    assert (facts.financial_status, facts.fulfillment_status) == ("paid", "fulfilled")
    assert (facts.total_price, facts.currency, facts.locale) == ("188.00", "USD", "en-US")
    assert facts.customer == CustomerFacts(CUSTOMER, "Maya", "Okafor", "maya.okafor@example.com")
    assert facts.phones == ("+14155550142",)
    assert facts.shipping == Place("US", "OR", "97205") == facts.billing
    assert facts.status_page_url is not None
    assert facts.attributes == {"doorstep_care_consent": "Text me about this order"}
    assert facts.has_return is False
    assert facts.complete is False


def test_lines_and_parcels_of_an_order_are_read() -> None:
    facts = order()
    assert facts.lines is not None and facts.fulfillments is not None
    jacket, beanie = facts.lines
    assert (jacket.shopify_id, jacket.title, jacket.variant_title, jacket.sku) == (
        JACKET,
        "Trail Runner Jacket",
        "M / Pine",
        "TRJ-PINE-M",
    )
    assert (jacket.quantity, jacket.current_quantity) == (1, 1)
    assert (jacket.product_id, jacket.variant_id) == (8800000000001, 45500000000002)
    assert jacket.options is None and jacket.image_url is None
    assert beanie.shopify_id == BEANIE
    (parcel,) = facts.fulfillments
    assert parcel.shopify_id == PARCEL
    assert (parcel.status, parcel.shipment_status) == ("success", "delivered")
    assert parcel.tracking_number == "1Z999AA10123456784"
    assert parcel.line_ids == (JACKET, BEANIE)
    assert parcel.updated_at == datetime(2026, 11, 20, 20, 42, 31, tzinfo=UTC)


def test_phones_come_in_the_documented_order_and_each_once() -> None:
    facts = order(
        phone="+14155550101",
        shipping_address={"phone": "555-555-SHIP"},
        customer={"id": CUSTOMER, "phone": "+14155550103"},
        billing_address={"phone": "+14155550101"},
    )
    assert facts.phones == ("+14155550101", "555-555-SHIP", "+14155550103")


def test_no_phone_anywhere_is_known_to_be_none() -> None:
    facts = order(
        phone=None,
        shipping_address={"phone": None},
        customer={"id": 1, "phone": ""},
        billing_address=None,
    )
    assert facts.phones == ()


def test_withheld_fields_are_unknown_rather_than_empty() -> None:
    facts = TOPICS["orders/create"](payload("orders_create.no_protected_fields"))
    assert isinstance(facts, OrderFacts)
    assert facts.phones is None
    assert facts.customer == CustomerFacts(shopify_id=CUSTOMER)
    assert facts.shipping == Place("US", "OR", None)
    assert facts.lines is not None and len(facts.lines) == 2


def test_an_order_that_tells_nothing_but_its_id_leaves_the_rest_unknown() -> None:
    facts = TOPICS["orders/updated"]({"id": 7})
    assert facts == OrderFacts(7, datetime(1970, 1, 1, tzinfo=UTC))


def test_nothing_shipped_yet_is_known_and_not_unknown() -> None:
    assert order(fulfillment_status=None).fulfillment_status == "unfulfilled"


@pytest.mark.parametrize(
    ("returns", "expected"),
    [
        ([], False),
        ([{"status": "requested"}], True),
        ([{"status": "OPEN"}], True),
        ([{"status": "declined"}, {"status": "cancelled"}], False),
        (None, None),
    ],
)
def test_an_open_return_is_seen(returns: object, expected: bool | None) -> None:
    assert order(returns=returns).has_return is expected


def test_a_cancelled_order_says_when() -> None:
    facts = TOPICS["orders/cancelled"](
        {**payload("orders_updated"), "cancelled_at": "2026-11-21T10:00:00-05:00"}
    )
    assert isinstance(facts, OrderFacts)
    assert facts.cancelled_at == datetime(2026, 11, 21, 15, 0, tzinfo=UTC)


def test_odd_values_are_passed_by() -> None:
    facts = order(
        total_price="free",
        updated_at="2026-11-20",
        created_at="yesterday",
        customer_locale=["en"],
        shipping_address="none",
        note_attributes=[{"name": "a", "value": 5}, "b", {"value": "c"}],
        line_items=[{"id": "12"}, {"title": "no id"}, 3],
        fulfillments=[{"id": None}, {"id": 5, "shipment_status": "teleported"}],
        name="#10\0\ud80042",
    )
    assert facts.total_price is None and facts.created_at is None and facts.locale is None
    assert facts.shipping is None
    assert facts.attributes == {}
    assert facts.lines is not None and [line.shopify_id for line in facts.lines] == [12]
    assert facts.fulfillments is not None
    assert [one.shipment_status for one in facts.fulfillments] == ["teleported"]
    assert facts.name == "#1042"


# --- Parcels and scans


@pytest.mark.parametrize(
    ("name", "status", "shipment_status"),
    [
        ("fulfillments_create", "success", None),
        ("fulfillments_update.in_transit", "success", "in_transit"),
        ("fulfillments_update.delivered", "success", "delivered"),
        ("fulfillments_update.cancelled", "cancelled", None),
    ],
)
def test_a_parcels_changes_are_read(name: str, status: str, shipment_status: str | None) -> None:
    topic = name.partition(".")[0].replace("_", "/")
    fact = TOPICS[topic](payload(name))
    assert isinstance(fact, f.FulfillmentChanged)
    assert fact.order_id == ORDER
    assert fact.fulfillment.shopify_id == PARCEL
    assert fact.fulfillment.status == status
    assert fact.fulfillment.shipment_status == shipment_status
    assert fact.fulfillment.line_ids == (JACKET, BEANIE)
    assert fact.updated_at == fact.fulfillment.updated_at is not None
    assert fact.shipping == Place("US", "OR", "97205")
    assert fact.phone == "+14155550142"


@pytest.mark.parametrize(
    "status",
    [
        "attempted_delivery",
        "delayed",
        "delivered",
        "failure",
        "in_transit",
        "label_purchased",
        "out_for_delivery",
        "ready_for_pickup",
    ],
)
def test_a_carriers_scan_is_read(status: str) -> None:
    sent = payload(f"fulfillment_events_create.{status}")
    fact = TOPICS["fulfillment_events/create"](sent)
    assert isinstance(fact, f.CarrierScan)
    assert (fact.order_id, fact.fulfillment_id, fact.event_id) == (ORDER, PARCEL, sent["id"])
    assert fact.status == status
    assert fact.happened_at == datetime.fromisoformat(sent["happened_at"])
    assert (fact.estimated_delivery_at is None) == (sent["estimated_delivery_at"] is None)


def test_a_status_that_we_do_not_know_is_let_through() -> None:
    sent = {**payload("fulfillment_events_create.delivered"), "status": "Returning_To_Sender"}
    fact = TOPICS["fulfillment_events/create"](sent)
    assert isinstance(fact, f.CarrierScan) and fact.status == "returning_to_sender"


# --- Refunds, returns, consent, the app, privacy


def test_a_refund_tells_its_lines() -> None:
    fact = TOPICS["refunds/create"](payload("refunds_create"))
    assert fact == f.RefundMade(
        order_id=ORDER,
        refund_id=92900000001,
        created_at=datetime(2026, 11, 20, 21, 20, tzinfo=UTC),
        quantities={JACKET: 1},
    )


def test_a_line_refunded_in_two_entries_is_added_up() -> None:
    entries = [{"line_item_id": 1, "quantity": 1}, {"line_item_id": 1, "quantity": 2}]
    fact = TOPICS["refunds/create"]({"id": 9, "order_id": 8, "refund_line_items": entries})
    assert isinstance(fact, f.RefundMade) and fact.quantities == {1: 3}


@pytest.mark.parametrize(
    ("topic", "name", "status"),
    [
        ("returns/request", "returns_request", "requested"),
        ("returns/approve", "returns_approve", "open"),
    ],
)
def test_a_return_tells_its_order_and_state(topic: str, name: str, status: str) -> None:
    assert TOPICS[topic](payload(name)) == f.ReturnChanged(ORDER, 25500000001, status)


def test_a_return_may_name_its_order_flatly() -> None:
    fact = TOPICS["returns/request"]({"id": 3, "order_id": 4, "status": "closed"})
    assert fact == f.ReturnChanged(4, 3, "closed")


@pytest.mark.parametrize("state", ["subscribed", "unsubscribed"])
def test_sms_consent_is_read_with_its_evidence(state: str) -> None:
    sent = payload(f"customers_marketing_consent_update.{state}")
    fact = TOPICS["customers_marketing_consent/update"](sent)
    consent = sent["sms_marketing_consent"]
    assert fact == f.SmsConsentChanged(
        customer_id=CUSTOMER,
        phone="+14155550142",
        state=state,
        opt_in_level=consent["opt_in_level"],
        at=datetime.fromisoformat(consent["consent_updated_at"]),
        collected_from=consent["consent_collected_from"],
    )


def test_uninstall_and_scopes_are_read() -> None:
    assert TOPICS["app/uninstalled"](payload("app_uninstalled")) == f.AppUninstalled(
        "acme-outfitters.myshopify.com"
    )
    assert TOPICS["app/scopes_update"](payload("app_scopes_update")) == f.ScopesUpdated(
        ("read_orders", "read_customers", "write_returns")
    )
    assert TOPICS["app/scopes_update"]({}) == f.ScopesUpdated(None)


def test_compliance_requests_name_the_buyer() -> None:
    person = (CUSTOMER, "+14155550142", "maya.okafor@example.com", (ORDER,))
    assert TOPICS["customers/data_request"](
        payload("customers_data_request")
    ) == f.CustomerDataRequested(*person)
    assert TOPICS["customers/redact"](payload("customers_redact")) == f.CustomerRedactRequested(
        *person
    )
    assert TOPICS["shop/redact"](payload("shop_redact")) == f.ShopRedactRequested(
        "acme-outfitters.myshopify.com"
    )


def test_a_guest_is_forgotten_by_orders_alone() -> None:
    fact = TOPICS["customers/redact"]({"customer": None, "orders_to_redact": [5, "6", None]})
    assert fact == f.CustomerRedactRequested(None, None, None, (5, 6))


def test_people_are_not_printed() -> None:
    for topic, name in [
        ("orders/updated", "orders_updated"),
        ("fulfillments/update", "fulfillments_update.delivered"),
        ("customers/redact", "customers_redact"),
        ("customers_marketing_consent/update", "customers_marketing_consent_update.subscribed"),
    ]:
        printed = repr(TOPICS[topic](payload(name)))
        for secret in ("5550142", "Okafor", "maya.okafor", "97205"):
            assert secret not in printed, topic
