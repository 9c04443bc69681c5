"""A buyer texts the shop's keyword: they join, know what they joined, and nobody is called."""

from __future__ import annotations

import pytest

from app.consent.models import ConsentEvent
from app.foundation.audit import AuditEntry
from app.messaging.ports import CodeAction, Rejected
from app.messaging.segments import count_segments
from tests.factories.joining import joining_shop, ledger, prefer
from tests.factories.world import BUYER, World
from tests.factories.zendesk import ZendeskAtHand


@pytest.mark.parametrize(
    "said", ["TEXT ME", "text me", "Text me!", " “Text  Me” ", "ＴＥＸＴ ＭＥ"]
)
def test_keyword_in_any_case_and_punctuation_joins(world: World, said: str) -> None:
    shop = joining_shop(world, terms_url="https://acme.example/terms")
    world.text(shop, said)
    world.settle()
    assert ledger(world) == [("care", "granted", "keyword")]
    [reply] = world.sent()
    for wanted in (
        "Acme Outfitters",
        "order care texts",
        "1-2 texts per order",
        "Msg & data rates may apply",
        "STOP",
        "HELP",
        "https://acme.example/terms",
    ):
        assert wanted in reply
    assert count_segments(reply).segments <= 2


def test_evidence_of_a_keyword_is_whole(world: World) -> None:
    shop = joining_shop(world)
    world.text(shop, "text me qr")
    [row] = world.all(ConsentEvent)
    [inbound] = world.texts(direction="in")
    assert row.wording == world.texts(direction="out")[0].body
    assert row.covers_assistant
    assert row.message_id == inbound.id
    assert row.evidence["joined_from"] == "qr"
    assert row.evidence["wording_version"]
    assert len(row.proof) == 64


@pytest.mark.parametrize(
    "said", ["text me back please", "don't text me", "TEXT", "me", "text me tomorrow?", "TEXTME"]
)
def test_other_texts_join_nobody(world: World, said: str) -> None:
    shop = joining_shop(world)
    world.text(shop, said)
    assert ("care", "granted", "keyword") not in ledger(world)


def test_without_a_keyword_nothing_joins(world: World) -> None:
    shop = world.shop()
    world.text(shop, "TEXT ME")
    assert ledger(world) == []


def test_joining_lets_the_check_in_go_out(world: World) -> None:
    shop = joining_shop(world)
    world.text(shop, "TEXT ME")
    world.clock.advance(days=2)
    world.order(consent=False)
    world.deliver()
    world.settle()
    world.clock.advance(hours=2, minutes=25)
    world.settle()
    assert len(world.texts(purpose="check_in", state="accepted")) == 1


def test_keyword_asks_no_agent(world: World) -> None:
    """No ticket, nobody waiting; the buyer's first real question opens one."""
    shop = joining_shop(world)
    ZendeskAtHand(world, shop).connect()
    world.text(shop, "TEXT ME")
    world.settle()
    assert world.scalar("SELECT count(*) FROM ticket_links") == 0
    assert world.scalar("SELECT waiting_since FROM conversations") is None
    world.clock.advance(minutes=5)
    world.text(shop, "Where is my jacket?")
    world.settle()
    assert world.scalar("SELECT count(*) FROM ticket_links") == 1


# --- Double opt-in


@pytest.mark.parametrize("yes", ["Y", "y", "YES", "Yes please", "yes!"])
def test_double_opt_in_grants_only_after_the_yes(world: World, yes: str) -> None:
    shop = joining_shop(world, join_double_opt_in=True)
    world.text(shop, "TEXT ME")
    world.settle()
    assert ledger(world) == [("care", "pending", "keyword")]
    assert "Reply Y to confirm" in world.sent()[0]
    world.clock.advance(minutes=3)
    world.text(shop, yes)
    world.settle()
    assert ledger(world)[1:] == [("care", "granted", "keyword")]
    assert "you're in for order care texts" in world.sent()[1]


def test_pending_is_no_grant(world: World) -> None:
    shop = joining_shop(world, join_double_opt_in=True)
    world.text(shop, "TEXT ME")
    world.clock.advance(days=2)
    world.order(consent=False)
    world.deliver()
    world.settle()
    world.clock.advance(hours=3)
    world.settle()
    assert [c.reason for c in world.check_ins()] == ["consent_unconfirmed"]


def test_yes_after_a_day_confirms_nothing(world: World) -> None:
    shop = joining_shop(world, join_double_opt_in=True)
    world.text(shop, "TEXT ME")
    world.settle()
    world.clock.advance(hours=24, minutes=1)
    world.text(shop, "Y")
    assert ledger(world) == [("care", "pending", "keyword")]


def test_yes_to_another_question_confirms_nothing(world: World) -> None:
    shop = joining_shop(world, join_double_opt_in=True)
    world.text(shop, "TEXT ME")
    world.settle()
    world.clock.advance(minutes=5)
    world.text(shop, "HELP")  # our answer to it is what was said last
    world.settle()
    world.text(shop, "yes")
    assert ledger(world) == [("care", "pending", "keyword")]


def test_yes_after_stop_confirms_nothing(world: World) -> None:
    shop = joining_shop(world, join_double_opt_in=True)
    world.text(shop, "TEXT ME")
    world.settle()
    world.text(shop, "STOP")
    world.text(shop, "Y")
    assert ledger(world) == [("care", "pending", "keyword"), ("all", "revoked", "text")]


def test_second_yes_adds_nothing(world: World) -> None:
    shop = joining_shop(world, join_double_opt_in=True)
    world.text(shop, "TEXT ME")
    world.settle()
    for _ in range(2):
        world.text(shop, "Y")
    world.settle()
    assert len(ledger(world)) == 2


def test_same_text_delivered_twice_joins_once(world: World) -> None:
    shop = joining_shop(world)
    for _ in range(2):
        world.text(shop, "TEXT ME", sid="SM" + "7" * 32)
    world.settle()
    assert len(ledger(world)) == 1
    assert len(world.sent()) == 1


# --- Coming back


def test_keyword_ends_the_buyers_own_opt_out(world: World) -> None:
    shop = joining_shop(world)
    world.text(shop, "please stop texting me")
    world.settle()
    world.clock.advance(days=30)
    world.text(shop, "TEXT ME")
    world.settle()
    assert world.contact().opted_out_at is None
    assert ledger(world)[-1] == ("care", "granted", "keyword")
    assert "text START" in world.sent()[-1]
    assert world.texts(direction="out")[-1].state == "accepted"


def test_carrier_that_still_blocks_is_shown_to_the_merchant(world: World) -> None:
    shop = joining_shop(world)
    world.text(shop, "STOP")
    world.settle()
    world.clock.advance(days=1)
    world.text(shop, "TEXT ME")
    world.sms.fail_next(Rejected("fake", "opted out", code="21610", action=CodeAction.SUPPRESS))
    world.settle()
    assert world.sent() == []
    [entry] = [e for e in world.all(AuditEntry) if e.action == "joining.confirmation_not_sent"]
    assert entry.detail["reason"] == "opted_out"
    assert "START" in entry.detail["remedy"]
    assert world.contact().opted_out_at == world.clock.now()


def test_keyword_may_change_and_the_old_one_joins_no_more(world: World) -> None:
    shop = joining_shop(world)
    prefer(world, shop, keyword="ACME")
    world.text(shop, "TEXT ME")
    assert ledger(world) == []
    world.text(shop, "acme", sender=BUYER)
    assert ledger(world) == [("care", "granted", "keyword")]
