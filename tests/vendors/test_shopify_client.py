"""Every answer of the Admin API means one thing: done, not done, or unknown."""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from app.foundation.errors import Misconfigured, Permanent, Refused, Temporary, Unknowable
from app.shops.ports import ShopAccess, TokenDead
from app.vendors.shopify.client import Operation, ShopifyClient, UserErrors, load_operations
from tests.vendors.shopify_stub import SHOP, Says, Stub, answering

GRAPHQL = Path(__file__).parents[1] / "fixtures" / "shopify" / "graphql"
ACCESS = ShopAccess(1, SHOP, "shpat_test_access_1")
READ = Operation("ReadShop", "query ReadShop { shop { name } }", is_mutation=False)
WRITE = Operation("Consent", "mutation Consent { a { userErrors { message } } }", is_mutation=True)
SHOP_NAME = {"data": {"shop": {"name": "Acme"}}}


def sample(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((GRAPHQL / f"{name}.json").read_text())
    return loaded


def cost(available: float, *, requested: float = 50, rate: float = 100.0) -> dict[str, Any]:
    status = {"maximumAvailable": 2000.0, "currentlyAvailable": available, "restoreRate": rate}
    return {"cost": {"requestedQueryCost": requested, "throttleStatus": status}}


def throttled(available: float, *, requested: float = 50) -> dict[str, Any]:
    return {
        "errors": [{"message": "Throttled", "extensions": {"code": "THROTTLED"}}],
        "extensions": cost(available, requested=requested),
    }


def client(stub: Stub) -> ShopifyClient:
    return ShopifyClient(base_url=stub.base_url)


def test_an_operation_is_sent_to_the_shops_own_address() -> None:
    with answering(Says(SHOP_NAME)) as stub:
        answer = client(stub).run(ACCESS, READ, {"id": 1})
    (asked,) = stub.asked
    assert asked.path == f"/{SHOP}/admin/api/2026-10/graphql.json"
    assert asked.headers["X-Shopify-Access-Token"] == "shpat_test_access_1"
    assert asked.body == {
        "query": READ.document,
        "operationName": "ReadShop",
        "variables": {"id": 1},
    }
    assert answer.data == SHOP_NAME["data"] and answer.withheld == ()


def test_the_address_must_leave_room_for_the_shop() -> None:
    with pytest.raises(Misconfigured):
        ShopifyClient(base_url="https://example.com")


def test_a_token_is_sent_to_shops_only() -> None:
    with answering(Says(SHOP_NAME)) as stub:
        with pytest.raises(Refused):
            client(stub).run(ShopAccess(1, "evil.example", "shpat"), READ)
        assert stub.asked == []


# --- What was not done


@pytest.mark.parametrize("status", [401, 403])
def test_a_token_that_is_not_honoured_is_dead(status: int) -> None:
    with answering(Says({"errors": "no"}, status=status)) as stub, pytest.raises(TokenDead):
        client(stub).run(ACCESS, READ)


@pytest.mark.parametrize("status", [301, 400, 404, 406])
def test_other_refusals_are_permanent(status: int) -> None:
    with answering(Says("no", status=status)) as stub, pytest.raises(Permanent) as caught:
        client(stub).run(ACCESS, READ)
    assert not isinstance(caught.value, TokenDead) and caught.value.status == status


@pytest.mark.parametrize("status", [402, 423])
def test_a_frozen_shop_is_left_alone_for_an_hour(status: int) -> None:
    with answering(Says("", status=status)) as stub, pytest.raises(Temporary) as caught:
        client(stub).run(ACCESS, WRITE)
    assert caught.value.retry_after == 3600


def test_a_missing_scope_is_permanent_and_named() -> None:
    denied = Says(sample("access_denied.response"))
    with answering(denied) as stub, pytest.raises(Permanent) as caught:
        client(stub).run(ACCESS, WRITE)
    assert caught.value.code == "ACCESS_DENIED"


def test_an_invalid_document_is_permanent() -> None:
    body = {
        "errors": [{"message": "Field 'x' doesn't exist", "extensions": {"code": "undefinedField"}}]
    }
    with answering(Says(body)) as stub, pytest.raises(Permanent) as caught:
        client(stub).run(ACCESS, READ)
    assert caught.value.code == "undefinedField"


def test_a_shops_own_refusal_says_why_without_repeating_it_in_logs() -> None:
    refused = Says(sample("SmsConsent.response.user_error"))
    with answering(refused) as stub, pytest.raises(UserErrors) as caught:
        client(stub).run(ACCESS, WRITE)
    assert caught.value.codes == ("INVALID",)
    assert caught.value.messages[0].startswith("A phone number is required")
    assert "phone" not in str(caught.value)


# --- Fields that are withheld


def test_withheld_fields_are_none_and_the_rest_is_kept() -> None:
    with answering(Says(sample("protected_data_redacted.response"))) as stub:
        answer = client(stub).run(ACCESS, READ)
    assert answer.data["order"]["id"] == "gid://shopify/Order/5678901234567"
    assert answer.data["order"]["phone"] is None
    assert answer.withheld == ("order.phone",)


def test_an_answer_with_a_hole_of_shopifys_own_making_is_not_taken() -> None:
    body = {
        "data": {"order": {"id": "gid://shopify/Order/1", "customer": None}},
        "errors": [
            {
                "message": "Internal error",
                "path": ["order", "customer"],
                "extensions": {"code": "INTERNAL_SERVER_ERROR"},
            }
        ],
    }
    with answering(Says(body)) as stub:
        with pytest.raises(Temporary):
            client(stub).run(ACCESS, READ)
        with pytest.raises(Unknowable):
            client(stub).run(ACCESS, WRITE)


# --- What may have been done


@pytest.mark.parametrize(
    "says",
    [
        Says("oops", status=500),
        Says("", status=503),
        Says("<html>", status=200),
        Says({}, status=200),
        Says(None, status=200),
        Says({"data": None}),
    ],
)
def test_no_usable_answer_leaves_only_a_mutation_unknowable(
    says: Says,
) -> None:
    with answering(says) as stub:
        with pytest.raises(Temporary):
            client(stub).run(ACCESS, READ)
        with pytest.raises(Unknowable):
            client(stub).run(ACCESS, WRITE)


def test_a_query_survives_one_cut_line() -> None:
    with answering(Says(cut=True), Says(SHOP_NAME)) as stub:
        assert client(stub).run(ACCESS, READ).data == SHOP_NAME["data"]
    assert len(stub.asked) == 2


def test_a_query_gives_up_after_the_second_cut_line() -> None:
    with answering(Says(cut=True)) as stub, pytest.raises(Temporary):
        client(stub).run(ACCESS, READ)
    assert len(stub.asked) == 2


def test_a_mutation_is_never_sent_twice() -> None:
    done = Says({"data": {"a": {"userErrors": []}}})
    with answering(Says(cut=True), done) as stub, pytest.raises(Unknowable):
        client(stub).run(ACCESS, WRITE)
    assert len(stub.asked) == 1


def test_no_connection_is_temporary_also_for_a_mutation() -> None:
    with answering(Says(SHOP_NAME)) as stub:
        pass
    with pytest.raises(Temporary) as caught:
        client(stub).run(ACCESS, WRITE)
    assert caught.value.code == "no_connection"


# --- Points


def test_a_throttled_call_waits_for_its_points_and_goes_on() -> None:
    with answering(Says(throttled(0, requested=50)), Says(SHOP_NAME)) as stub:
        began = time.monotonic()
        assert client(stub).run(ACCESS, WRITE).data == SHOP_NAME["data"]
        assert 0.45 < time.monotonic() - began < 2.5
    assert len(stub.asked) == 2


def test_a_long_wait_is_left_to_the_job() -> None:
    with answering(Says(throttled(0, requested=900))) as stub, pytest.raises(Temporary) as caught:
        client(stub).run(ACCESS, READ)
    assert caught.value.code == "THROTTLED" and caught.value.retry_after == pytest.approx(9.0)
    assert len(stub.asked) == 1


def test_shopifys_own_throttled_answer_is_understood() -> None:
    # 164 points asked for, 12 there, 100 a second: a wait of 1.52 s, then it is short for good.
    with answering(Says(sample("throttled.response"))) as stub:
        began = time.monotonic()
        with pytest.raises(Temporary):
            client(stub).run(ACCESS, READ)
        assert time.monotonic() - began < 3.0


def test_http_429_is_waited_for_or_passed_on() -> None:
    with answering(Says("", status=429, headers={"Retry-After": "0.3"}), Says(SHOP_NAME)) as stub:
        assert client(stub).run(ACCESS, WRITE).data == SHOP_NAME["data"]
    with (
        answering(Says("", status=429, headers={"Retry-After": "30"})) as stub,
        pytest.raises(Temporary) as caught,
    ):
        client(stub).run(ACCESS, WRITE)
    assert caught.value.retry_after == 30


def test_a_shop_that_never_has_points_ends_the_call_in_time() -> None:
    with answering(Says("", status=429, headers={"Retry-After": "0"})) as stub:
        began = time.monotonic()
        with pytest.raises(Temporary):
            client(stub).run(ACCESS, READ)
        assert time.monotonic() - began < 4.0
    assert len(stub.asked) <= 22


def test_a_call_that_cannot_be_paid_is_not_sent_at_all() -> None:
    poor = {**SHOP_NAME, "extensions": cost(10, requested=800)}
    with answering(Says(poor)) as stub:
        line = client(stub)
        line.run(ACCESS, READ)
        with pytest.raises(Temporary) as caught:
            line.run(ACCESS, READ)
        assert len(stub.asked) == 1
        assert caught.value.retry_after == pytest.approx(7.9, abs=0.3)


def test_one_poor_shop_does_not_hold_up_another() -> None:
    poor = {**SHOP_NAME, "extensions": cost(10, requested=800)}
    with answering(Says(poor)) as stub:
        line = client(stub)
        line.run(ACCESS, READ)
        line.run(ShopAccess(2, "other-shop.myshopify.com", "shpat_2"), READ)
    assert len(stub.asked) == 2


def test_calls_at_one_time_share_what_is_left() -> None:
    """Room for two calls of 400 points among 800: of six at once, no more than two are sent."""
    rich = {**SHOP_NAME, "extensions": cost(805, requested=400, rate=1.0)}
    with answering(Says(rich), Says(rich, after=0.6)) as stub:
        line = client(stub)
        line.run(ACCESS, READ)

        def call(_: int) -> bool:
            try:
                line.run(ACCESS, READ)
            except Temporary:
                return False
            return True

        with ThreadPoolExecutor(6) as pool:
            done = list(pool.map(call, range(6)))
    assert sum(done) == 2
    assert len(stub.asked) == 3


@pytest.mark.parametrize(
    "extensions",
    [
        {"cost": None},
        {"cost": {"throttleStatus": None}},
        {"cost": {"throttleStatus": {"currentlyAvailable": "x", "restoreRate": 0}}},
        {"cost": {"requestedQueryCost": True, "throttleStatus": {"maximumAvailable": 0}}},
        [],
    ],
)
def test_odd_costs_are_passed_by(extensions: object) -> None:
    with answering(Says({**SHOP_NAME, "extensions": extensions})) as stub:
        line = client(stub)
        for _ in range(3):
            assert line.run(ACCESS, READ).data == SHOP_NAME["data"]


def test_operations_are_found_by_name_with_their_kind() -> None:
    operations = load_operations("orders.graphql")
    assert {"ReadOrder", "OrdersUpdatedSince", "MoreLines"} <= set(operations)
    assert not any(one.is_mutation for one in operations.values())
