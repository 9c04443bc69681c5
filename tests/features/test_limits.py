"""How often one may knock, and what happens while Redis is away."""

from __future__ import annotations

import dataclasses

import pytest
from flask import Flask
from flask.testing import FlaskClient
from prometheus_client import REGISTRY
from pydantic import SecretStr
from werkzeug.test import TestResponse

from app.foundation.limits import Limits, Strangers, TooMany, network_of
from app.helpdesk.api import SIGN_INS
from app.shops.api import PACE
from app.vendors.shopify.pages import EXCHANGES
from app.vendors.twilio.api import GUESSES
from app.web import create_app
from tests.factories.staff import OWNER, bearer, call, id_token, open_page
from tests.factories.world import ACCOUNT, BUYER, World
from tests.factories.zendesk import connected

NO_REDIS = "redis://127.0.0.1:1/0"


def without_redis(world: World) -> FlaskClient:
    settings = world.ports.settings.model_copy(update={"redis_url": SecretStr(NO_REDIS)})
    return create_app(dataclasses.replace(world.ports, settings=settings)).test_client()


def most(rule: str) -> int:
    return int(rule.split()[0])


def behind(world: World, proxies: int) -> FlaskClient:
    settings = world.ports.settings.model_copy(update={"trusted_proxies": proxies})
    return create_app(dataclasses.replace(world.ports, settings=settings)).test_client()


def counted(door: str, why: str) -> float:
    labels = {"door": door, "why": why}
    return REGISTRY.get_sample_value("doorstep_limited_total", labels) or 0.0


def begin_sign_in(client: FlaskClient, **headers: str) -> TestResponse:
    return client.get("/connect/zendesk", headers=headers)


def test_one_too_many_is_429_with_when_to_come_again(world: World) -> None:
    door = "helpdesk_connect.connect_zendesk"
    before = counted(door, "too_many")
    for _ in range(most(SIGN_INS)):
        assert begin_sign_in(world.client).status_code == 400
    refused = begin_sign_in(world.client)
    assert refused.status_code == 429
    assert 0 < int(refused.headers["Retry-After"]) <= 600
    assert counted(door, "too_many") == before + 1
    # The window ends: Redis forgets the counter by itself.
    [key] = world.redis.keys("*connect*")
    assert b"127.0.0.1" not in key
    assert 0 < world.redis.ttl(key) <= 601
    world.redis.delete(key)
    assert begin_sign_in(world.client).status_code == 400


def test_counters_are_shared_by_all_web_processes(world: World) -> None:
    url = world.ports.settings.redis_url.get_secret_value()
    one, other = Limits(Flask("one"), url), Limits(Flask("other"), url)
    for limits in (one, other, one):
        limits.count_closed("3 per day", "test", "key")
    for count in (other.count_closed, one.count_open):
        with pytest.raises(TooMany) as refused:
            count("3 per day", "test", "key")
        assert 0 < refused.value.retry_after <= 86_400
    other.count_closed("3 per day", "test", "another key")


def test_merchants_pace_is_their_own_and_a_colleague_goes_on(world: World) -> None:
    shop = world.shop()
    open_page(world)
    open_page(world, user=OWNER + 1)
    another_process = Limits(Flask("other"), world.ports.settings.redis_url.get_secret_value())
    for _ in range(most(PACE)):
        another_process.count_open(PACE, "merchant_api", f"{shop.id}:{OWNER}")
    refused = call(world, "GET", "/staff")
    assert refused.status_code == 429
    assert refused.get_json()["error"] == "too_many"
    assert refused.headers["Retry-After"]
    assert call(world, "GET", "/staff", user=OWNER + 1).status_code == 403  # an analyst


def test_token_exchange_is_limited_for_each_shop_whoever_asks(world: World) -> None:
    for number in range(most(EXCHANGES) + 2):
        world.tokens.uninstall("acme-outfitters.myshopify.com")
        token = id_token(world, user=number)
        answer = world.client.get("/", query_string={"id_token": token})
        assert (answer.status_code == 429) == (number >= most(EXCHANGES)), (number, answer.text)


def test_without_redis_signing_in_is_shut_and_everything_proven_goes_on(world: World) -> None:
    desk = connected(world)
    open_page(world)
    client = without_redis(world)
    shut = begin_sign_in(client)
    assert (shut.status_code, shut.headers["Retry-After"]) == (503, "5")
    token = id_token(world, "new-shop.myshopify.com")
    assert client.get("/", query_string={"id_token": token}).status_code == 503
    assert world.scalar("SELECT count(*) FROM shops") == 1
    # Known shops' pages, the API, and every webhook.
    assert client.get("/", query_string={"id_token": id_token(world)}).status_code == 200
    assert client.get("/api/staff", headers=bearer(id_token(world))).status_code == 200
    world.client = client
    assert world.order().status_code == 200
    assert world.text(desk.shop, "hello").status_code == 200
    assert desk.post({"id": "event-x", "type": "zen:event-type:ticket.x"}).status_code == 200


def test_forwarded_addresses_are_believed_as_far_as_our_own_proxies_go(world: World) -> None:
    # Nobody in front of us: the header is the client's own invention.
    for number in range(most(SIGN_INS)):
        begin_sign_in(world.client, **{"X-Forwarded-For": f"203.0.113.{number}"})
    assert begin_sign_in(world.client, **{"X-Forwarded-For": "198.51.100.1"}).status_code == 429
    # One proxy of ours: what it saw is the last address, whatever the client wrote before it.
    client = behind(world, 1)
    for number in range(most(SIGN_INS)):
        begin_sign_in(client, **{"X-Forwarded-For": f"203.0.113.{number}, 198.51.100.7"})
    forged = begin_sign_in(client, **{"X-Forwarded-For": "203.0.113.99, 198.51.100.7"})
    assert forged.status_code == 429
    honest = begin_sign_in(client, **{"X-Forwarded-For": "198.51.100.8"})
    assert honest.status_code == 400


def test_who_guesses_door_keys_is_no_longer_looked_up_and_genuine_texts_pass(
    world: World,
) -> None:
    desk = connected(world)
    world.restart_web()
    assert world.text(desk.shop, "before", sid="SM" + "1" * 32).status_code == 200
    assert desk.post({"id": "event-1", "type": "zen:event-type:ticket.x"}).status_code == 200
    for door, tail in (("twilio", "/inbound"), ("zendesk", "")):
        answers = [
            world.client.post(f"/webhooks/{door}/{number:032d}{tail}", data=b"{}")
            for number in range(GUESSES + 5)
        ]
        assert [a.status_code for a in answers] == [404] * GUESSES + [429] * 5
        assert answers[-1].headers["Retry-After"] == "60"
    # From the very same address: a misconfigured proxy must not cost a text.
    assert world.text(desk.shop, "after", sid="SM" + "2" * 32).status_code == 200
    assert desk.post({"id": "event-2", "type": "zen:event-type:ticket.x"}).status_code == 200
    form = [("MessageSid", "SM" + "3" * 32), ("AccountSid", ACCOUNT), ("From", BUYER)]
    bad = world.client.post(f"/webhooks/twilio/{desk.shop.door_key}/inbound", data=dict(form))
    assert bad.status_code == 403


def test_webhook_doors_ask_redis_nothing(world: World) -> None:
    desk = connected(world)
    before = world.redis.info("commandstats")
    world.order()
    world.text(desk.shop, "hello")
    desk.post({"id": "event-1", "type": "zen:event-type:ticket.x"})
    after = world.redis.info("commandstats")
    for command in ("cmdstat_evalsha", "cmdstat_eval", "cmdstat_incr"):
        assert after.get(command) == before.get(command)


@pytest.mark.parametrize(
    ("address", "key"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        ("2001:db8:1:2:ffff::1", "2001:db8:1:2::"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        ("not an address", "unknown"),
    ],
)
def test_addresses_of_one_network_count_as_one(address: str, key: str) -> None:
    assert network_of(address) == key


def test_strangers_are_forgotten_in_time_and_cannot_fill_the_memory() -> None:
    strangers = Strangers("test", most=2, seconds=0)
    strangers.failed("a")
    strangers.failed("a")
    assert not strangers.refuse("a")  # the window of no length is over
    lasting = Strangers("test", most=2, seconds=600)
    for number in range(25_000):
        lasting.failed(str(number))
    assert len(lasting._failures) <= 10_000
