"""Shopify's words become ours: the adapter against the emulator, and against answers by hand."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from graphql import (
    FragmentDefinitionNode,
    GraphQLEnumType,
    OperationDefinitionNode,
    parse,
    validate,
)

from app.foundation.errors import Permanent, Temporary
from app.orders.ports import CustomerFacts, OrderFacts, Place
from app.shops.ports import ShopAccess, TokenDead
from app.vendors.shopify.client import ShopifyClient
from app.vendors.shopify.commerce import ShopifyCommerce, shipment_status
from app.vendors.shopify.session_token import StaleIdToken
from app.vendors.shopify.webhooks import TOPICS
from sandbox import faults
from sandbox.shopify import payloads
from sandbox.shopify.admin_schema import expand, lacking, load_schema, needs
from sandbox.shopify.cost import requested_cost
from tests.vendors.shopify_over_http import ReachableShopify, running
from tests.vendors.shopify_stub import SHOP, Says, answering

ROOT = Path(__file__).parents[2]
OPERATIONS = sorted((ROOT / "app" / "vendors" / "shopify" / "operations").glob("*.graphql"))
ACCESS = ShopAccess(1, SHOP, "shpat")


@pytest.fixture
def shopify() -> Iterator[ReachableShopify]:
    with running() as emulated:
        yield emulated


def place(shopify: ReachableShopify, **basket: Any) -> int:
    return int(shopify.act("place_order", announce=False, **basket)["order_id"])


def read(shopify: ReachableShopify, order_id: int, access: ShopAccess | None = None) -> OrderFacts:
    found = shopify.commerce().read_order(access or shopify.access(), order_id)
    assert found is not None
    return found


def read_by_hand(**order: Any) -> OrderFacts:
    """The facts of an order that Shopify describes as `order`."""
    told = {"id": "gid://shopify/Order/9", "updatedAt": "2026-11-20T20:42:33Z", **order}
    with answering(Says({"data": {"order": told}})) as stub:
        commerce = ShopifyCommerce(ShopifyClient(base_url=stub.base_url))
        found = commerce.read_order(ACCESS, 9)
    assert found is not None
    return found


# --- The operations themselves


@pytest.mark.parametrize("file", OPERATIONS, ids=lambda path: path.stem)
def test_operations_are_valid_and_within_the_scopes_asked_for_at_install(file: Path) -> None:
    document = parse(file.read_text())
    assert validate(load_schema(), document) == []
    access = tomllib.loads((ROOT / "shopify.app.toml").read_text())["access_scopes"]
    held = expand(access["scopes"].split(","))
    missing = [need for need in needs(document) if lacking(need.sentence, held)]
    assert missing == []


def test_reading_an_order_asks_for_few_points_and_no_operation_for_too_many() -> None:
    costs = {}
    for file in OPERATIONS:
        document = parse(file.read_text())
        fragments = {
            one.name.value: one
            for one in document.definitions
            if isinstance(one, FragmentDefinitionNode)
        }
        for one in document.definitions:
            if isinstance(one, OperationDefinitionNode) and one.name:
                costs[one.name.value] = requested_cost(load_schema(), one, fragments, {})
    assert costs["ReadOrder"] <= 80
    assert costs["ReadShop"] <= 10
    assert max(costs.values()) <= 1000


# --- Against the emulator


def test_a_webhook_and_a_read_tell_the_same_of_an_order(shopify: ReachableShopify) -> None:
    order_id = place(
        shopify,
        items=[{"title": "Trail Runner Jacket", "variant_title": "M / Pine"}, {"title": "Sock"}],
        attributes=[{"name": "gift", "value": "yes"}],
    )
    shopify.act("scan", order_id=str(order_id), status="in_transit", announce=False)
    world = shopify.world
    kept = world.store.order(order_id)
    assert kept is not None
    sent = payloads.order(world.shop(None), kept, world.store.customer(kept["customer_id"]))
    told = TOPICS["orders/updated"](json.loads(json.dumps(sent)))
    polled = read(shopify, order_id)
    assert isinstance(told, OrderFacts) and told.lines and polled.lines
    assert polled.complete and not told.complete
    # What only the API knows is left out on both sides.
    without = {"complete": False, "lines": None, "status_page_url": None}
    parcels = [replace(one, delivered_at=None) for one in polled.fulfillments or ()]
    assert replace(told, **without) == replace(polled, **without, fulfillments=tuple(parcels))
    assert told.lines == tuple(replace(line, options=None, image_url=None) for line in polled.lines)


@pytest.mark.parametrize(
    ("phone_on", "found"),
    [(["order"], 1), (["shipping"], 1), (["customer"], 1), (["billing"], 1), ([], 0)],
)
def test_a_phone_is_found_wherever_it_was_left(
    shopify: ReachableShopify, phone_on: list[str], found: int
) -> None:
    order_id = place(shopify, phone="+14155550177", phone_on=phone_on, email="kit@example.com")
    assert read(shopify, order_id).phones == ("+14155550177",) * found


def test_unapproved_an_order_is_read_without_what_is_protected(shopify: ReachableShopify) -> None:
    order_id = place(shopify)
    shopify.act("scan", order_id=str(order_id), status="delivered", announce=False)
    shopify.act("set_approval", approved=False)
    facts = read(shopify, order_id)
    assert facts.phones is None
    assert facts.status_page_url is None
    assert facts.customer is not None
    assert facts.customer == CustomerFacts(shopify_id=facts.customer.shopify_id)
    assert facts.shipping == Place("US", "OR", None)
    assert facts.lines and facts.lines[0].options
    assert facts.fulfillments and facts.fulfillments[0].delivered_at is not None
    ((polled,),) = shopify.commerce().orders_updated_since(
        shopify.access(), shopify.now() - timedelta(hours=1)
    )
    assert polled == facts


def test_without_the_products_scope_sizes_and_pictures_are_unknown(
    shopify: ReachableShopify,
) -> None:
    domain = "bare-shop.myshopify.com"
    shopify.act("add_shop", domain=domain, name="Bare")
    shopify.act("install", shop=domain, scopes=["read_orders", "read_customers"])
    order_id = place(shopify, shop=domain)
    facts = read(shopify, order_id, shopify.access(2, domain))
    assert facts.lines
    assert facts.lines[0].options is None and facts.lines[0].product_id is None
    assert facts.lines[0].title == "Trail Runner Jacket"


def test_without_the_orders_scope_an_order_is_withheld_and_not_unknown(
    shopify: ReachableShopify,
) -> None:
    domain = "blind-shop.myshopify.com"
    shopify.act("add_shop", domain=domain, name="Blind")
    shopify.act("install", shop=domain, scopes=["read_products"])
    order_id = place(shopify, shop=domain)
    with pytest.raises(Permanent) as caught:
        shopify.commerce().read_order(shopify.access(2, domain), order_id)
    assert caught.value.code == "ACCESS_DENIED"


def test_cancelled_refunded_and_returned_orders_say_so(shopify: ReachableShopify) -> None:
    cancelled, refunded, returned = place(shopify), place(shopify), place(shopify)
    shopify.act("cancel_order", order_id=str(cancelled), announce=False)
    shopify.act("refund", order_id=str(refunded), announce=False)
    shopify.act("ship", order_id=str(returned), announce=False)
    shopify.act("request_return", order_id=str(returned), announce=False)
    assert read(shopify, cancelled).cancelled_at is not None
    facts = read(shopify, refunded)
    assert facts.financial_status == "refunded"
    assert facts.lines and facts.lines[0].current_quantity == 0
    assert read(shopify, returned).has_return is True


def test_a_cancelled_parcel_is_not_on_its_way(shopify: ReachableShopify) -> None:
    order_id = place(shopify)
    shipped = shopify.act("ship", order_id=str(order_id), announce=False)
    shopify.act(
        "cancel_fulfillment",
        fulfillment_id=shipped["fulfillments"][0]["fulfillment_id"],
        announce=False,
    )
    (parcel,) = read(shopify, order_id).fulfillments or ()
    assert (parcel.status, parcel.shipment_status) == ("cancelled", None)


def test_an_empty_bucket_is_waited_for(shopify: ReachableShopify) -> None:
    shopify.act("set_plan", plan="advanced")
    order_id, access, commerce = place(shopify), shopify.access(), shopify.commerce()
    shopify.act("drain_points")
    assert commerce.read_order(access, order_id) is not None


def test_a_slow_shop_is_left_to_the_job(shopify: ReachableShopify) -> None:
    shopify.act("set_plan", plan="standard")
    access, commerce = shopify.access(), shopify.commerce()
    shopify.act("drain_points")
    with pytest.raises(Temporary) as caught:
        list(commerce.orders_updated_since(access, shopify.now()))
    assert caught.value.retry_after is not None and 3 < caught.value.retry_after < 8


def test_a_line_that_breaks_after_shopify_acted_is_asked_again(shopify: ReachableShopify) -> None:
    order_id, access, commerce = place(shopify), shopify.access(), shopify.commerce()
    faults.add("shopify", "timeout_after_acting", seconds=0, count=1)
    assert commerce.read_order(access, order_id) is not None


def test_a_pair_is_refreshed_and_a_lost_answer_loses_nothing(shopify: ReachableShopify) -> None:
    source, domain, now = shopify.tokens(), shopify.settings.shop_domain, shopify.now()
    first = source.exchange(domain, shopify.id_token(), now=now)
    lost = source.refresh(domain, first.refresh_token, now=now)
    again = source.refresh(domain, first.refresh_token, now=now)
    assert len({first.access_token, lost.access_token, again.access_token}) == 3
    access = ShopAccess(1, domain, again.access_token)
    assert shopify.commerce().read_shop(access).name == "Acme Outfitters"
    assert "read_orders" in again.scopes.split(",")


def test_an_uninstall_kills_tokens_and_refreshing(shopify: ReachableShopify) -> None:
    source, domain, now = shopify.tokens(), shopify.settings.shop_domain, shopify.now()
    pair = source.exchange(domain, shopify.id_token(), now=now)
    shopify.act("uninstall")
    with pytest.raises(TokenDead):
        shopify.commerce().read_shop(ShopAccess(1, domain, pair.access_token))
    with pytest.raises(TokenDead):
        source.refresh(domain, pair.refresh_token, now=now)


def test_a_forged_id_token_cannot_be_exchanged(shopify: ReachableShopify) -> None:
    with pytest.raises(StaleIdToken):
        shopify.tokens().exchange(shopify.settings.shop_domain, "a.b.c", now=shopify.now())


# --- By hand: what the emulator cannot be made to say


DISPLAY_STATUSES: list[tuple[str | None, str | None]] = [
    ("ATTEMPTED_DELIVERY", "attempted_delivery"),
    ("CARRIER_PICKED_UP", "carrier_picked_up"),
    ("CONFIRMED", "confirmed"),
    ("DELAYED", "delayed"),
    ("DELIVERED", "delivered"),
    ("FAILURE", "failure"),
    ("IN_TRANSIT", "in_transit"),
    ("LABEL_PRINTED", "label_printed"),
    ("LABEL_PURCHASED", "label_purchased"),
    ("NOT_DELIVERED", "not_delivered"),
    ("OUT_FOR_DELIVERY", "out_for_delivery"),
    ("PICKED_UP", "picked_up"),
    ("READY_FOR_PICKUP", "ready_for_pickup"),
    ("CANCELED", None),
    ("FULFILLED", None),
    ("LABEL_VOIDED", None),
    ("MARKED_AS_FULFILLED", None),
    ("SUBMITTED", None),
    ("RETURNING_TO_SENDER", "returning_to_sender"),
    (None, None),
]


@pytest.mark.parametrize(("display", "ours"), DISPLAY_STATUSES)
def test_display_statuses_become_the_webhooks_words(display: str | None, ours: str | None) -> None:
    assert shipment_status(display) == ours


def test_every_display_status_of_the_schema_was_thought_of() -> None:
    enum = load_schema().type_map["FulfillmentDisplayStatus"]
    assert isinstance(enum, GraphQLEnumType)
    assert set(enum.values) <= {display for display, _ in DISPLAY_STATUSES}


def line(**fields: Any) -> dict[str, Any]:
    nodes = [{"id": "gid://shopify/LineItem/1", "title": "Tee", "quantity": 1, **fields}]
    return {"nodes": nodes, "pageInfo": {"hasNextPage": False, "endCursor": None}}


def test_a_variant_without_a_picture_shows_its_product() -> None:
    product = {
        "id": "gid://shopify/Product/5",
        "featuredMedia": {"preview": {"image": {"url": "https://cdn.example/tee.jpg"}}},
    }
    facts = read_by_hand(lineItems=line(image=None, product=product))
    assert facts.lines and facts.lines[0].image_url == "https://cdn.example/tee.jpg"
    own = {"url": "https://cdn.example/own.jpg"}
    facts = read_by_hand(lineItems=line(image=own, product=product))
    assert facts.lines and facts.lines[0].image_url == "https://cdn.example/own.jpg"


def test_a_custom_item_has_neither_variant_nor_product() -> None:
    facts = read_by_hand(lineItems=line(image=None, variant=None, product=None))
    assert facts.lines
    assert facts.lines[0].variant_id is None and facts.lines[0].options is None


def test_the_arrival_scan_stands_in_for_a_missing_time_of_delivery() -> None:
    def parcel(status: str) -> dict[str, Any]:
        scan = {"status": status, "happenedAt": "2026-11-20T20:42:10Z"}
        return {
            "id": "gid://shopify/Fulfillment/3",
            "displayStatus": "DELIVERED",
            "deliveredAt": None,
            "events": {"nodes": [scan]},
        }

    (arrived,) = read_by_hand(fulfillments=[parcel("DELIVERED")]).fulfillments or ()
    assert arrived.delivered_at == datetime(2026, 11, 20, 20, 42, 10, tzinfo=UTC)
    (moving,) = read_by_hand(fulfillments=[parcel("IN_TRANSIT")]).fulfillments or ()
    assert moving.delivered_at is None


@pytest.mark.parametrize(
    ("status", "has_return"),
    [
        ("NO_RETURN", False),
        ("RETURN_REQUESTED", True),
        ("IN_PROGRESS", True),
        ("INSPECTION_COMPLETE", True),
        ("RETURNED", True),
        ("RETURN_FAILED", False),
    ],
)
def test_return_statuses_are_weighed(status: str, has_return: bool) -> None:
    assert read_by_hand(returnStatus=status).has_return is has_return


def test_a_partly_shipped_order_is_called_as_in_webhooks() -> None:
    assert read_by_hand(displayFulfillmentStatus="PARTIALLY_FULFILLED").fulfillment_status == (
        "partial"
    )


def test_words_of_tomorrow_are_let_through() -> None:
    facts = read_by_hand(displayFinancialStatus="BARTERED", displayFulfillmentStatus="TELEPORTED")
    assert (facts.financial_status, facts.fulfillment_status) == ("bartered", "teleported")


def test_a_guests_order_has_no_customer_but_may_have_an_address() -> None:
    assert read_by_hand(customer=None, email=None).customer is None
    assert read_by_hand(customer=None, email="a@example.com").customer == CustomerFacts(
        email="a@example.com"
    )
