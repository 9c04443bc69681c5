"""What Shopify says of one order comes in any order: late, twice, or after its parcel."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa

from app.orders.models import Order
from app.orders.track import track_order
from app.vendors.shopify.order_payload import parse_order
from tests.factories import payloads
from tests.factories.world import NOON, World


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


def test_order_that_becomes_known_after_its_delivery_moves_its_check_in(world: World) -> None:
    world.shop()
    world.clock.move(datetime(2026, 11, 20, 6, 0, tzinfo=UTC))  # 22:00 in Portland
    world.deliver()
    world.settle()
    assert [c.due_at.hour for c in world.check_ins()] == [8]  # nobody knows where the buyer is
    world.order()
    world.settle()
    assert [c.due_at.hour for c in world.check_ins()] == [18]  # 10:00 in Portland


def test_order_that_turns_out_to_have_another_parcel_waits_for_it(world: World) -> None:
    world.shop()
    world.deliver(parcel=9001)
    world.settle()
    order = payloads.order_payload(5001, updated_at=world.clock.now(), lines=2)
    first, second = (line["id"] for line in order["line_items"])
    order["fulfillments"] = [
        payloads.fulfillment_payload(
            5001, parcel, at=world.clock.now(), shipment_status=None, line_ids=[line]
        )
        for parcel, line in ((9001, first), (9002, second))
    ]
    world.shopify("orders/updated", order)
    world.settle()
    world.clock.advance(days=1)
    world.settle()
    assert world.sent() == []
    world.deliver(parcel=9002)
    world.settle()
    world.clock.advance(hours=3)
    world.settle()
    assert len(world.sent()) == 1


def test_older_order_read_in_full_fills_gaps_and_overwrites_nothing(world: World) -> None:
    """The refund came while the order was being read: what was read is older than it."""
    shop = world.shop()
    before = world.clock.now() - timedelta(hours=1)
    read = parse_order(payloads.order_payload(5001, updated_at=before))
    refunded = payloads.order_payload(
        5001, updated_at=world.clock.now(), financial_status="refunded", order_status_url=None
    )
    refunded["line_items"][0]["current_quantity"] = 0
    world.shopify("orders/updated", refunded)
    world.settle()
    with world.db.shop(shop.id) as session:
        track_order(
            session,
            now=world.clock.now(),
            shop_id=shop.id,
            facts=dataclasses.replace(read, complete=True),
        )
    world.deliver()
    world.settle()
    world.clock.advance(hours=3)
    world.settle()
    assert [c.reason for c in world.check_ins()] == ["order_refunded"]
    with world.db.shop(shop.id) as session:
        [order] = session.scalars(sa.select(Order))
        assert (order.complete, order.status_page_url) == (True, read.status_page_url)
        assert [line.current_quantity for line in order.lines] == [0]


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
