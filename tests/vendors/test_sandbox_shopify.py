"""The emulated Shopify is as strict as the real one: tokens, scopes, cost, errors."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jwt
import pytest

from sandbox import clock
from sandbox.shopify import goods, installs, views
from sandbox.shopify.admin_schema import compact_schema
from tests.vendors.shopify_sandbox import SECRET, SHOP, EmulatedShopify, running

FIXTURES = Path(__file__).parents[1] / "fixtures" / "shopify"
ORDER = "query($id: ID!) { order(id: $id) { id name phone returnStatus fulfillments { id } } }"
DAY = 24 * 3600


@pytest.fixture
def shopify() -> Iterator[EmulatedShopify]:
    with running() as emulated:
        yield emulated


@pytest.fixture
def token(shopify: EmulatedShopify) -> str:
    return shopify.token()


def gid(order: dict[str, Any]) -> dict[str, str]:
    return {"id": f"gid://shopify/Order/{order['order_id']}"}


# Tokens


def test_exchange_hands_out_an_expiring_token_with_the_scopes_of_the_toml(
    shopify: EmulatedShopify,
) -> None:
    answer = shopify.token_request().json
    documented = json.loads((FIXTURES / "auth" / "token_exchange.response.json").read_text())
    assert answer.keys() == documented.keys()
    assert (answer["expires_in"], answer["refresh_token_expires_in"]) == (3600, 90 * DAY)
    assert set(answer["scope"].split(",")) == shopify.world.app.scopes


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"expiring": None}, "invalid_request"),
        ({"client_secret": "wrong"}, "invalid_client"),
        ({"client_id": "somebody-else"}, "invalid_client"),
        ({"subject_token": "not.a.token"}, "invalid_subject_token"),
        ({"subject_token_type": None}, "invalid_request"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"grant_type": "refresh_token", "refresh_token": "shprt_unknown"}, "invalid_grant"),
    ],
)
def test_a_wrong_token_request_is_refused(
    shopify: EmulatedShopify, changes: dict[str, Any], error: str
) -> None:
    answer = shopify.token_request(**changes)
    assert (answer.status_code, answer.json["error"]) == (400, error)


def test_an_id_token_is_refused_when_old_forged_or_of_another_shop(
    shopify: EmulatedShopify,
) -> None:
    shop = shopify.world.shop(SHOP)
    stale = installs.mint_id_token(shopify.world, shop, at=time.time() - 75)
    claims = jwt.decode(stale, options={"verify_signature": False})
    assert len(claims) == 9
    endless = jwt.encode({k: v for k, v in claims.items() if k != "exp"}, SECRET, "HS256")
    forged = jwt.encode({**claims, "exp": time.time() + 60}, "x" * 32, "HS256")
    shopify.act("add_shop", domain="second.myshopify.com", name="Second")
    elsewhere = shopify.act("id_token", shop="second.myshopify.com")["id_token"]
    for bad in (stale, endless, forged, elsewhere):
        answer = shopify.token_request(subject_token=bad)
        assert (answer.status_code, answer.json["error"]) == (400, "invalid_subject_token")


def test_an_access_token_lives_an_hour(shopify: EmulatedShopify, token: str) -> None:
    assert shopify.ask("{ shop { name } }", token=token).status_code == 200
    clock.advance(3601)
    assert shopify.ask("{ shop { name } }", token=token).status_code == 401


def test_the_previous_refresh_token_works_until_its_replacement_is_used(
    shopify: EmulatedShopify,
) -> None:
    first = shopify.token_request().json["refresh_token"]
    lost = shopify.refresh(first).json["refresh_token"]  # say this answer never arrived
    second = shopify.refresh(first).json["refresh_token"]
    assert shopify.refresh(lost).status_code == 400
    assert shopify.refresh(second).status_code == 200
    assert shopify.refresh(first).json == {"error": "invalid_grant"}


def test_uninstalling_kills_all_tokens_and_redacts_after_48_hours(
    shopify: EmulatedShopify, token: str
) -> None:
    refresh = shopify.token_request().json["refresh_token"]
    shopify.act("uninstall")
    assert shopify.ask("{ shop { name } }", token=token).status_code == 401
    assert shopify.refresh(refresh).json["error"] == "invalid_client"
    shopify.act("place_order")  # of a shop that has left us nothing is heard
    assert [one.topic for one in shopify.quiet()] == ["app/uninstalled"]
    clock.advance(2 * DAY + 60)
    installs.redact_due_shops(shopify.world)
    assert [(one.topic, one.path) for one in shopify.quiet()[1:]] == [
        ("shop/redact", "/webhooks/shopify/compliance")
    ]


# The Admin API


def test_an_order_is_read_on_the_real_schema(shopify: EmulatedShopify, token: str) -> None:
    order = shopify.act("place_order")
    assert int(order["order_id"]) > 2**53
    answer = shopify.ask(ORDER, gid(order), token=token).json
    assert answer["data"]["order"]["name"] == order["name"]
    cost = answer["extensions"]["cost"]
    assert cost["requestedQueryCost"] == cost["actualQueryCost"] + 1  # no parcel was there yet


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("{ shop { nonsense } }", "undefinedField"),
        ("{ orders(first: 1, quer: 1) { nodes { id } } }", "argumentNotAccepted"),
        ("{ order { id } }", "missingRequiredArguments"),
        ("query($id: ID!) { order(id: $id) { id } }", "INVALID_VARIABLE"),
        ('{ order(id: "gid://shopify/Product/1") { id } }', "RESOURCE_NOT_FOUND"),
        ("{ orders { nodes { id } } }", "BAD_USER_INPUT"),
        ("{ products(first: 250) { nodes { variants(first: 9) { nodes { id } } } } }", "MAX_COST"),
        (
            'mutation { returnClose(id: "gid://shopify/Return/1") { userErrors { message } } }',
            "ACCESS_DENIED",
        ),
    ],
)
def test_a_wrong_operation_is_answered_200_with_errors(
    shopify: EmulatedShopify, token: str, query: str, code: str
) -> None:
    answer = shopify.ask(query, token=token)
    assert answer.status_code == 200
    assert answer.json["errors"][0]["extensions"]["code"].startswith(code)


def test_what_is_not_emulated_is_said_loudly(shopify: EmulatedShopify, token: str) -> None:
    assert shopify.ask("{ shop { description } }", token=token).status_code == 501


def test_a_wrong_token_or_version_is_refused(shopify: EmulatedShopify, token: str) -> None:
    assert shopify.ask("{ shop { name } }", token="shpat_wrong").status_code == 401
    shopify.act("add_shop", domain="second.myshopify.com", name="Second")
    other = shopify.ask("{ shop { name } }", token=token, shop="second.myshopify.com")
    assert other.status_code == 401
    old = f"/shopify/{SHOP}/admin/api/2024-01/graphql.json"
    assert shopify.http.post(old, json={"query": "{ shop { name } }"}).status_code == 404


def test_a_field_without_its_scope_is_denied(shopify: EmulatedShopify) -> None:
    shopify.act("uninstall")
    shopify.act("install", scopes=["read_customers"])
    bare = shopify.token_request().json["access_token"]
    order = shopify.act("place_order")
    answer = shopify.ask(ORDER, gid(order), token=bare).json
    assert answer["data"] == {"order": None}
    assert answer["errors"][0]["extensions"]["code"] == "ACCESS_DENIED"
    assert "`read_orders`" in answer["errors"][0]["message"]


def test_an_empty_bucket_throttles_and_refills(shopify: EmulatedShopify, token: str) -> None:
    shopify.act("set_plan", plan="standard")
    shopify.act("drain_points")
    query = "{ orders(first: 10) { nodes { id } } }"
    throttled = shopify.ask(query, token=token)
    assert throttled.status_code == 200
    assert throttled.json["errors"][0]["extensions"]["code"] == "THROTTLED"
    assert throttled.json["extensions"]["cost"]["actualQueryCost"] is None
    status = throttled.json["extensions"]["cost"]["throttleStatus"]
    assert (status["maximumAvailable"], status["restoreRate"]) == (2000.0, 100.0)
    time.sleep(0.2)
    assert "errors" not in shopify.ask(query, token=token).json


def test_protected_fields_are_withheld_without_approval(
    shopify: EmulatedShopify, token: str
) -> None:
    shopify.act("set_approval", approved=False)
    order = shopify.act("place_order", phone_on=["order"])
    answer = shopify.ask(ORDER, gid(order), token=token).json
    assert answer["data"]["order"]["phone"] is None
    assert answer["errors"][0]["path"] == ["order", "phone"]
    told = json.loads(shopify.quiet()[0].body)
    assert told["phone"] is None and "name" not in told["shipping_address"]


def test_orders_are_paged_by_their_last_change(shopify: EmulatedShopify, token: str) -> None:
    names = [shopify.act("place_order", announce=False)["name"] for _ in range(5)]
    clock.advance(60)
    since = clock.now().isoformat()
    clock.advance(60)
    for name in (names[3], names[0], names[4]):
        shopify.act("ship", order_id=name, announce=False)
        clock.advance(2)
    query = """query($q: String, $after: String) {
      orders(first: 2, after: $after, query: $q, sortKey: UPDATED_AT) {
        nodes { name } pageInfo { hasNextPage endCursor } } }"""
    found: list[str] = []
    page: dict[str, Any] = {"hasNextPage": True, "endCursor": None}
    while page["hasNextPage"]:
        asked = {"q": f"updated_at:>='{since}'", "after": page["endCursor"]}
        answer = shopify.ask(query, asked, token=token).json["data"]["orders"]
        found += [node["name"] for node in answer["nodes"]]
        page = answer["pageInfo"]
    assert found == [names[3], names[0], names[4]]


def test_orders_older_than_60_days_need_another_scope(shopify: EmulatedShopify, token: str) -> None:
    order = shopify.act("place_order", created_at="2026-01-05T10:00:00Z")
    clock.advance(300)
    fresh = shopify.token_request().json["access_token"]
    assert shopify.ask(ORDER, gid(order), token=fresh).json["data"] == {"order": None}


def test_the_app_can_report_a_scan_only_with_its_optional_scope(
    shopify: EmulatedShopify, token: str
) -> None:
    order = shopify.act("ship", order_id=shopify.act("place_order")["order_id"])
    fulfillment = order["fulfillments"][0]["fulfillment_id"]
    mutation = """mutation($e: FulfillmentEventInput!) {
      fulfillmentEventCreate(fulfillmentEvent: $e) {
        fulfillmentEvent { status } userErrors { field message } } }"""
    event = {"fulfillmentId": f"gid://shopify/Fulfillment/{fulfillment}", "status": "DELIVERED"}
    denied = shopify.ask(mutation, {"e": event}, token=token).json
    assert denied["errors"][0]["extensions"]["code"] == "ACCESS_DENIED"
    shopify.act("change_scopes", scopes=["write_fulfillments"])
    done = shopify.ask(mutation, {"e": event}, token=token).json
    assert done["data"]["fulfillmentEventCreate"] == {
        "fulfillmentEvent": {"status": "DELIVERED"},
        "userErrors": [],
    }
    assert "fulfillment_events/create" in {one.topic for one in shopify.quiet()}


def test_sms_consent_is_written_back_and_told(shopify: EmulatedShopify, token: str) -> None:
    order = shopify.act("place_order", sms_marketing=True)
    mutation = """mutation($input: CustomerSmsMarketingConsentUpdateInput!) {
      customerSmsMarketingConsentUpdate(input: $input) {
        customer { defaultPhoneNumber { smsMarketingConsent { state } } }
        userErrors { field message code } } }"""
    customer = f"gid://shopify/Customer/{order['customer_id']}"

    def change(state: str) -> Any:
        consent = {"marketingState": state, "marketingOptInLevel": "SINGLE_OPT_IN"}
        wanted = {"input": {"customerId": customer, "smsMarketingConsent": consent}}
        answer = shopify.ask(mutation, wanted, token=token).json
        return answer["data"]["customerSmsMarketingConsentUpdate"]

    assert change("NOT_SUBSCRIBED")["userErrors"][0]["code"] == "INVALID"
    changed = change("UNSUBSCRIBED")
    assert changed["userErrors"] == []
    phone = changed["customer"]["defaultPhoneNumber"]
    assert phone["smsMarketingConsent"]["state"] == "UNSUBSCRIBED"
    told = [json.loads(one.body) for one in shopify.quiet() if "consent" in one.topic]
    assert [one["sms_marketing_consent"]["state"] for one in told] == ["subscribed", "unsubscribed"]


def test_every_emulated_field_exists_in_the_real_schema(shopify: EmulatedShopify) -> None:
    types = compact_schema()["types"]
    placed = shopify.act("place_order")
    order = shopify.act("scan", order_id=placed["order_id"])
    kept = shopify.world.store.order(int(order["order_id"]))
    assert kept is not None
    customer = shopify.world.store.customer(kept["customer_id"])
    assert customer is not None
    line, parcel, shop = kept["lines"][0], kept["fulfillments"][0], shopify.world.shop(None)
    shown = [
        views.order_view(shopify.world, kept),
        views.line_view(shopify.world, kept, line),
        views.parcel_view(shopify.world, kept, parcel),
        views.event_view(parcel["events"][0]),
        views.customer_view(customer),
        views.address_view(kept["shipping_address"], "1"),
        goods.variant_view(shopify.world, line["variant_id"]),
        goods.product_view(shopify.world, line["product_id"]),
        goods.shop_view(shop),
        goods.installation_view(shopify.world, shop),
    ]
    for view in shown:
        assert view is not None
        assert set(view) - {"__typename"} <= set(types[view["__typename"]]["fields"])
