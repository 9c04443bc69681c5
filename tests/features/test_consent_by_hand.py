"""Staff write down what a buyer said: through the API, as whoever is signed in, or by command."""

from __future__ import annotations

from typing import Any

import pytest

from app.cli import parser
from app.consent.models import ConsentEvent
from app.foundation.audit import AuditEntry
from app.foundation.errors import Refused
from app.joining.commands import opt_out
from tests.factories.joining import ledger
from tests.factories.staff import AGENT, ANALYST, OWNER, call, open_page, staffed
from tests.factories.world import BUYER, DOMAIN, ShopAtHand, World

OTHER = "other-shop.myshopify.com"
WORDING = "Please text me about my order. Some texts are written by an AI assistant."


def ask(world: World, what: str, body: object, *, user: int = OWNER, domain: str = DOMAIN) -> Any:
    path = f"/contacts/{world.contact().id}/{what}"
    return call(world, "POST", path, user=user, domain=domain, json=body)


@pytest.fixture
def shop(world: World) -> ShopAtHand:
    made = world.shop()
    staffed(world, made)
    return made


def test_opt_out_is_in_force_at_once_and_says_who_did_it(world: World, shop: ShopAtHand) -> None:
    world.order()
    world.deliver()
    world.settle()
    answer = ask(world, "opt-out", {"reason": "She rang and asked us to stop."})
    assert answer.status_code == 200
    assert world.contact().opted_out_at == world.clock.now()
    assert [c.reason for c in world.check_ins()] == ["opted_out"]
    row = world.all(ConsentEvent)[-1]
    assert (row.action, row.source, row.id) == ("revoked", "agent", answer.json["consent_id"])
    assert row.evidence == {"by": "staff:41", "reason": "She rang and asked us to stop."}
    entry = world.all(AuditEntry)[-1]
    assert (entry.actor, entry.action) == ("staff:41", "consent.opted_out_by_hand")
    assert entry.shop_id == shop.id


def test_opt_in_by_hand_keeps_its_evidence(world: World, shop: ShopAtHand) -> None:
    world.order(consent=False)
    world.settle()
    answer = ask(world, "opt-in", {"how": "signed a card at the till", "wording": WORDING})
    assert answer.status_code == 200
    row = world.all(ConsentEvent)[-1]
    assert (row.purpose, row.action, row.source) == ("care", "granted", "agent")
    assert row.wording == WORDING
    assert row.covers_assistant
    assert row.evidence["how"] == "signed a card at the till"


def test_nobody_but_the_buyer_ends_an_opt_out(world: World, shop: ShopAtHand) -> None:
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
    world: World, shop: ShopAtHand, what: str, body: object, reason: str
) -> None:
    world.order(consent=False)
    world.settle()
    before = ledger(world)
    answer = ask(world, what, body)
    assert (answer.status_code, answer.json["error"]) == (400, reason)
    assert ledger(world) == before


def test_card_number_in_a_reason_is_masked(world: World, shop: ShopAtHand) -> None:
    world.order()
    world.settle()
    ask(world, "opt-out", {"reason": "said 4242 4242 4242 4242 and stop"})
    assert "4242 4242 4242" not in world.all(ConsentEvent)[-1].evidence["reason"]


def test_other_shops_contact_is_not_there(world: World, shop: ShopAtHand) -> None:
    world.order()
    world.settle()
    world.shop(OTHER, line="+12025550189")
    open_page(world, OTHER, user=77)
    answer = ask(world, "opt-out", {"reason": "mine"}, user=77, domain=OTHER)
    assert answer.status_code == 404
    assert world.contact().opted_out_at is None


def test_agent_writes_down_an_opt_out_and_not_an_opt_in(world: World, shop: ShopAtHand) -> None:
    world.order(consent=False)
    world.settle()
    asked = ask(world, "opt-in", {"how": "by phone", "wording": WORDING}, user=AGENT)
    assert asked.status_code == 403
    assert ask(world, "opt-out", {"reason": "rang us"}, user=AGENT).status_code == 200
    assert ask(world, "opt-out", {"reason": "rang us"}, user=ANALYST).status_code == 403


def test_shop_that_removed_the_app_has_no_staff(world: World, shop: ShopAtHand) -> None:
    world.order()
    world.settle()
    world.execute("UPDATE shops SET state = 'uninstalled'")
    assert ask(world, "opt-out", {"reason": "x"}).status_code == 403


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


def test_command_refuses_what_is_no_phone(world: World, shop: ShopAtHand) -> None:
    with pytest.raises(Refused, match="no phone number"):
        command(world, "--phone", "555", "--reason", "x")
