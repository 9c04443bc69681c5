"""More than ten thousand malformed requests over all doors: no 500, and nothing unsigned stored.

Signed garbage is another matter: it is ours to take, so it is stored, worked, and ends as a
failure that the operator sees, never as a job that runs for ever or takes the worker with it.
The seed is fixed; another one is a matter of FUZZ_SEED.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
from collections import Counter
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest
from werkzeug.test import TestResponse

from app.foundation.inbox import Receipt
from app.helpdesk.models import HelpdeskAccount
from app.vendors.shopify.webhooks import TOPICS
from app.workshop import MAX_ATTEMPTS
from tests.factories import payloads
from tests.factories.world import ACCOUNT, BUYER, DOMAIN, PUBLIC_URL, SECRET, TOKEN, World
from tests.factories.zendesk import ZendeskAtHand, connected
from tests.vendors.fuzz_material import Material

SEED = int(os.environ.get("FUZZ_SEED", "20261119"))
UNSIGNED, SIGNED, PAGES, GORGIAS = 4500, 4000, 2500, 2000
STORED = ("receipts", "messages", "contacts", "message_statuses", "consent_events", "outbox")

SHOPIFY_HEADERS = (
    "X-Shopify-Topic", "X-Shopify-Hmac-Sha256", "X-Shopify-Shop-Domain", "X-Shopify-Webhook-Id",
    "X-Shopify-Event-Id", "X-Shopify-Triggered-At", "X-Shopify-API-Version",
)  # fmt: skip
TWILIO_HEADERS = ("X-Twilio-Signature", "X-Twilio-Webhooks-Signature-Settings")
ZENDESK_HEADERS = ("X-Zendesk-Webhook-Signature", "X-Zendesk-Webhook-Signature-Timestamp")
SAMPLES = [
    payloads.load(name)
    for name in (
        "orders_create", "fulfillments_update.delivered", "fulfillment_events_create.delivered"
    )
]  # fmt: skip
EVENT = {
    "account_id": 1,
    "detail": {"id": "40217", "status": "OPEN", "tags": ["doorstep"]},
    "event": {"comment": {"id": "99", "is_public": True, "author": {"id": "7", "is_staff": True}}},
    "id": "event",
    "time": "2026-11-19T19:00:00Z",
    "type": "zen:event-type:ticket.comment_added",
}

CONTEXTS = [
    json.loads(path.read_text())
    for path in sorted((Path(__file__).parents[1] / "fixtures" / "gorgias").glob("webhook_*.json"))
]


@pytest.fixture
def desk(world: World) -> ZendeskAtHand:
    return connected(world)


def counted(world: World) -> dict[str, int]:
    return {table: world.scalar(f"SELECT count(*) FROM {table}") for table in STORED}


def judged(answers: Counter[str], door: str, answer: TestResponse, sent: object) -> None:
    answers[f"{door} {answer.status_code}"] += 1
    assert answer.status_code < 500, f"{door} answered {answer.status_code} to {str(sent)[:600]!r}"


def test_unsigned_requests_are_refused_by_every_door_and_leave_nothing(
    world: World, desk: ZendeskAtHand
) -> None:
    make, answers = Material(SEED), Counter[str]()
    keys = {"twilio": desk.shop.door_key, "zendesk": desk.account.door_key}
    before = counted(world)
    for _ in range(UNSIGNED):
        door = make.dice.choice(("shopify", "shopify/compliance", "twilio", "zendesk"))
        body = make.body(*SAMPLES, EVENT)
        path, headers = f"/webhooks/{door}", make.headers(*SHOPIFY_HEADERS)
        if door in keys:
            key = keys[door] if make.chance(0.8) else make.address()
            path = f"/webhooks/{door}/{key}"
            headers = make.headers(*TWILIO_HEADERS, *ZENDESK_HEADERS)
        if door == "twilio":
            path += "/" + make.dice.choice(("inbound", "fallback", "status", make.address()))
            form = payloads.inbound_form(
                "hello", sid="SM1", account_sid=ACCOUNT, from_phone=BUYER, to_phone=desk.shop.line
            )
            body = make.form(dict(form)) if make.chance(0.7) else body
        if make.chance(0.02):
            body = b"x" * make.dice.choice((70_000, 300_000, 2 * 1024 * 1024 + 1))
        method = "POST" if make.chance(0.85) else make.method()
        target = f"{path}?{make.query('m', 'bodySHA256')}" if make.chance(0.3) else path
        answer = world.client.open(target, method=method, data=body, headers=headers)
        judged(answers, door, answer, (method, target, headers, body))
        assert method in ("OPTIONS", "HEAD") or answer.status_code >= 400, (method, target)
    assert counted(world) == before
    assert sum(answers.values()) == UNSIGNED


def test_pages_connect_media_and_health_answer_anything_without_an_error(
    world: World, desk: ZendeskAtHand
) -> None:
    make, answers = Material(SEED + 1), Counter[str]()
    before = counted(world)
    doors = {
        "/": ("id_token", "shop", "host", "embedded", "locale", "hmac", "session"),
        "/bounce": ("shopify-reload", "shop", "host"),
        "/connect/zendesk": ("link", "shop", "subdomain"),
        "/connect/zendesk/callback": ("state", "code", "error"),
        "/connect/gorgias": ("link", "shop", "subdomain", "account"),
        "/connect/gorgias/callback": ("state", "code", "error", "account"),
        "/media/": ("x",),
        "/healthz": (),
        "/readyz": (),
        "/metrics": ("name[]",),
        "/static/": (),
    }
    for _ in range(PAGES):
        door = make.dice.choice(list(doors))
        path = door + make.address() if door.endswith("/") and make.chance(0.6) else door
        target = f"{path}?{make.query(*doors[door])}"
        if door == "/" and make.chance(0.5):
            target = f"/?id_token={almost_a_token(make)}&shop={DOMAIN}&host={make.address()}"
        if make.chance(0.2):
            world.client.set_cookie("doorstep_connect", make.dice.choice(("", "a" * 5000, "é")))
        method = "GET" if make.chance(0.8) else make.method()
        headers = make.headers("Cookie", "Host") | {"Host": "doorstep.example"}
        answer = world.client.open(target, method=method, headers=headers)
        judged(answers, door, answer, (method, target, headers))
    assert counted(world) == before


def almost_a_token(make: Material) -> str:
    """Three parts as a JWT has them, with garbage inside and now and then a fitting signature."""

    def part(raw: bytes) -> str:
        return base64.urlsafe_b64encode(raw).decode().rstrip("=")

    algorithm = make.dice.choice(("HS256", "none", "RS256", "HS512", ""))
    head = part(b'{"alg":"' + algorithm.encode() + b'","typ":"JWT"}')
    claims = {
        "iss": f"https://{DOMAIN}/admin", "dest": f"https://{DOMAIN}", "aud": "key-of-tests",
        "sub": "42", "exp": 1795114860, "nbf": 1795114800, "iat": 1795114800, "jti": "x",
        "sid": "y",
    }  # fmt: skip
    signed = f"{head}.{part(make.body(claims))}"
    proof = hmac.digest(SECRET.encode(), signed.encode(), "sha256")
    return f"{signed}.{part(proof) if make.chance(0.7) else make.address()}"


def test_signed_garbage_is_taken_worked_and_shown_and_the_worker_lives_on(
    world: World, desk: ZendeskAtHand
) -> None:
    make, answers = Material(SEED + 2), Counter[str]()
    for number in range(SIGNED):
        door = make.dice.choice(("shopify", "shopify", "zendesk", "inbound", "status"))
        if door == "shopify":
            answer = signed_by_shopify(world, make, number)
        elif door == "zendesk":
            body = make.body(EVENT | {"id": f"event-{number}"})
            answer = world.client.post(
                f"/webhooks/zendesk/{desk.account.door_key}",
                data=body,
                headers=make.headers() | desk.signed(body),
            )
        else:
            answer = signed_by_twilio(world, desk, make, door, number)
        judged(answers, door, answer, number)
        assert answer.status_code == 200 or answer.status_code >= 400
    stored = world.scalar("SELECT count(*) FROM receipts")
    assert stored > SIGNED / 10, answers
    world.settle()
    tried = world.all(Receipt, Receipt.state == "pending")
    assert all(one.attempts == 1 and one.available_at > one.received_at for one in tried)
    world.settle(patient=True)
    ended = Counter(one.state for one in world.all(Receipt))
    assert ended["pending"] == 0, ended
    assert ended["failed"] > 0 and ended["done"] > 0, ended
    for one in world.all(Receipt, Receipt.state == "failed"):
        assert one.attempts <= MAX_ATTEMPTS and one.error
    assert world.order(77001).status_code == world.deliver(77001, 77002).status_code == 200
    world.settle()
    assert world.scalar("SELECT count(*) FROM orders WHERE shopify_id = 77001") == 1


def about(context: dict[str, Any], number: int) -> dict[str, Any]:
    """The same news of another message, or of another ticket."""
    if context["message"] is None:
        return context | {"ticket": context["ticket"] | {"id": number}}
    return context | {"message": context["message"] | {"id": number}}


def test_gorgias_door_takes_any_garbage_with_its_key_and_stores_only_what_can_be_worked(
    world: World, desk: ZendeskAtHand
) -> None:
    make, answers, keys = Material(SEED + 3), Counter[str](), world.ports.keys
    with world.db.shop(desk.shop.id) as session:
        session.add(
            HelpdeskAccount(
                shop_id=desk.shop.id,
                kind="gorgias",
                subdomain="acme",
                access_token=keys.encrypt("a"),
                refresh_token=keys.encrypt("r"),
                expires_at=world.clock.now(),
                bot_user_id="118",
                door_key="gorgias-door",
                webhook_secret=keys.encrypt("secret"),
                connected_at=world.clock.now(),
            )
        )
    for number in range(GORGIAS):
        path = f"/webhooks/gorgias/{'gorgias-door' if make.chance(0.9) else make.address()}"
        headers = make.headers() | ({"X-Doorstep-Key": "secret"} if make.chance(0.9) else {})
        if make.chance(0.1):
            target = f"{path}/sidebar?{make.query('ticket', 'customer')}"
            answer = world.client.get(target, headers=headers)
        else:
            body = make.body(*(about(one, number) for one in CONTEXTS))
            answer = world.client.post(path, data=body, headers=headers)
        judged(answers, "gorgias", answer, number)
    stored = world.scalar("SELECT count(*) FROM receipts WHERE source = 'gorgias'")
    assert stored > GORGIAS / 20, answers
    world.settle(patient=True)
    ended = Counter(one.state for one in world.all(Receipt, Receipt.source == "gorgias"))
    assert set(ended) == {"done"}


def signed_by_shopify(world: World, make: Material, number: int) -> TestResponse:
    body = make.body(*SAMPLES)
    digest = hmac.digest(SECRET.encode(), body, "sha256")
    headers = make.headers("X-Shopify-Event-Id", "X-Shopify-Triggered-At") | {
        "X-Shopify-Topic": make.dice.choice([*TOPICS, "orders/delete", "é"]),
        "X-Shopify-Hmac-Sha256": base64.b64encode(digest).decode(),
        "X-Shopify-Shop-Domain": make.dice.choice(
            (DOMAIN, DOMAIN, DOMAIN.upper(), "foreign.myshopify.com", "evil.example", "é", "")
        ),
        "X-Shopify-Webhook-Id": make.dice.choice((f"delivery-{number}",) * 3 + ("é" * 300, "")),
    }
    path = make.dice.choice(("/webhooks/shopify", "/webhooks/shopify/compliance"))
    return world.client.post(path, data=body, headers=headers)


def signed_by_twilio(
    world: World, desk: ZendeskAtHand, make: Material, door: str, number: int
) -> TestResponse:
    path = f"/webhooks/twilio/{desk.shop.door_key}/{door}"
    fields = dict(
        payloads.inbound_form(
            f"garbage {number}",
            sid=f"SM{number:032x}",
            account_sid=ACCOUNT,
            from_phone=f"+1415555{number % 100:04}",
            to_phone=desk.shop.line,
        )
    )
    if door == "status":
        fields |= {"MessageStatus": "sent", "ErrorCode": ""}
        path += f"?{make.query('m', 'm')}"
    body = make.form(fields)
    try:
        rows = parse_qsl(body.decode(), keep_blank_values=True, errors="strict")
        signed = PUBLIC_URL + path + "".join(name + value for name, value in sorted(set(rows)))
        proof = hmac.digest(TOKEN.encode(), signed.encode(), hashlib.sha1)
    except UnicodeError:
        proof = b"cannot be signed"
    return world.client.post(
        path, data=body, headers={"X-Twilio-Signature": base64.b64encode(proof).decode()}
    )
