"""Staff write down what a buyer said: through the API, as whoever is signed in, or by command."""

from __future__ import annotations

from datetime import timedelta

import jwt
import pytest
from werkzeug.test import TestResponse

from app.cli import parser
from app.consent.models import ConsentEvent
from app.foundation.audit import AuditEntry
from app.foundation.errors import Refused
from app.joining.commands import opt_out
from tests.factories.joining import ledger
from tests.factories.world import BUYER, DOMAIN, SECRET, World

OTHER = "other-shop.myshopify.com"
WORDING = "Please text me about my order. Some texts are written by an AI assistant."


def id_token(world: World, *, domain: str = DOMAIN, secret: str = SECRET, age: int = 5) -> str:
    issued = world.clock.now() - timedelta(seconds=age)
    claims = {
        "iss": f"https://{domain}/admin",
        "dest": f"https://{domain}",
        "aud": "key-of-tests",
        "sub": "71200000001",
        "iat": int(issued.timestamp()),
        "nbf": int(issued.timestamp()),
        "exp": int((issued + timedelta(minutes=1)).timestamp()),
        "jti": "0d9f",
        "sid": "aaaa",
    }
    return jwt.encode(claims, secret, algorithm="HS256")


def ask(
    world: World, what: str, body: object, *, contact: int | None = None, token: str | None = None
) -> TestResponse:
    contact = contact or world.contact().id
    return world.client.post(
        f"/api/contacts/{contact}/{what}",
        json=body,
        headers={"Authorization": f"Bearer {token or id_token(world)}"},
    )


def test_opt_out_is_in_force_at_once_and_says_who_did_it(world: World) -> None:
    shop = world.shop()
    world.order()
    world.deliver()
    world.settle()
    answer = ask(world, "opt-out", {"reason": "She rang and asked us to stop."})
    assert answer.status_code == 200
    assert world.contact().opted_out_at == world.clock.now()
    assert [c.reason for c in world.check_ins()] == ["opted_out"]
    row = world.all(ConsentEvent)[-1]
    assert (row.action, row.source, row.id) == ("revoked", "agent", answer.json["consent_id"])
    assert row.evidence == {"by": "agent:71200000001", "reason": "She rang and asked us to stop."}
    entry = world.all(AuditEntry)[-1]
    assert (entry.actor, entry.action) == ("agent:71200000001", "consent.opted_out_by_hand")
    assert entry.shop_id == shop.id


def test_opt_in_by_hand_keeps_its_evidence(world: World) -> None:
    world.shop()
    world.order(consent=False)
    world.settle()
    answer = ask(world, "opt-in", {"how": "signed a card at the till", "wording": WORDING})
    assert answer.status_code == 200
    row = world.all(ConsentEvent)[-1]
    assert (row.purpose, row.action, row.source) == ("care", "granted", "agent")
    assert row.wording == WORDING
    assert row.covers_assistant
    assert row.evidence["how"] == "signed a card at the till"


def test_nobody_but_the_buyer_ends_an_opt_out(world: World) -> None:
    shop = world.shop()
    world.text(shop, "STOP")
    answer = ask(world, "opt-in", {"how": "by phone", "wording": WORDING})
    assert answer.status_code == 409
    assert "START" in answer.json["message"]
    assert world.contact().opted_out_at is not None


@pytest.mark.parametrize(
    ("what", "body", "reason"),
    [
        ("opt-out", {}, "reason"),
        ("opt-out", {"reason": "  "}, "reason"),
        ("opt-out", {"reason": "x" * 201}, "reason"),
        ("opt-out", {"reason": 7}, "body"),
        ("opt-out", ["reason"], "body"),
        ("opt-in", {"how": "by phone"}, "wording"),
        ("opt-in", {"wording": WORDING}, "how"),
    ],
)
def test_what_lacks_its_reason_is_refused(
    world: World, what: str, body: object, reason: str
) -> None:
    world.shop()
    world.order(consent=False)
    world.settle()
    before = ledger(world)
    answer = ask(world, what, body)
    assert (answer.status_code, answer.json["reason"]) == (422, reason)
    assert ledger(world) == before


def test_card_number_in_a_reason_is_masked(world: World) -> None:
    world.shop()
    world.order()
    world.settle()
    ask(world, "opt-out", {"reason": "said 4242 4242 4242 4242 and stop"})
    assert "4242 4242 4242" not in world.all(ConsentEvent)[-1].evidence["reason"]


def test_other_shops_contact_is_not_there(world: World) -> None:
    world.shop()
    world.order()
    world.settle()
    world.shop(OTHER, line="+12025550189")
    answer = ask(world, "opt-out", {"reason": "mine"}, token=id_token(world, domain=OTHER))
    assert answer.status_code == 404
    assert world.contact().opted_out_at is None


@pytest.mark.parametrize("what", ["opt-out", "opt-in"])
def test_without_a_token_of_the_admin_nothing_happens(world: World, what: str) -> None:
    world.shop()
    world.order()
    world.settle()
    forged = id_token(world, secret="another-secret-of-32-bytes-at-least")
    stranger = id_token(world, domain="nobody.myshopify.com")
    for token in ("x", forged, stranger):
        answer = ask(world, what, {"reason": "x"}, token=token)
        assert answer.status_code == 401
        assert "X-Shopify-Retry-Invalid-Session-Request" not in answer.headers
    bare = world.client.post(f"/api/contacts/{world.contact().id}/{what}", json={})
    assert bare.status_code == 401
    stale = ask(world, what, {"reason": "x"}, token=id_token(world, age=3600))
    assert stale.status_code == 401
    assert stale.headers["X-Shopify-Retry-Invalid-Session-Request"] == "1"
    assert world.contact().opted_out_at is None


def test_shop_that_removed_the_app_has_no_staff(world: World) -> None:
    world.shop()
    world.order()
    world.settle()
    world.execute("UPDATE shops SET state = 'uninstalled'")
    assert ask(world, "opt-out", {"reason": "x"}).status_code == 401


def command(world: World, *words: str) -> None:
    opt_out(world.ports, parser().parse_args(["opt-out", "--shop", DOMAIN, *words]))


def test_command_opts_out_a_phone_that_was_never_heard_of(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    world.shop()
    command(world, "--phone", "(415) 555-0142", "--reason", "by e-mail")
    assert ledger(world) == [("all", "revoked", "agent")]
    assert world.all(AuditEntry)[-1].actor.startswith("operator:")
    assert BUYER not in capsys.readouterr().out
    world.order()
    world.deliver()
    world.settle()
    world.clock.advance(hours=3)
    world.settle()
    assert world.sent() == []


def test_command_refuses_what_is_no_phone(world: World) -> None:
    world.shop()
    with pytest.raises(Refused, match="no phone number"):
        command(world, "--phone", "555", "--reason", "x")
