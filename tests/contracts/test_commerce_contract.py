"""What every Commerce does, on the fake and on Shopify's adapter against the emulator."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Protocol

import pytest

from app.foundation.errors import Temporary
from app.orders.ports import (
    Commerce,
    CustomerFacts,
    FulfillmentFacts,
    LineFacts,
    OrderFacts,
    Place,
    ShopFacts,
)
from app.shops.ports import ShopAccess, TokenDead
from app.vendors.fake.commerce import FakeCommerce
from sandbox import faults
from tests.vendors.shopify_over_http import ReachableShopify, running

SHOP, OTHER_SHOP = "acme-outfitters.myshopify.com", "other-shop.myshopify.com"
WORDING = "Text me about my order. Reply STOP to opt out."


class Stage(Protocol):
    """A platform with two shops, and the world around it as a test arranges it."""

    commerce: Commerce
    access: ShopAccess
    other_access: ShopAccess

    def now(self) -> datetime: ...

    def pass_time(self, seconds: int) -> None: ...

    def place(self, lines: int = 1) -> int:
        """Maya buys so many things at the first shop, ticks the care opt-in, and leaves her
        number at the shipping address."""
        ...

    def ship(self, order_id: int, parcels: int = 1) -> None: ...

    def deliver(self, order_id: int) -> None:
        """The carrier says that every parcel of the order has arrived."""
        ...

    def refuse_once(self) -> None:
        """The next call meets a server in trouble."""
        ...


class FakeStage:
    def __init__(self) -> None:
        self.commerce = self._fake = FakeCommerce()
        self.access = ShopAccess(1, SHOP, "token-1")
        self.other_access = ShopAccess(2, OTHER_SHOP, "token-2")
        self._now = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
        self._next_id = 9_007_199_254_740_993
        shop = ShopFacts(
            "Acme Outfitters",
            "owner@acme.example",
            "America/Los_Angeles",
            "USD",
            "US",
            "read_orders",
        )
        self._fake.add_shop(SHOP, shop, access_token="token-1")
        self._fake.add_shop(OTHER_SHOP, replace(shop, name="Other"), access_token="token-2")

    def now(self) -> datetime:
        return self._now

    def pass_time(self, seconds: int) -> None:
        self._now += timedelta(seconds=seconds)

    def place(self, lines: int = 1) -> int:
        order_id = self._id()
        home = Place("US", "OR", "97205")
        self._put(
            OrderFacts(
                shopify_id=order_id,
                updated_at=self._now,
                name="#1001",
                created_at=self._now,
                financial_status="paid",
                fulfillment_status="unfulfilled",
                currency="USD",
                total_price="188.00",
                locale="en-US",
                customer=CustomerFacts(self._id(), "Maya", "Okafor", "maya.okafor@example.com"),
                phones=("+14155550142",),
                shipping=home,
                billing=home,
                status_page_url="https://acme.example/orders/1",
                attributes={"doorstep_care_consent": WORDING},
                lines=tuple(self._line(n) for n in range(lines)),
                fulfillments=(),
                has_return=False,
                complete=True,
            )
        )
        return order_id

    def ship(self, order_id: int, parcels: int = 1) -> None:
        order = self._order(order_id)
        line_ids = [line.shopify_id for line in order.lines or ()]
        made = tuple(
            FulfillmentFacts(
                shopify_id=self._id(),
                status="success",
                tracking_company="UPS",
                tracking_number="1Z999AA10123456784",
                tracking_url="https://www.ups.com/",
                created_at=self._now,
                updated_at=self._now,
                line_ids=tuple(line_ids[n::parcels]),
            )
            for n in range(parcels)
        )
        self._put(replace(order, fulfillments=made, fulfillment_status="fulfilled"))

    def deliver(self, order_id: int) -> None:
        order = self._order(order_id)
        arrived = tuple(
            replace(one, shipment_status="delivered", delivered_at=self._now, updated_at=self._now)
            for one in order.fulfillments or ()
        )
        self._put(replace(order, fulfillments=arrived))

    def refuse_once(self) -> None:
        self._fake.fail_next(Temporary("fake", "in trouble", status=503))

    def _id(self) -> int:
        self._next_id += 1
        return self._next_id

    def _line(self, position: int) -> LineFacts:
        return LineFacts(
            shopify_id=self._id(),
            title=f"Thing {position}",
            quantity=1,
            current_quantity=1,
            variant_title="M / Pine",
            sku=f"T-{position}",
            product_id=self._id(),
            variant_id=self._id(),
            options={"Size": "M", "Color": "Pine"},
            image_url="https://cdn.example/t.jpg",
        )

    def _order(self, order_id: int) -> OrderFacts:
        found = self._fake.read_order(self.access, order_id)
        assert found is not None
        return found

    def _put(self, facts: OrderFacts) -> None:
        self._fake.put_order(SHOP, replace(facts, updated_at=self._now))


class ShopifyStage:
    def __init__(self, shopify: ReachableShopify) -> None:
        self._shopify = shopify
        shopify.act("add_shop", domain=OTHER_SHOP, name="Other")
        shopify.act("install", shop=OTHER_SHOP)
        self.commerce = shopify.commerce()
        self.access = shopify.access()
        self.other_access = shopify.access(2, OTHER_SHOP)

    def now(self) -> datetime:
        return self._shopify.now()

    def pass_time(self, seconds: int) -> None:
        self._shopify.pass_time(seconds)
        self.access = self._shopify.access()  # tokens live for an hour

    def place(self, lines: int = 1) -> int:
        items = [
            {"title": f"Thing {n}", "variant_title": "M / Pine", "sku": f"T-{n}"}
            for n in range(lines)
        ]
        placed = self._shopify.act("place_order", items=items, care_consent=WORDING, announce=False)
        return int(placed["order_id"])

    def ship(self, order_id: int, parcels: int = 1) -> None:
        self._shopify.act("ship", order_id=str(order_id), parcels=parcels, announce=False)

    def deliver(self, order_id: int) -> None:
        self._shopify.act("scan", order_id=str(order_id), status="delivered", announce=False)

    def refuse_once(self) -> None:
        faults.add("shopify", "5xx", count=1)


@pytest.fixture(params=["fake", "shopify"])
def stage(request: pytest.FixtureRequest) -> Iterator[Stage]:
    if request.param == "fake":
        yield FakeStage()
        return
    with running() as shopify:
        yield ShopifyStage(shopify)


def read(stage: Stage, order_id: int) -> OrderFacts:
    found = stage.commerce.read_order(stage.access, order_id)
    assert found is not None
    return found


def changed_since(stage: Stage, since: datetime) -> list[int]:
    pages = list(stage.commerce.orders_updated_since(stage.access, since))
    assert all(pages), "no page is empty"
    return [facts.shopify_id for page in pages for facts in page]


def test_a_shop_tells_its_name_zone_money_and_scopes(stage: Stage) -> None:
    facts = stage.commerce.read_shop(stage.access)
    assert facts.name == "Acme Outfitters"
    assert facts.email is not None and "@" in facts.email
    assert (facts.timezone, facts.currency, facts.country) == ("America/Los_Angeles", "USD", "US")
    assert "read_orders" in facts.scopes.split(",")


def test_an_order_is_read_in_full(stage: Stage) -> None:
    order_id = stage.place(lines=2)
    facts = read(stage, order_id)
    assert facts.shopify_id == order_id
    assert facts.complete is True
    assert facts.name == "#1001"
    assert facts.created_at is not None and facts.created_at <= stage.now()
    assert facts.updated_at.utcoffset() == timedelta(0)
    assert facts.cancelled_at is None
    assert (facts.financial_status, facts.fulfillment_status) == ("paid", "unfulfilled")
    assert facts.currency == "USD"
    assert facts.total_price is not None and facts.total_price.partition(".")[2].isdigit()
    assert facts.locale == "en-US"
    assert facts.customer is not None
    assert (facts.customer.first_name, facts.customer.last_name) == ("Maya", "Okafor")
    assert facts.customer.email == "maya.okafor@example.com"
    assert facts.phones == ("+14155550142",)
    assert facts.shipping == Place("US", "OR", "97205") == facts.billing
    assert facts.status_page_url is not None
    assert facts.attributes == {"doorstep_care_consent": WORDING}
    assert facts.fulfillments == ()
    assert facts.has_return is False


def test_lines_carry_the_size_and_a_picture(stage: Stage) -> None:
    lines = read(stage, stage.place(lines=2)).lines
    assert lines is not None
    assert [line.title for line in lines] == ["Thing 0", "Thing 1"]
    for line in lines:
        assert line.options == {"Size": "M", "Color": "Pine"}
        assert line.variant_title == "M / Pine"
        assert line.image_url is not None and line.image_url.startswith("http")
        assert (line.quantity, line.current_quantity) == (1, 1)
        assert line.product_id and line.variant_id and line.sku


@pytest.mark.parametrize("lines", [5, 6, 50])
def test_every_line_is_read_however_many(stage: Stage, lines: int) -> None:
    order_id = stage.place(lines=lines)
    found = read(stage, order_id).lines or ()
    assert [line.title for line in found] == [f"Thing {n}" for n in range(lines)]


def test_a_parcel_is_shipped_before_it_is_delivered(stage: Stage) -> None:
    order_id = stage.place(lines=2)
    stage.ship(order_id)
    order = read(stage, order_id)
    (parcel,) = order.fulfillments or ()
    assert order.fulfillment_status == "fulfilled"
    assert parcel.status == "success"
    assert parcel.shipment_status is None and parcel.delivered_at is None
    assert parcel.created_at is not None
    assert parcel.tracking_company == "UPS"
    assert parcel.tracking_number and parcel.tracking_url
    assert parcel.line_ids == tuple(line.shopify_id for line in order.lines or ())


def test_an_arrival_carries_its_time(stage: Stage) -> None:
    order_id = stage.place()
    stage.ship(order_id)
    stage.pass_time(3 * 86_400)
    stage.deliver(order_id)
    (parcel,) = read(stage, order_id).fulfillments or ()
    assert parcel.shipment_status == "delivered"
    assert parcel.delivered_at is not None
    assert abs(parcel.delivered_at - stage.now()) < timedelta(seconds=10)


@pytest.mark.parametrize(("lines", "parcels"), [(4, 4), (7, 7), (14, 2)])
def test_every_parcel_is_read_with_its_lines(stage: Stage, lines: int, parcels: int) -> None:
    order_id = stage.place(lines=lines)
    stage.ship(order_id, parcels=parcels)
    order = read(stage, order_id)
    found = order.fulfillments or ()
    assert len(found) == parcels
    packed = [line_id for parcel in found for line_id in parcel.line_ids]
    assert sorted(packed) == sorted(line.shopify_id for line in order.lines or ())


def test_an_unknown_order_is_none(stage: Stage) -> None:
    assert stage.commerce.read_order(stage.access, 1) is None


def test_shops_do_not_see_each_others_orders(stage: Stage) -> None:
    since = stage.now() - timedelta(hours=1)
    order_id = stage.place()
    assert stage.commerce.read_order(stage.other_access, order_id) is None
    assert list(stage.commerce.orders_updated_since(stage.other_access, since)) == []


def test_a_poll_finds_what_changed_since_oldest_first(stage: Stage) -> None:
    before, early, late = stage.place(), stage.place(), stage.place()
    stage.pass_time(3600)
    since = stage.now() - timedelta(seconds=60)
    stage.ship(late)
    stage.pass_time(60)
    stage.ship(early)
    assert changed_since(stage, since) == [late, early]
    stage.pass_time(60)
    stage.deliver(late)
    assert changed_since(stage, since) == [early, late]
    assert before not in changed_since(stage, since)


def test_a_poll_reads_all_pages_each_order_once(stage: Stage) -> None:
    since = stage.now() - timedelta(hours=1)
    placed = [stage.place() for _ in range(23)]
    assert sorted(changed_since(stage, since)) == sorted(placed)


def test_a_poll_knows_as_much_of_an_order_as_a_read(stage: Stage) -> None:
    since = stage.now() - timedelta(hours=1)
    order_id = stage.place(lines=6)
    stage.ship(order_id, parcels=6)
    ((polled,),) = stage.commerce.orders_updated_since(stage.access, since)
    assert polled == read(stage, order_id)


def test_a_token_that_is_not_honoured_is_dead_for_every_call(stage: Stage) -> None:
    dead = ShopAccess(1, stage.access.domain, "no-such-token")
    with pytest.raises(TokenDead):
        stage.commerce.read_shop(dead)
    with pytest.raises(TokenDead):
        stage.commerce.read_order(dead, 1)
    with pytest.raises(TokenDead):
        list(stage.commerce.orders_updated_since(dead, stage.now()))


def test_a_token_opens_its_own_shop_only(stage: Stage) -> None:
    with pytest.raises(TokenDead):
        stage.commerce.read_shop(ShopAccess(1, OTHER_SHOP, stage.access.access_token))


def test_a_server_in_trouble_may_be_asked_again(stage: Stage) -> None:
    order_id = stage.place()
    stage.refuse_once()
    with pytest.raises(Temporary):
        stage.commerce.read_order(stage.access, order_id)
    assert read(stage, order_id).shopify_id == order_id


def test_people_are_not_printed(stage: Stage) -> None:
    printed = repr(read(stage, stage.place()))
    for secret in ("5550142", "Okafor", "maya.okafor", "97205", WORDING):
        assert secret not in printed
    assert stage.access.access_token not in repr(stage.access)
