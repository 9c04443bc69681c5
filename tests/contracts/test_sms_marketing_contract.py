"""What every Commerce does when it is told of a buyer's SMS marketing consent: on the fake, and on
Shopify's adapter against the emulator."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Protocol

import pytest

from app.foundation.errors import Refused
from app.orders.ports import Commerce, ShopFacts, SmsMarketing
from app.shops.ports import ShopAccess
from app.vendors.fake.commerce import FakeCommerce
from app.vendors.shopify.webhooks import parse_sms_consent
from sandbox.shopify import payloads
from tests.vendors.shopify_over_http import ReachableShopify, running

SHOP = "acme-outfitters.myshopify.com"
Held = tuple[str, bool, datetime]


class Stage(Protocol):
    commerce: Commerce
    access: ShopAccess
    customer_id: int

    def held(self) -> Held | None:
        """State, confirmed or not, since when; as a webhook would tell it."""
        ...

    def lose_phone(self) -> None: ...


class FakeStage:
    def __init__(self) -> None:
        self.commerce = self._fake = FakeCommerce()
        self.access = ShopAccess(1, SHOP, "token-1")
        self.customer_id = 7_012_345_678_901
        facts = ShopFacts("Acme Outfitters", None, "America/New_York", "USD", "US", "")
        self._fake.add_shop(SHOP, facts, access_token="token-1")

    def held(self) -> Held | None:
        for one in reversed(self._fake.sms_marketing):
            state = "subscribed" if one.subscribed else "unsubscribed"
            return state, one.confirmed, one.at
        return None

    def lose_phone(self) -> None:
        self._fake.forget_phone(self.customer_id)


class ShopifyStage:
    def __init__(self, shopify: ReachableShopify) -> None:
        self._shopify = shopify
        self.commerce = shopify.commerce()
        self.access = shopify.access()
        order_id = int(shopify.act("place_order", announce=False)["order_id"])
        facts = self.commerce.read_order(self.access, order_id)
        assert facts is not None and facts.customer is not None
        self.customer_id = facts.customer.shopify_id or 0

    def held(self) -> Held | None:
        customer = self._shopify.world.store.customer(self.customer_id)
        assert customer is not None
        if customer["sms"]["consent_updated_at"] is None:
            return None
        shop = self._shopify.world.shop(SHOP)
        fact = parse_sms_consent(payloads.sms_consent(shop, customer))
        assert fact.at is not None
        return fact.state or "", fact.opt_in_level == "confirmed_opt_in", fact.at

    def lose_phone(self) -> None:
        store = self._shopify.world.store
        customer = store.customer(self.customer_id)
        assert customer is not None
        with store.changing():
            store.put_customer({**customer, "phone": None})


@pytest.fixture(params=["fake", "shopify"])
def stage(request: pytest.FixtureRequest) -> Iterator[Stage]:
    if request.param == "fake":
        yield FakeStage()
        return
    with running() as shopify:
        yield ShopifyStage(shopify)


@pytest.mark.parametrize(
    ("subscribed", "confirmed", "state"),
    [(False, False, "unsubscribed"), (True, False, "subscribed"), (True, True, "subscribed")],
)
def test_decision_is_held_with_the_very_time_that_was_told(
    stage: Stage, subscribed: bool, confirmed: bool, state: str
) -> None:
    """By that time its echo is known when it comes back as a webhook. Twice is as good as once."""
    at = datetime.now(UTC).replace(microsecond=0) - timedelta(seconds=90)
    change = SmsMarketing(stage.customer_id, subscribed, confirmed, at)
    for _ in range(2):
        stage.commerce.write_sms_marketing(stage.access, change)
    assert stage.held() == (state, confirmed, at)


def test_customer_without_a_phone_is_refused(stage: Stage) -> None:
    stage.lose_phone()
    change = SmsMarketing(stage.customer_id, False, False, datetime(2026, 11, 19, tzinfo=UTC))
    with pytest.raises(Refused):
        stage.commerce.write_sms_marketing(stage.access, change)
    assert stage.held() is None
