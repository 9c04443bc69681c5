"""A merchant opens, leaves and comes back; webhooks that came too early are worked then."""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import Any

import jwt
import pytest
from werkzeug.test import TestResponse

from app.foundation.errors import Temporary
from app.foundation.inbox import Receipt
from app.orders.ports import ShopFacts
from app.shops.models import Shop
from app.shops.ports import TokenDead
from app.shops.tokens import access_to
from app.vendors.shopify.webhooks import verify
from tests.factories import payloads
from tests.factories.world import DOMAIN, SECRET, World

FACTS = ShopFacts(
    name="Acme Outfitters",
    email=None,
    timezone="America/New_York",
    currency="USD",
    country="US",
    scopes="read_orders",
)


def id_token(world: World, domain: str = DOMAIN, secret: str = SECRET, age: int = 0) -> str:
    now = int(world.clock.now().timestamp()) - age
    return jwt.encode(
        {
            "iss": f"https://{domain}/admin",
            "dest": f"https://{domain}",
            "aud": "key-of-tests",
            "sub": "42",
            "exp": now + 60,
            "nbf": now,
            "iat": now,
            "jti": "one",
            "sid": "two",
        },
        secret,
        algorithm="HS256",
    )


def open_app(world: World, **token: Any) -> TestResponse:
    # The fake admits one token per shop: the next that the token endpoint will hand out.
    world.commerce.add_shop(DOMAIN, FACTS, access_token=world.tokens.next_access_token)
    return world.client.get("/", query_string={"id_token": id_token(world, **token)})


def test_first_page_load_installs_the_shop(world: World) -> None:
    answer = open_app(world)
    assert answer.status_code == 200
    assert "Acme Outfitters" in answer.get_data(as_text=True)
    [shop] = world.all(Shop)
    assert (shop.domain, shop.state, shop.timezone) == (DOMAIN, "installed", "America/New_York")
    stored = world.scalar("SELECT access_token || refresh_token FROM shop_tokens")
    assert "access-1" not in stored
    assert "refresh-1" not in stored


def test_page_may_be_framed_by_its_own_admin_only(world: World) -> None:
    policy = open_app(world).headers["Content-Security-Policy"]
    assert f"frame-ancestors https://{DOMAIN} https://admin.shopify.com;" in policy


def test_stale_token_goes_to_the_bounce_page_and_never_elsewhere(world: World) -> None:
    answer = world.client.get(
        "/", query_string={"id_token": id_token(world, age=300), "host": "abc", "shop": "evil.com"}
    )
    assert answer.status_code == 302
    assert answer.headers["Location"].startswith("/bounce?shopify-reload=%2F%3F")
    bounce = world.client.get(answer.headers["Location"])
    assert "app-bridge.js" in bounce.get_data(as_text=True)
    assert "id_token" not in answer.headers["Location"]


def test_forged_token_installs_nothing(world: World) -> None:
    answer = open_app(world, secret="somebody-elses-secret")
    assert answer.status_code == 401
    assert world.all(Shop) == []


def test_webhooks_before_the_first_token_wait_and_are_worked(world: World) -> None:
    world.order()
    world.deliver()
    world.settle()
    assert [r.state for r in world.all(Receipt)] == ["waiting", "waiting"]
    world.shop()
    world.settle()
    assert [r.state for r in world.all(Receipt)] == ["done", "done"]
    assert [c.state for c in world.check_ins()] == ["scheduled"]


def test_parcel_of_an_unknown_order_waits_while_the_shop_has_no_token(world: World) -> None:
    world.shop()
    world.execute("DELETE FROM shop_tokens")
    world.deliver()
    world.settle()
    [receipt] = world.all(Receipt)
    assert receipt.state == "waiting"


def test_uninstall_ends_everything_and_coming_back_works(world: World) -> None:
    world.shop()
    world.order()
    world.deliver()
    world.settle()
    world.clock.advance(minutes=5)
    world.shopify("app/uninstalled", payloads.load("app_uninstalled"))
    world.settle()
    [shop] = world.all(Shop)
    assert shop.state == "uninstalled"
    assert world.scalar("SELECT count(*) FROM shop_tokens") == 0
    assert [(c.state, c.reason) for c in world.check_ins()] == [("cancelled", "uninstalled")]
    world.clock.advance(days=1)
    open_app(world)
    assert world.all(Shop)[0].state == "installed"


def test_late_news_of_an_uninstall_does_not_end_a_new_installation(world: World) -> None:
    world.shop()
    long_ago = world.clock.now().replace(year=2025).isoformat()
    world.shopify(
        "app/uninstalled",
        payloads.load("app_uninstalled"),
        headers={"X-Shopify-Triggered-At": long_ago},
    )
    world.settle()
    assert world.all(Shop)[0].state == "installed"
    assert world.scalar("SELECT count(*) FROM shop_tokens") == 1


def test_token_is_refreshed_early_and_once(world: World) -> None:
    shop = world.shop()
    world.clock.advance(minutes=57)
    ports = world.ports
    for _ in range(3):
        access = access_to(
            ports.db, ports.keys, ports.tokens, now=world.clock.now(), shop_id=shop.id
        )
    assert access.access_token == "access-2"
    assert world.tokens.refreshes == 1


def test_refresh_that_failed_leaves_the_pair_as_it_was(world: World) -> None:
    shop = world.shop()
    world.clock.advance(hours=2)
    world.tokens.fail_next(Temporary("shopify", "down"))
    ports = world.ports
    with pytest.raises(Temporary):
        access_to(ports.db, ports.keys, ports.tokens, now=world.clock.now(), shop_id=shop.id)
    # Whoever comes next need not wait for the lease of the one who failed.
    again = access_to(ports.db, ports.keys, ports.tokens, now=world.clock.now(), shop_id=shop.id)
    assert again.access_token == "access-2"


def test_dead_refresh_token_is_forgotten_so_that_nobody_tries_it_again(world: World) -> None:
    shop = world.shop()
    world.clock.advance(hours=2)
    world.tokens.uninstall(DOMAIN)
    ports = world.ports
    for _ in range(2):
        with pytest.raises(TokenDead):
            access_to(ports.db, ports.keys, ports.tokens, now=world.clock.now(), shop_id=shop.id)
    assert world.tokens.refreshes == 1


def test_same_delivery_twice_and_same_fact_under_two_ids_are_one_receipt(world: World) -> None:
    world.shop()
    order = payloads.order_payload(7, updated_at=world.clock.now())
    for delivery in ("one", "one", "two"):
        assert world.shopify("orders/create", order, delivery=delivery).status_code == 200
    assert len(world.all(Receipt)) == 1


def test_secret_before_a_rotation_still_opens_the_door(world: World) -> None:
    body = b'{"id": 1}'
    old = base64.b64encode(hmac.new(b"old", body, hashlib.sha256).digest()).decode()
    assert verify(body, old, ["new", "old"])
    assert not verify(body, old, ["new"])
    assert world.shopify("orders/create", {"id": 1}, secret="unknown").status_code == 401
