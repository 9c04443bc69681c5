"""The nightly poll of Shopify, parcels that are assumed to have arrived, and plain statements."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import psycopg
import pytest

from app.contacts.models import Contact
from app.foundation.errors import Temporary
from app.orders.assume_arrival import assume_arrivals
from app.orders.jobs import reconcile_shop
from app.orders.models import Fulfillment, Order
from app.orders.ports import FulfillmentFacts, OrderFacts
from app.shops.models import Shop
from app.shops.ports import ShopAccess
from app.ticker import DUTIES
from app.vendors.fake.commerce import FakeCommerce
from tests.factories.world import BUYER, DOMAIN, World


class Recorder(FakeCommerce):
    """Remembers since when it was asked, may break off after some pages, takes any token."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[datetime] = []
        self.pages_left = 1000

    def orders_updated_since(
        self, access: ShopAccess, since: datetime
    ) -> Iterator[Sequence[OrderFacts]]:
        self.asked.append(since)
        for page in super().orders_updated_since(access, since):
            if self.pages_left == 0:
                raise Temporary("shopify", "down")
            self.pages_left -= 1
            yield page

    def _admit(self, access: ShopAccess) -> None:
        return None


def order(number: int, at: datetime) -> OrderFacts:
    return OrderFacts(shopify_id=number, updated_at=at, name=f"#{number}")


def tick(world: World) -> None:
    for duty in DUTIES:
        if duty.name == "nightly_poll":
            duty.run(world.ports, world.clock.now())


def polls(world: World) -> int:
    count: int = world.scalar("SELECT count(*) FROM outbox WHERE topic = 'orders.reconcile'")
    return count


def test_after_three_days_without_a_poll_the_gap_is_read(world: World) -> None:
    shop = world.shop()
    recorder = Recorder()
    ports = replace(world.ports, commerce=recorder)
    reconcile_shop(ports, shop_id=shop.id)
    last = world.clock.now()
    world.clock.advance(days=3)
    recorder.put_order(DOMAIN, order(1, last + timedelta(hours=1)))
    reconcile_shop(ports, shop_id=shop.id)
    assert recorder.asked[-1] == last - timedelta(hours=2)
    assert [row.shopify_id for row in world.all(Order)] == [1]
    assert world.all(Shop)[0].reconciled_at == world.clock.now()


def test_poll_that_breaks_off_goes_on_from_there(world: World) -> None:
    shop = world.shop()
    recorder = Recorder()
    ports = replace(world.ports, commerce=recorder)
    reconcile_shop(ports, shop_id=shop.id)
    begun = world.clock.now()
    for number in range(25):
        recorder.put_order(DOMAIN, order(number, begun + timedelta(hours=number)))
    world.clock.advance(days=2)
    recorder.pages_left = 1
    with pytest.raises(Temporary):
        reconcile_shop(ports, shop_id=shop.id)
    read_to = begun + timedelta(hours=9)  # the fake's pages hold ten
    assert world.all(Shop)[0].reconciled_at == read_to
    recorder.pages_left = 10
    reconcile_shop(ports, shop_id=shop.id)
    assert recorder.asked[-1] == read_to - timedelta(hours=2)
    assert len(world.all(Order)) == 25


def test_failed_poll_is_asked_for_again_and_one_at_a_time(world: World) -> None:
    world.shop()
    tick(world)
    tick(world)
    assert polls(world) == 1
    world.commerce.fail_next(Temporary("shopify", "down"))
    world.settle()
    assert polls(world) == 1
    world.settle(patient=True)
    tick(world)
    assert polls(world) == 0
    world.clock.advance(hours=25)
    tick(world)
    assert polls(world) == 1


def test_two_tickers_at_once_ask_for_one_poll(world: World) -> None:
    world.shop()
    with world.db.across_shops("the other ticker") as session:
        session.sql("SELECT pg_advisory_xact_lock(hashtext('nightly_poll'))")
        tick(world)
        assert polls(world) == 0
    tick(world)
    assert polls(world) == 1


def test_assuming_an_arrival_holds_no_parcel_whose_order_is_being_tracked(world: World) -> None:
    shop = world.shop()
    shipped = world.clock.now() - timedelta(days=10)
    parcel = FulfillmentFacts(shopify_id=9, status="success", created_at=shipped)
    facts = replace(order(5, shipped), fulfillments=(parcel,))
    recorder = Recorder()
    recorder.put_order(DOMAIN, replace(facts, updated_at=world.clock.now()))
    reconcile_shop(replace(world.ports, commerce=recorder), shop_id=shop.id)
    now = world.clock.now()
    with world.db.across_shops("a webhook") as tracking:
        tracking.sql("SELECT FROM orders FOR UPDATE")
        with world.db.across_shops("the ticker") as ticker:
            assert assume_arrivals(ticker, now=now) == 0
            tracking.sql("SELECT FROM fulfillments FOR UPDATE NOWAIT")
    with world.db.across_shops("the ticker") as ticker:
        assert assume_arrivals(ticker, now=now) == 1
    assert world.all(Fulfillment)[0].delivered_by == "days_after_shipping"


def test_plain_statement_sees_what_the_session_has_changed(world: World) -> None:
    shop = world.shop()
    with world.db.shop(shop.id) as session:
        contact = Contact(shop_id=shop.id, phone=BUYER, first_name="Ana")
        session.add(contact)
        assert session.sql("SELECT first_name FROM contacts").scalar_one() == "Ana"
        contact.first_name = "Maya"
        assert session.sql("SELECT first_name FROM contacts").scalar_one() == "Maya"
        session.delete(contact)
        assert session.sql("SELECT count(*) FROM contacts").scalar_one() == 0
    with pytest.raises(psycopg.Error), world.db.shop(shop.id) as session:
        session.sql("SELECT no_such_column FROM contacts")
