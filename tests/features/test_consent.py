"""What counts as consent is the shop's choice; what counts as no is the buyer's."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from app.checkins.save_copy import CopyRefused, save_copy
from app.checkins.wording import CopyKind
from app.consent.models import ConsentEvent
from app.foundation.errors import Refused
from app.shops.configure import save_preferences
from tests.factories import payloads
from tests.factories.world import BUYER, ShopAtHand, World


def prefer(world: World, shop: ShopAtHand, **changes: object) -> None:
    with world.db.shop(shop.id) as session:
        save_preferences(
            session,
            now=world.clock.now(),
            shop_id=shop.id,
            actor="merchant",
            changes=changes,
        )


def deliver_and_wait(world: World, **order: object) -> None:
    world.order(**order)
    world.deliver()
    world.settle()
    world.clock.advance(hours=2, minutes=25)
    world.settle()


def sms_consent(world: World, state: str) -> None:
    body = payloads.load("customers_marketing_consent_update.subscribed")
    body["phone"] = BUYER
    body["sms_marketing_consent"]["state"] = state
    body["sms_marketing_consent"]["consent_updated_at"] = world.clock.now().isoformat()
    world.shopify("customers_marketing_consent/update", body)
    world.settle()


@pytest.mark.parametrize(
    ("policy", "evidence", "sent"),
    [
        ("care_opt_in", "care", 1),
        ("care_opt_in", "shopify", 0),
        ("care_opt_in", "none", 0),
        ("shopify_sms", "shopify", 1),
        ("shopify_sms", "care", 1),
        ("shopify_sms", "none", 0),
        ("number_at_checkout", "none", 1),
    ],
)
def test_policy_says_what_counts(world: World, policy: str, evidence: str, sent: int) -> None:
    shop = world.shop()
    prefer(world, shop, consent_policy=policy)
    if evidence == "shopify":
        sms_consent(world, "subscribed")
    deliver_and_wait(world, consent=evidence == "care")
    assert len(world.sent()) == sent


def test_checkout_opt_in_is_recorded_with_its_wording_once(world: World) -> None:
    world.shop()
    world.order()
    world.order(updated_at=world.clock.now())
    world.settle()
    care = [e for e in world.all(ConsentEvent) if e.purpose == "care"]
    assert [e.wording for e in care] == [payloads.WORDING]
    assert care[0].covers_assistant


def test_unsubscribing_at_shopify_ends_everything_here(world: World) -> None:
    world.shop()
    world.order()
    world.settle()
    sms_consent(world, "unsubscribed")
    assert world.contact().opted_out_at == world.clock.now()
    deliver_and_wait(world)
    assert world.sent() == []


def test_new_orders_tick_does_not_end_an_opt_out(world: World) -> None:
    shop = world.shop()
    world.text(shop, "STOP")
    world.clock.advance(days=1)
    deliver_and_wait(world, updated_at=world.clock.now())
    assert world.sent() == []
    assert [c.reason for c in world.check_ins()] == ["opted_out"]


def test_paused_shop_sends_no_check_ins(world: World) -> None:
    shop = world.shop()
    prefer(world, shop, paused=True)
    deliver_and_wait(world)
    assert world.sent() == []
    assert [c.reason for c in world.check_ins()] == ["shop_paused"]


def test_buyer_in_two_zones_is_texted_when_it_is_lawful_in_both(world: World) -> None:
    """The number is Californian, the parcel went to Rhode Island, which ends at 18:00."""
    world.shop()
    world.clock.move(datetime(2026, 11, 19, 21, 30, tzinfo=UTC))  # 16:30 in Providence
    world.order(zip_code="02903", province_code="RI")
    world.deliver()
    world.settle()
    [check_in] = world.check_ins()
    # 18:30 in Providence is too late; next day from 10:00 Pacific.
    assert check_in.due_at >= datetime(2026, 11, 20, 18, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"consent_policy": "whatever"}, "consent_policy"),
        ({"check_in_delay_minutes": -1}, "check_in_delay_minutes"),
        ({"days_after_shipping": 400}, "days_after_shipping"),
        ({"shop_id": 2}, "unknown_preference"),
        ({"colour": "red"}, "unknown_preference"),
    ],
)
def test_preference_that_makes_no_sense_is_refused_when_saved(
    world: World, changes: dict[str, object], fault: str
) -> None:
    shop = world.shop()
    with pytest.raises(Refused) as refused:
        prefer(world, shop, **changes)
    assert refused.value.reason == fault


def save(world: World, shop: ShopAtHand, template: str) -> None:
    with world.db.shop(shop.id) as session:
        save_copy(
            session,
            now=world.clock.now(),
            shop_id=shop.id,
            shop_name="Acme Outfitters",
            actor="merchant",
            kind=CopyKind.OPENER,
            template=template,
        )


def test_merchants_own_copy_is_what_the_buyer_gets(world: World) -> None:
    shop = world.shop()
    save(world, shop, "Hi {{ first_name }}! {{ shop_name }} here. How is the {{ item }}?")
    deliver_and_wait(world)
    assert world.sent()[0].startswith("Hi Maya! Acme Outfitters here. How is the Trail Runner")


@pytest.mark.parametrize("template", ["Hi {{ frist_name }}?", "", "{{ item }}", "x" * 400 + "?"])
def test_broken_copy_is_refused_when_saved_and_changes_nothing(world: World, template: str) -> None:
    shop = world.shop()
    with pytest.raises(CopyRefused):
        save(world, shop, template)
    assert world.scalar("SELECT opener_copy FROM shop_preferences") is None


@pytest.mark.parametrize(
    ("days", "estimate", "basis"), [(8, None, "days_after_shipping"), (4, 2, "estimate")]
)
def test_parcel_that_nobody_scans_is_asked_about_softly(
    world: World, days: int, estimate: int | None, basis: str
) -> None:
    world.shop()
    world.order()
    shipped = world.clock.now()
    world.shopify(
        "fulfillments/create",
        payloads.fulfillment_payload(5001, 9001, at=shipped, shipment_status=None),
    )
    if estimate is not None:
        scan = payloads.scan_payload(5001, 9001, at=shipped, status="in_transit")
        scan["estimated_delivery_at"] = (shipped + timedelta(days=estimate)).isoformat()
        world.shopify("fulfillment_events/create", scan)
    world.settle()
    assert world.check_ins() == []
    world.clock.advance(days=days)
    world.settle()
    [check_in] = world.check_ins()
    assert check_in.basis == basis
    world.clock.advance(hours=6)
    world.settle()
    if not world.sent():
        world.clock.move(world.check_ins()[0].due_at)
        world.settle()
    assert "should be there by now" in world.sent()[0]


def test_real_scan_after_an_assumed_arrival_makes_no_second_text(world: World) -> None:
    world.shop()
    world.order()
    world.shopify(
        "fulfillments/create",
        payloads.fulfillment_payload(5001, 9001, at=world.clock.now(), shipment_status=None),
    )
    world.settle()
    world.clock.advance(days=8)
    world.settle()
    world.deliver()
    world.settle()
    world.clock.advance(hours=6)
    world.settle()
    assert len(world.check_ins()) == 1
    assert len(world.texts(purpose="check_in")) <= 1
