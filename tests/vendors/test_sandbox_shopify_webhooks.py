"""The emulated Shopify tells the app what happens, and merchants may do what Shopify lets them."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sandbox import faults
from tests.vendors.shopify_sandbox import SECRET, SHOP, EmulatedShopify, Heard, running

FIXTURES = Path(__file__).parents[1] / "fixtures" / "shopify"


@pytest.fixture
def shopify() -> Iterator[EmulatedShopify]:
    with running() as emulated:
        yield emulated


def keys(value: Any, above: str = "") -> set[str]:
    if isinstance(value, list):
        return set().union(*(keys(one, above) for one in value)) if value else set()
    if not isinstance(value, dict):
        return set()
    return {above + key for key in value}.union(
        *(keys(inner, f"{above}{key}.") for key, inner in value.items())
    )


def signature(heard: Heard) -> str:
    return base64.b64encode(hmac.new(SECRET.encode(), heard.body, hashlib.sha256).digest()).decode()


def test_one_delivery_is_told_three_times_with_true_signatures(shopify: EmulatedShopify) -> None:
    order = shopify.act("place_order")
    shopify.act("ship", order_id=order["order_id"])
    before = len(shopify.quiet())
    shopify.act("scan", order_id=order["order_id"], status="delivered")
    told = shopify.quiet()[before:]
    topics = ["fulfillment_events/create", "fulfillments/update", "orders/updated"]
    assert sorted(one.topic for one in told) == topics
    for one in told:
        assert one.headers["X-Shopify-Hmac-Sha256"] == signature(one)
        assert one.headers["X-Shopify-Shop-Domain"] == SHOP
        assert one.headers["X-Shopify-API-Version"] == "2026-10"
        assert one.headers["X-Shopify-Name"].startswith("doorstep-")
        assert one.path == "/webhooks/shopify"
    assert len({one.headers["X-Shopify-Webhook-Id"] for one in told}) == 3
    by_topic = {one.topic: json.loads(one.body) for one in told}
    assert by_topic["fulfillment_events/create"]["status"] == "delivered"
    assert by_topic["fulfillments/update"]["shipment_status"] == "delivered"
    assert by_topic["orders/updated"]["fulfillments"][0]["shipment_status"] == "delivered"
    assert by_topic["orders/updated"]["note_attributes"][0]["name"] == "doorstep_care_consent"


@pytest.mark.parametrize(
    ("topic", "fixture"),
    [
        ("orders/create", "orders_create"),
        ("fulfillments/create", "fulfillments_create"),
        ("fulfillments/update", "fulfillments_update.delivered"),
        ("fulfillment_events/create", "fulfillment_events_create.delivered"),
        ("orders/updated", "orders_updated"),
        ("refunds/create", "refunds_create"),
        ("returns/request", "returns_request"),
        ("customers_marketing_consent/update", "customers_marketing_consent_update.subscribed"),
        ("app/scopes_update", "app_scopes_update"),
        ("app/uninstalled", "app_uninstalled"),
        ("customers/redact", "customers_redact"),
        ("customers/data_request", "customers_data_request"),
    ],
)
def test_payloads_have_every_documented_field(
    shopify: EmulatedShopify, topic: str, fixture: str
) -> None:
    order = shopify.act("place_order", sms_marketing=True)["order_id"]
    shopify.act("scan", order_id=order)
    shopify.act("request_return", order_id=order)
    shopify.act("refund", order_id=order)
    for compliance in ("customers/redact", "customers/data_request"):
        shopify.act("compliance", topic=compliance, phone="+14155550142")
    shopify.act("change_scopes", scopes=["write_returns"])
    shopify.act("uninstall")
    told = [json.loads(one.body) for one in shopify.quiet() if one.topic == topic]
    documented = json.loads((FIXTURES / "webhooks" / f"{fixture}.json").read_text())
    assert told, f"no action above sends {topic}"
    missing = keys(documented) - set().union(*(keys(one) for one in told))
    assert not missing, f"the sandbox's {topic} lacks: {sorted(missing)}"


def test_a_failed_webhook_comes_again_with_its_old_payload_and_id(
    shopify: EmulatedShopify,
) -> None:
    shopify.listener.answers = [500, 302]
    shopify.act("place_order")
    told = shopify.quiet()
    assert len(told) == 3
    assert len({one.body for one in told}) == 1
    assert len({one.headers["X-Shopify-Webhook-Id"] for one in told}) == 1


def test_a_webhook_is_given_up_after_its_last_retry(shopify: EmulatedShopify) -> None:
    shopify.listener.answers = [500] * 9
    shopify.act("place_order")
    assert len(shopify.quiet()) == 3  # the first attempt and the two retries of this sandbox
    assert shopify.act("state")["webhooks"][0]["outcome"] == "given up"


def test_switches_double_lose_and_forge_webhooks(shopify: EmulatedShopify) -> None:
    for _ in range(2):
        faults.add("shopify", "duplicate", operation="orders/create")
    faults.add("shopify", "drop", operation="orders/updated")
    order = shopify.act("place_order")
    shopify.act("ship", order_id=order["order_id"])
    told = shopify.quiet()
    assert Counter(one.topic for one in told) == {"orders/create": 3, "fulfillments/create": 1}
    copies = [one for one in told if one.topic == "orders/create"]
    assert len({one.headers["X-Shopify-Event-Id"] for one in copies}) == 1
    assert len({one.headers["X-Shopify-Webhook-Id"] for one in copies}) == 2
    assert shopify.act("forge_webhook", topic="app/uninstalled") == {"answered": "200"}
    forged = shopify.listener.heard[-1]
    assert forged.headers["X-Shopify-Hmac-Sha256"] != signature(forged)


def test_orders_and_unsent_webhooks_survive_a_restart(tmp_path: Path) -> None:
    with running(state_path=tmp_path, retry_seconds=(60.0,)) as before:
        before.listener.answers = [500]
        order = before.act("place_order")
        while not before.listener.heard:
            time.sleep(0.01)
    with running(state_path=tmp_path) as after:
        state = after.act("state")
        assert [one["order_id"] for one in state["orders"]] == [order["order_id"]]
        assert [one.topic for one in after.quiet()] == ["orders/create"]
        assert int(after.act("place_order")["order_id"]) > int(order["order_id"])


# Actions


def test_split_shipments_refunds_and_cancellations_follow_shopifys_rules(
    shopify: EmulatedShopify,
) -> None:
    items = [{"sku": "TRJ-M-PINE"}, {"sku": "MB-ONESIZE-MOSS", "quantity": 2}]
    order = shopify.act("place_order", items=items)["order_id"]
    shipped = shopify.act("ship", order_id=order, parcels=[[0]])
    assert shipped["fulfillment_status"] == "partial"
    shipped = shopify.act("ship", order_id=order, parcels=2)
    assert [one["name"] for one in shipped["fulfillments"]] == ["#1001.1", "#1001.2", "#1001.3"]
    assert shipped["fulfillment_status"] == "fulfilled"
    refused = shopify.http.post("/shopify/_actions/cancel_order", json={"order_id": order})
    assert refused.status_code == 422
    beanies = shipped["lines"][1]["line_id"]
    part = shopify.act("refund", order_id=order, lines=[{"line_id": beanies, "quantity": 1}])
    assert part["financial_status"] == "partially_refunded"
    assert part["lines"][1]["current_quantity"] == 1
    assert shopify.act("refund", order_id=order)["financial_status"] == "refunded"
    again = shopify.http.post("/shopify/_actions/refund", json={"order_id": order})
    assert again.status_code == 422


@pytest.mark.parametrize(
    ("name", "body", "status"),
    [
        ("no_such_thing", {}, 404),
        ("ship", {}, 400),
        ("place_order", {"colour": "red"}, 400),
        ("ship", {"order_id": "#9999"}, 422),
        ("place_order", {"items": [{"sku": "NOTHING"}]}, 422),
        ("place_order", {"items": [{"sku": "TRJ-M-PINE", "quantity": "many"}]}, 400),
    ],
)
def test_a_wrong_action_is_refused_and_changes_nothing(
    shopify: EmulatedShopify, name: str, body: dict[str, Any], status: int
) -> None:
    assert shopify.http.post(f"/shopify/_actions/{name}", json=body).status_code == status
    assert shopify.act("state")["order_count"] == 0
    assert shopify.quiet() == []


def test_a_batch_refers_to_its_own_orders_and_goes_on_after_a_refusal(
    shopify: EmulatedShopify,
) -> None:
    steps = [
        {"do": "place_order", "items": [{"title": "Odd Hat", "variant_title": "XL / Blue"}]},
        {"do": "scan", "order_id": "$0", "announce": False},
        {"do": "ship", "order_id": "#9999"},
    ]
    placed, scanned, refused = shopify.act("batch", steps=steps)
    assert placed["lines"][0]["variant_title"] == "XL / Blue"
    assert scanned["fulfillments"][0]["shipment_status"] == "delivered"
    assert refused == {"error": "no order #9999"}
    assert [one.topic for one in shopify.quiet()] == ["orders/create"]


def test_starting_afresh_forgets_orders_and_keeps_the_install(shopify: EmulatedShopify) -> None:
    token = shopify.token()
    shopify.act("place_order")
    shopify.quiet()
    shopify.world.reset()
    state = shopify.act("state")
    assert (state["order_count"], state["webhooks"], state["shop"]["installed"]) == (0, [], True)
    assert shopify.ask("{ shop { name } }", token=token).status_code == 200


def test_every_action_says_what_it_does(shopify: EmulatedShopify) -> None:
    listed = shopify.http.get("/shopify/_actions").json["actions"]
    assert {"place_order", "ship", "scan", "uninstall", "batch"} <= {one["name"] for one in listed}
    assert all(one["about"] for one in listed)
