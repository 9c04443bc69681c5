"""What a buyer decides by text reaches Shopify's own SMS consent, and does not echo back."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from app.consent.models import ConsentEvent
from app.foundation.audit import AuditEntry
from app.foundation.errors import Temporary, Unknowable
from tests.factories import payloads
from tests.factories.joining import joining_shop, ledger, submit
from tests.factories.world import BUYER, ShopAtHand, World


def shop_with_buyer(world: World, **changes: Any) -> ShopAtHand:
    """A shop that may write customers, and a buyer whom Shopify knows."""
    shop = joining_shop(world, **changes)
    world.execute("UPDATE shops SET scopes = 'read_orders,write_customers'")
    world.order(consent=False)
    world.settle()
    assert world.contact().shopify_customer_id
    return shop


def webhook(world: World, state: str, at: datetime) -> None:
    body = payloads.load("customers_marketing_consent_update.subscribed")
    body["phone"] = BUYER
    body["sms_marketing_consent"] |= {
        "state": state,
        "consent_updated_at": at.replace(microsecond=0).isoformat(),
        "consent_collected_from": "OTHER",
    }
    world.shopify("customers_marketing_consent/update", body)
    world.settle()


def test_opt_out_by_text_unsubscribes_at_shopify(world: World) -> None:
    shop = shop_with_buyer(world)
    world.text(shop, "STOP")
    world.settle()
    [told] = world.commerce.sms_marketing
    assert told.customer_id == world.contact().shopify_customer_id
    assert not told.subscribed
    assert told.at == world.clock.now().replace(microsecond=0)


def test_echo_of_our_own_opt_out_adds_nothing(world: World) -> None:
    shop = shop_with_buyer(world)
    world.clock.advance(microseconds=123_456)
    world.text(shop, "STOP")
    world.settle()
    before = ledger(world)
    world.clock.advance(seconds=3)
    webhook(world, "unsubscribed", world.commerce.sms_marketing[0].at)
    assert ledger(world) == before
    assert len(world.commerce.sms_marketing) == 1


def test_opt_out_at_shopify_is_recorded_and_not_told_back(world: World) -> None:
    shop_with_buyer(world)
    webhook(world, "unsubscribed", world.clock.now() - timedelta(seconds=9))
    assert ledger(world)[-1] == ("all", "revoked", "shopify_sms")
    assert world.commerce.sms_marketing == []


def test_later_news_from_shopify_is_no_echo(world: World) -> None:
    shop = shop_with_buyer(world, join_marketing=True)
    submit(world, marketing="on")
    world.settle()
    world.clock.advance(days=1)
    webhook(world, "unsubscribed", world.clock.now())
    assert ledger(world)[-1] == ("all", "revoked", "shopify_sms")
    assert shop.id


def test_marketing_box_subscribes_at_shopify_and_its_echo_adds_nothing(world: World) -> None:
    shop_with_buyer(world, join_marketing=True)
    submit(world, marketing="on")
    world.settle()
    [told] = world.commerce.sms_marketing
    assert told.subscribed
    assert not told.confirmed
    before = ledger(world)
    webhook(world, "subscribed", told.at)
    assert ledger(world) == before


def test_double_opt_in_is_told_as_confirmed_and_only_after_the_yes(world: World) -> None:
    shop = shop_with_buyer(world, join_marketing=True, join_double_opt_in=True)
    submit(world, marketing="on")
    world.settle()
    assert world.commerce.sms_marketing == []
    world.text(shop, "Y")
    world.settle()
    assert [(one.subscribed, one.confirmed) for one in world.commerce.sms_marketing] == [
        (True, True)
    ]


def test_care_consent_never_subscribes_to_marketing(world: World) -> None:
    shop = shop_with_buyer(world)
    world.text(shop, "TEXT ME")
    submit(world, phone="(415) 555-0142")
    world.text(shop, "STOP")
    world.text(shop, "START")
    world.settle()
    assert all(not one.subscribed for one in world.commerce.sms_marketing)


def test_without_the_scope_nothing_is_asked_of_shopify(world: World) -> None:
    shop = shop_with_buyer(world)
    world.execute("UPDATE shops SET scopes = 'read_orders'")
    world.text(shop, "STOP")
    world.settle()
    assert world.commerce.sms_marketing == []


def test_lost_answer_is_asked_again(world: World) -> None:
    shop = shop_with_buyer(world)
    world.text(shop, "STOP")
    world.commerce.fail_next(
        Unknowable("shopify", "the line broke"), Temporary("shopify", "too busy")
    )
    world.settle(patient=True)
    assert len(world.commerce.sms_marketing) == 1
    assert world.scalar("SELECT count(*) FROM outbox") == 0


def test_customer_without_a_phone_is_noted_and_given_up(world: World) -> None:
    shop = shop_with_buyer(world)
    world.commerce.forget_phone(world.contact().shopify_customer_id or 0)
    world.text(shop, "STOP")
    world.settle()
    assert world.all(AuditEntry)[-1].action == "consent.not_told_shopify"
    assert world.scalar("SELECT count(*) FROM outbox") == 0


def test_opt_out_of_a_stranger_to_shopify_stays_ours(world: World) -> None:
    shop = joining_shop(world)
    world.text(shop, "STOP")
    world.settle()
    assert world.commerce.sms_marketing == []
    assert [row.action for row in world.all(ConsentEvent)] == ["revoked"]
