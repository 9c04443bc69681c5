"""Every route of the app, asked by people who should get nothing: another shop's owner, somebody
with a forged token, colleagues without the role.

The routes are read from the app itself. A new one is attacked without a word here, unless its
address holds a variable that `VALUES` does not know: then say what the first shop has there.
"""

from __future__ import annotations

import dataclasses
import re
import uuid
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import jwt
import pytest
from flask import Flask

from app.desk.api import AgentDoor
from app.desk.photo_links import photo_link
from app.foundation.media import sign_media_token
from app.helpdesk.connect import connect_link
from app.shops.api import Door
from app.shops.roles import MAY, Permission, Role
from app.web import HEADERS, create_app
from tests.factories import zaf
from tests.factories.desk import build_page, island_of, open_app
from tests.factories.full_shop import OTHER, OTHER_OWNER, TwoShops, rows_of, two_shops
from tests.factories.staff import (
    ADMIN,
    AGENT,
    ANALYST,
    OWNER,
    bearer,
    id_token,
    open_page,
    staffed,
)
from tests.factories.world import BUYER, DOMAIN, World
from tests.factories.zendesk import SUBDOMAIN, ZendeskAtHand
from tests.house.test_wiring import OPEN_DOORS

# What the first shop has where an address holds a variable.
VALUES: dict[str, Callable[[TwoShops, World], object]] = {
    "user_id": lambda two, world: AGENT,
    "contact_id": lambda two, world: two.contact_id,
    "door_key": lambda two, world: two.one.door_key,
    "filename": lambda two, world: "x.css",
    "slug": lambda two, world: two.one.domain.partition(".")[0],
    "code": lambda two, world: world.scalar("SELECT min(code) FROM join_links"),
    "kind": lambda two, world: "svg",
    "request_id": lambda two, world: world.scalar(
        "SELECT coalesce(min(id), 1) FROM privacy_requests"
    ),
    "conversation_id": lambda two, world: world.scalar(
        "SELECT coalesce(min(id), 1) FROM conversations WHERE shop_id = :shop", shop=two.one.id
    ),
    "reply_id": lambda two, world: world.scalar("SELECT coalesce(min(id), 1) FROM saved_replies"),
    # Signed by us, for the other shop, about the first one's photo: here as the desk signs it.
    "signed": lambda two, world: photo_link(
        world.ports.keys.signing_keys,
        now=world.clock.now(),
        media_id=two.media_id,
        shop_id=two.other.id,
    ).rpartition("/")[2],
    # Signed by us, for the other shop, about the first one's photo.
    "token": lambda two, world: sign_media_token(
        [world.ports.keys.signing_key],
        two.media_id,
        two.other.id,
        world.clock.now() + timedelta(minutes=5),
    ),
}
VARIABLE = re.compile(r"<(?:[^:>]+:)?([^>]+)>")
# Everybody's, and so is what it says.
PUBLIC = {
    "/healthz",
    "/readyz",
    "/static/<path:filename>",
    "/desk/assets/<path:filename>",
    "/join/<slug>",
    "/join/<slug>/done",
    "/j/<code>",
    "/j/<code>/qr.<kind>",
}


def routes(app: Flask) -> Iterator[tuple[str, str, object]]:
    for rule in app.url_map.iter_rules():
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            yield str(rule), method, app.view_functions[rule.endpoint]


def merchant_routes(app: Flask) -> list[tuple[str, str, Door]]:
    return [(rule, method, view) for rule, method, view in routes(app) if isinstance(view, Door)]


def address(rule: str, two: TwoShops, world: World) -> str:
    def value(match: re.Match[str]) -> str:
        assert match[1] in VALUES, f"{rule}: say in VALUES what the first shop has as {match[1]}"
        return str(VALUES[match[1]](two, world))

    return VARIABLE.sub(value, rule)


def asked_for(two: TwoShops) -> dict[str, Any]:
    """The first shop's things, under every name that a door may read."""
    return {
        "shop": two.one.domain,
        "shop_id": two.one.id,
        "shop_domain": two.one.domain,
        "phone": BUYER,
        "to": BUYER,
        "contact_id": two.contact_id,
        "contact": two.contact_id,
        "conversation_id": 1,
        "message_id": 1,
        "order_id": 1,
        "user_id": AGENT,
        "role": "owner",
    }


@pytest.fixture
def two(world: World) -> TwoShops:
    made = two_shops(world)
    open_page(world, OTHER, user=OTHER_OWNER)
    return made


def test_every_route_of_the_api_names_the_permission_it_needs(world: World) -> None:
    app = world.client.application
    for rule, _, view in routes(app):
        if rule.startswith("/api/desk/"):
            assert isinstance(view, AgentDoor) or rule in OPEN_DOORS, f"{rule}: see desk/api"
        elif rule.startswith("/api"):
            assert isinstance(view, Door), f"{rule} is not behind the guard: shops/api"
            assert view.needs in Permission
        else:
            assert not isinstance(view, Door), rule
    assert merchant_routes(app)


def test_owner_of_another_shop_gets_and_changes_nothing(two: TwoShops, world: World) -> None:
    before = rows_of(world, two.one)
    link = connect_link(world.ports, shop_id=two.other.id, kind="zendesk")
    link_query = dict(parse_qsl(urlsplit(link).query))
    for rule, method, _ in routes(world.client.application):
        token = id_token(world, OTHER, user=OTHER_OWNER)
        query = {"id_token": token, "shop": two.one.domain, "link": link_query["link"]}
        answer = world.client.open(
            address(rule, two, world),
            method=method,
            headers=bearer(token) | {"X-Shopify-Shop-Domain": two.one.domain},
            query_string=query | {"contact_id": two.contact_id, "phone": BUYER},
            json=asked_for(two) if method != "GET" else None,
        )
        said = answer.get_data(as_text=True)
        assert answer.status_code < 500, (method, rule, said)
        if rule not in PUBLIC:
            leaked = [mark for mark in two.marks if mark in said or mark in str(answer.headers)]
            assert not leaked, (method, rule, leaked)
    assert rows_of(world, two.one) == before


def session_at(world: World, subdomain: str) -> str:
    """Of an agent whose Zendesk is this one."""
    build_page(world)
    query = zaf.QUERY.replace("acme", subdomain)
    said = zaf.claims(world.clock.now().timestamp(), subdomain=subdomain, query=query)
    token: str = island_of(open_app(world, zaf.signed(said), query=query))["token"]
    return token


def test_agent_of_another_shops_helpdesk_gets_and_changes_nothing(
    two: TwoShops, world: World
) -> None:
    assert ZendeskAtHand(world, two.other).connect("other").status_code == 200
    world.settle()
    before = rows_of(world, two.one)
    session = session_at(world, "other")
    ticket = world.scalar(
        "SELECT max(ticket_id) FROM ticket_links WHERE shop_id = :shop", shop=two.one.id
    )
    for rule, method, view in routes(world.client.application):
        answer = world.client.open(
            address(rule, two, world),
            method=method,
            headers=bearer(session),
            query_string={"ticket_id": ticket, "conversation_id": 1, "shop": two.one.domain},
            json={"text": "Hello", "key": str(uuid.uuid4())} if method != "GET" else None,
        )
        said = answer.get_data(as_text=True)
        assert answer.status_code < 500, (method, rule, said)
        if isinstance(view, AgentDoor):
            assert (answer.status_code, answer.get_json()["error"]) == (404, "no_thread"), rule
        elif isinstance(view, Door):
            assert answer.status_code == 401, (method, rule)
        if rule not in PUBLIC:
            leaked = [mark for mark in two.marks if mark in said or mark in str(answer.headers)]
            assert not leaked, (method, rule, leaked)
    assert rows_of(world, two.one) == before
    # The walk means something: the shop's own agents do see it.
    own = world.client.get(
        "/api/desk/thread",
        query_string={"ticket_id": ticket},
        headers=bearer(session_at(world, SUBDOMAIN)),
    )
    assert BUYER in own.text


def test_what_is_walked_is_there_to_be_seen_by_its_own_shop(two: TwoShops, world: World) -> None:
    """The walk above means something: asked by its own people, the shop does show."""
    token = id_token(world, DOMAIN, user=OWNER)
    assert "Acme" in world.client.get("/", query_string={"id_token": token}).text
    assert str(AGENT) in world.client.get("/api/staff", headers=bearer(token)).text
    mine = sign_media_token(
        [world.ports.keys.signing_key],
        two.media_id,
        two.one.id,
        world.clock.now() + timedelta(minutes=5),
    )
    assert world.client.get(f"/media/{mine}").status_code == 200


def forged_tokens(world: World) -> dict[str, str]:
    whole = id_token(world)
    head, claims, proof = whole.split(".")
    none = jwt.encode(jwt.decode(whole, options={"verify_signature": False}), None, "none")
    return {
        "forged": id_token(world, secret="somebody-elses-secret-of-some-length"),
        "expired": id_token(world, age=120),
        "not yet valid": id_token(world, age=-120),
        "without a signature": none,
        "signature cut off": f"{head}.{claims}.",
        "signature of another": f"{head}.{claims}.{id_token(world, user=1).split('.')[2]}",
        "claims of another": f"{head}.{id_token(world, user=1).split('.')[1]}.{proof}",
        "another algorithm": id_token(world, algorithm="HS512"),
        "of another app": id_token(world, aud="key-of-another-app"),
        "issued by another shop": id_token(world, iss=f"https://{OTHER}/admin"),
        "for another shop": id_token(world, dest=f"https://{OTHER}"),
        "of no shop": id_token(world, "evil.example"),
        "of a shop look-alike": id_token(world, f"{DOMAIN}.evil.example"),
        "without an end": id_token(world, exp=None),
        "without a shop": id_token(world, dest=None),
        "of a checkout": id_token(world, iss=None, sid=None, sub="gid://shopify/Customer/1"),
        "of no member of staff": id_token(world, sub="41 OR 1=1"),
        "empty": "",
        "garbage": "a.b.c",
    }


def test_no_forged_token_opens_any_merchant_door(world: World) -> None:
    shop = world.shop()
    staffed(world, shop)
    before = rows_of(world, shop)
    made = TwoShops(shop, shop, media_id=1, contact_id=1)
    assert len(forged_tokens(world)) == 19
    for rule, method, _ in merchant_routes(world.client.application):
        for kind, token in forged_tokens(world).items():
            path = address(rule, made, world)
            answer = world.client.open(path, method=method, headers=bearer(token), json={})
            assert answer.status_code == 401, (rule, kind, answer.text)
            assert answer.get_json()["error"] in ("bad_id_token", "stale_id_token"), kind
            page = world.client.get("/", query_string={"id_token": token})
            assert page.status_code in (200, 302, 401), kind
            assert "Acme" not in page.text, kind
        for header in ({}, {"Authorization": "Basic eDp5"}, {"Cookie": "id_token=x"}):
            assert world.client.open(path, method=method, headers=header).status_code == 401
    assert rows_of(world, shop) == before


def test_each_door_opens_for_the_roles_that_may_and_for_no_other(world: World) -> None:
    shop = world.shop()
    staffed(world, shop)
    made = TwoShops(shop, shop, media_id=1, contact_id=1)
    people = {
        Role.OWNER: OWNER, Role.ADMIN: ADMIN, Role.AGENT: AGENT, Role.ANALYST: ANALYST
    }  # fmt: skip
    for rule, method, door in merchant_routes(world.client.application):
        for role, user in people.items():
            path = address(rule, made, world)
            headers = bearer(id_token(world, user=user))
            answer = world.client.open(path, method=method, headers=headers, json={})
            refused = answer.status_code == 403 and answer.get_json()["error"] == "not_permitted"
            assert refused != (door.needs in MAY[role]), (rule, role, answer.text)


def test_every_answer_to_a_browser_carries_the_security_headers(
    two: TwoShops, world: World
) -> None:
    production = world.ports.settings.model_copy(update={"doorstep_env": "production"})
    client = create_app(dataclasses.replace(world.ports, settings=production)).test_client()
    token = id_token(world)
    asked = [
        (rule, method)
        for rule, method, _ in routes(client.application)
        if not rule.startswith("/webhooks/")  # no browser reads those
    ]
    for rule, method in [*asked, ("/no-such-page", "GET"), ("/api/none", "GET"), ("/", "DELETE")]:
        path = address(rule, two, world)
        for headers in ({}, bearer(token)):
            query = {"id_token": token} if headers else {}
            answer = client.open(path, method=method, headers=headers, query_string=query)
            for name in HEADERS:
                assert answer.headers.get(name), (rule, name)
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
            assert answer.headers["Strict-Transport-Security"].startswith("max-age=63072000")
            policy = answer.headers["Content-Security-Policy"]
            assert "script-src https://cdn.shopify.com;" in policy or "default-src 'none'" in policy
            assert "unsafe-inline" not in policy.split("style-src")[0], (rule, policy)
            framed = "https://admin.shopify.com" in policy or "frame-ancestors 'none'" in policy
            in_helpdesk = rule == "/desk/zendesk" and "https://*.zendesk.com;" in policy
            assert framed or in_helpdesk or "sandbox" in policy, (rule, policy)
            if rule.startswith("/api"):
                assert answer.headers["Cache-Control"] == "no-store", rule
    shown = client.get("/", query_string={"id_token": token})
    policy = shown.headers["Content-Security-Policy"]
    assert f"frame-ancestors https://{DOMAIN} https://admin.shopify.com;" in policy
    assert "Strict-Transport-Security" not in world.client.get("/healthz").headers


def test_bodies_too_large_are_refused_by_every_door(two: TwoShops, world: World) -> None:
    for rule, method, view in routes(world.client.application):
        if method == "GET":
            continue
        bounded = isinstance(view, Door | AgentDoor)
        size = 64 * 1024 + 1 if bounded else 2 * 1024 * 1024 + 1
        answer = world.client.open(
            address(rule, two, world),
            method=method,
            data=b'{"role":"' + b"x" * size + b'"}',
            content_type="application/json",
            headers=bearer(id_token(world)),
        )
        assert answer.status_code == 413, (rule, answer.status_code)


def test_doors_that_need_no_proof_are_listed_with_a_reason(world: World) -> None:
    for rule, _, view in routes(world.client.application):
        if (
            isinstance(view, Door | AgentDoor)
            or rule == "/metrics"
            or rule.startswith("/webhooks/")
        ):
            continue
        assert OPEN_DOORS.get(rule), f"{rule}: behind the guard, signed, or in OPEN_DOORS with why"
