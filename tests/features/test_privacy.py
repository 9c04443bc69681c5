"""Forgetting a buyer or a shop, and what must be kept all the same."""

from __future__ import annotations

from tests.factories import payloads
from tests.factories.world import BUYER, DOMAIN, World

CUSTOMER = 7012345678901


def redact(world: World, topic: str, **changes: object) -> None:
    body = payloads.load(topic.replace("/", "_"))
    body.update(changes)
    world.shopify(topic, body)
    world.settle()


def test_redacted_buyer_is_forgotten_but_the_opt_out_stands(world: World) -> None:
    shop = world.shop()
    world.checked_in(shop)
    world.text(shop, "My dog ate the left shoe")
    world.text(shop, "STOP")
    redact(world, "customers/redact", customer={"id": CUSTOMER, "phone": BUYER, "email": None})
    bodies = world.scalar("SELECT string_agg(body, ' ') FROM messages")
    assert "dog" not in bodies
    contact = world.contact()
    assert (contact.first_name, contact.email, contact.zip) == (None, None, None)
    assert contact.opted_out_at is not None
    assert world.scalar("SELECT count(*) FROM consent_events WHERE action = 'revoked'") == 1


def test_guest_is_forgotten_by_their_orders(world: World) -> None:
    shop = world.shop()
    world.order(5001, customer=None)
    world.settle()
    world.text(shop, "I am nobody's customer")
    redact(world, "customers/redact", customer={"phone": BUYER}, orders_to_redact=[5001])
    assert "nobody" not in world.scalar("SELECT string_agg(body, ' ') FROM messages")


def test_other_buyers_are_left_alone(world: World) -> None:
    shop = world.shop()
    world.text(shop, "Mine stays", sender="+14155550177")
    redact(world, "customers/redact", customer={"id": CUSTOMER, "phone": BUYER, "email": None})
    assert world.scalar("SELECT string_agg(body, ' ') FROM messages") == "Mine stays"


def test_redacted_shop_loses_its_texts_and_its_line(world: World) -> None:
    shop = world.shop()
    world.text(shop, "hello")
    world.clock.advance(minutes=1)
    world.shopify("app/uninstalled", payloads.load("app_uninstalled"))
    world.settle()
    redact(world, "shop/redact")
    assert "hello" not in world.scalar("SELECT string_agg(body, ' ') FROM messages")
    assert world.scalar("SELECT auth_token FROM senders") == ""
    world.restart_web()
    assert world.text(shop, "anyone there?").status_code == 404


def test_merchant_who_came_back_keeps_everything(world: World) -> None:
    shop = world.shop()
    world.text(shop, "hello")
    redact(world, "shop/redact")
    assert world.scalar("SELECT string_agg(body, ' ') FROM messages") == "hello"


def test_data_request_is_noted_where_the_merchant_reads(world: World) -> None:
    world.shop()
    world.shopify("customers/data_request", payloads.load("customers_data_request"))
    world.settle()
    assert (
        world.scalar("SELECT count(*) FROM audit_entries WHERE action = 'privacy.data_requested'")
        == 1
    )


def test_compliance_webhooks_of_an_unknown_shop_are_answered_and_done(world: World) -> None:
    answer = world.shopify("shop/redact", payloads.load("shop_redact"), domain=DOMAIN)
    assert answer.status_code == 200
    world.settle()
    assert world.scalar("SELECT state FROM receipts") == "done"
