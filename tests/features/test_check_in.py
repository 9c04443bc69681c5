"""A parcel arrives and one caring text goes out, or the merchant can read why not."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from tests.factories import payloads
from tests.factories.world import NOON, World


def test_delivered_parcel_is_asked_about_once_after_the_delay(world: World) -> None:
    world.shop()
    world.order()
    world.deliver()
    world.settle()
    assert [c.state for c in world.check_ins()] == ["scheduled"]
    assert world.sent() == []

    world.clock.advance(hours=2, minutes=25)
    world.settle()

    assert len(world.sent()) == 1
    assert "Acme Outfitters" in world.sent()[0]
    assert "STOP" in world.sent()[0]
    [check_in] = world.check_ins()
    assert (check_in.state, check_in.reason) == ("sent", None)


def test_three_routes_of_one_delivery_make_one_check_in(world: World) -> None:
    world.shop()
    world.order()
    at = world.clock.now()
    order = payloads.order_payload(5001, updated_at=at)
    parcel = payloads.fulfillment_payload(5001, 9001, at=at, shipment_status="delivered")
    order["fulfillments"] = [parcel]
    world.deliver()
    world.shopify("fulfillments/update", parcel)
    world.shopify("orders/updated", order)
    world.settle()
    world.clock.advance(hours=3)
    world.settle()
    assert len(world.check_ins()) == 1
    assert len(world.sent()) == 1


def test_delivery_that_comes_before_its_order_is_kept(world: World) -> None:
    world.shop()
    world.deliver()
    world.settle()
    world.order()
    world.settle()
    world.clock.advance(hours=3)
    world.settle()
    assert len(world.sent()) == 1


def test_check_in_that_falls_due_before_its_order_is_known_waits_for_it(world: World) -> None:
    world.shop()
    world.deliver()
    world.settle()
    world.clock.advance(hours=3)
    world.settle()
    assert [c.state for c in world.check_ins()] == ["scheduled"]
    world.order()
    world.settle()
    world.clock.advance(minutes=11)
    world.settle()
    assert len(world.sent()) == 1


def test_older_news_of_an_order_never_overwrites_newer(world: World) -> None:
    world.shop()
    world.order(updated_at=NOON, cancelled_at=NOON.isoformat())
    world.order(updated_at=datetime(2026, 11, 1, tzinfo=UTC), delivery="late")
    world.deliver()
    world.settle()
    world.clock.advance(hours=3)
    world.settle()
    assert world.sent() == []
    assert [c.reason for c in world.check_ins()] == ["order_cancelled"]


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        ({"phone": None}, "no_phone"),
        ({"phone": "555-555-SHIP"}, "invalid_phone"),
        ({"consent": False}, "no_consent"),
        ({"financial_status": "refunded"}, "order_refunded"),
    ],
)
def test_check_in_that_may_not_go_says_why(
    world: World, facts: dict[str, object], reason: str
) -> None:
    world.shop()
    world.order(**facts)
    world.deliver()
    world.settle()
    world.clock.advance(hours=3)
    world.settle()
    assert world.sent() == []
    [check_in] = world.check_ins()
    assert check_in.state in ("skipped", "cancelled")
    assert check_in.reason == reason


def test_night_delivery_is_asked_about_in_the_buyers_lawful_hours(world: World) -> None:
    world.shop()
    world.clock.move(datetime(2026, 11, 20, 6, 0, tzinfo=UTC))  # 22:00 in Portland
    world.order()
    world.deliver()
    world.settle()
    [check_in] = world.check_ins()
    # 10:00 in Oregon and in California, where the number's prefix lies.
    opens = datetime(2026, 11, 20, 18, 0, tzinfo=UTC)
    assert opens <= check_in.due_at
    assert (check_in.due_at - opens).total_seconds() <= 20 * 60
    world.clock.move(check_in.due_at)
    world.settle()
    assert len(world.sent()) == 1


def test_split_shipment_is_asked_about_after_its_last_parcel(world: World) -> None:
    world.shop()
    world.order(lines=2)
    first, second = 13900000000001, 13900000000002
    at = world.clock.now()
    for parcel, line in ((9001, first), (9002, second)):
        world.shopify(
            "fulfillments/create",
            payloads.fulfillment_payload(
                5001, parcel, at=at, shipment_status=None, line_ids=[line]
            ),
        )
    world.settle()
    world.deliver(parcel=9001)
    world.settle()
    world.clock.advance(days=1)
    world.settle()
    assert world.sent() == []
    world.deliver(parcel=9002)
    world.settle()
    world.clock.advance(hours=3)
    world.settle()
    assert len(world.sent()) == 1
    assert len(world.check_ins()) == 1


def test_cancelled_order_calls_a_scheduled_check_in_off(world: World) -> None:
    world.shop()
    world.order()
    world.deliver()
    world.settle()
    world.clock.advance(hours=1)
    world.shopify(
        "orders/cancelled",
        payloads.order_payload(
            5001, updated_at=world.clock.now(), cancelled_at=world.clock.now().isoformat()
        ),
    )
    world.settle()
    assert [(c.state, c.reason) for c in world.check_ins()] == [("cancelled", "order_cancelled")]
    world.clock.advance(hours=3)
    world.settle()
    assert world.sent() == []


def test_thanks_that_nobody_answered_does_not_end_check_ins_for_good(world: World) -> None:
    shop = world.shop()
    world.checked_in(shop)
    world.text(shop, "Thanks!")
    world.clock.advance(days=60)
    world.order(5002, updated_at=world.clock.now())
    world.deliver(5002, 9002)
    world.settle()
    world.clock.advance(hours=2, minutes=25)
    world.settle()
    assert len(world.texts(purpose="check_in", state="accepted")) == 2
