"""What a text calls for at once: a question where an opt-out is unclear, help in danger, the
receipt, a word about card numbers. And "no" is read against what we asked last."""

from __future__ import annotations

from datetime import timedelta

import pytest

from app.consent.models import ConsentEvent
from app.contacts.models import Contact
from app.conversations.models import Conversation
from app.messaging.models import Message
from tests.factories.world import BUYER, ShopAtHand, World

UNCLEAR = "no thanks"


@pytest.fixture
def shop(world: World) -> ShopAtHand:
    made = world.shop()
    world.checked_in(made)
    return made


def ours(world: World, purpose: str) -> list[Message]:
    return world.texts(direction="out", purpose=purpose)


def revocations(world: World) -> list[str]:
    return [row.source for row in world.all(ConsentEvent, ConsentEvent.action == "revoked")]


# --- "No" against the last question


@pytest.mark.parametrize("words", ["No", "nope", "no!", "Not yet", "no it hasn't come"])
def test_no_after_did_everything_arrive_is_a_problem_not_an_opt_out(
    world: World, shop: ShopAtHand, words: str
) -> None:
    world.text(shop, words)
    world.settle()
    contact = world.contact()
    assert (contact.opted_out_at, contact.opt_out_asked_at) == (None, None)
    assert ours(world, "clarification") == []


def test_no_to_whether_we_should_stop_keeps_the_thread(world: World, shop: ShopAtHand) -> None:
    ask(world, shop)
    world.text(shop, "No")
    world.settle()
    contact = world.contact()
    assert (contact.opted_out_at, contact.opt_out_asked_at) == (None, None)
    assert revocations(world) == []


@pytest.mark.parametrize("words", ["Yes", "yes please", "stop", "Please do", "yeah stop texting"])
def test_yes_to_whether_we_should_stop_is_an_opt_out(
    world: World, shop: ShopAtHand, words: str
) -> None:
    ask(world, shop)
    world.text(shop, words)
    assert world.contact().opted_out_at == world.clock.now()
    assert world.contact().opt_out_asked_at is None


# --- The question


def ask(world: World, shop: ShopAtHand) -> None:
    """An unclear text to a shop that has asked nothing lately."""
    world.clock.advance(days=8)
    world.text(shop, UNCLEAR, sender=BUYER)
    world.settle()
    [question] = ours(world, "clarification")
    assert "do you want us to stop" in question.body
    world.clock.advance(minutes=1)


def test_unclear_text_is_asked_about_once_within_five_minutes(
    world: World, shop: ShopAtHand
) -> None:
    ask(world, shop)
    [question] = ours(world, "clarification")
    asked = world.contact().opt_out_asked_at
    assert timedelta(0) <= question.sent_at - asked < timedelta(minutes=5)
    for word in ("YES", "CANCEL", "END"):
        assert word not in question.body


def test_unclear_a_second_time_is_out(world: World, shop: ShopAtHand) -> None:
    ask(world, shop)
    world.text(shop, "over it")
    assert world.contact().opted_out_at is not None
    assert len(ours(world, "clarification")) == 1


def test_silence_after_the_question_means_out(world: World, shop: ShopAtHand) -> None:
    ask(world, shop)
    world.duty("silent_opt_outs")
    assert world.contact().opted_out_at is None
    world.clock.advance(hours=24)
    world.duty("silent_opt_outs")
    world.settle()
    assert world.contact().opted_out_at == world.clock.now()
    assert revocations(world) == ["silence"]
    assert ours(world, "opt_out_confirmation") == []


def test_nothing_is_begun_until_they_answer(world: World, shop: ShopAtHand) -> None:
    ask(world, shop)
    world.order(6001)
    world.deliver(6001, 9600)
    world.settle()
    world.execute("UPDATE check_ins SET due_at = :now WHERE state = 'scheduled'",
                  now=world.clock.now())  # fmt: skip
    world.execute("UPDATE contacts SET last_inbound_at = last_inbound_at - interval '3 days'")
    world.execute("UPDATE conversations SET waiting_since = NULL")
    world.settle()
    world.duty("check_ins")
    assert "may_be_leaving" in {check_in.reason for check_in in world.check_ins()}


def test_any_other_answer_goes_on_as_before(world: World, shop: ShopAtHand) -> None:
    ask(world, shop)
    world.text(shop, "Sorry, I meant the jacket. Can I swap it for a 32?")
    assert world.contact().opt_out_asked_at is None
    world.clock.advance(days=2)
    world.duty("silent_opt_outs")
    assert world.contact().opted_out_at is None


# --- Danger


@pytest.mark.parametrize(
    ("words", "number"),
    [
        ("I don't want to be alive anymore", "988"),
        ("he is going to kill me please help", "911"),
        ("my son can't breathe after wearing it", "911"),
    ],
)
def test_danger_names_help_and_fetches_a_human(
    world: World, shop: ShopAtHand, words: str, number: str
) -> None:
    world.text(shop, words)
    world.settle()
    [answer] = ours(world, "crisis_answer")
    assert number in answer.body
    [thread] = world.all(Conversation)
    assert thread.urgent_at == world.clock.now() and thread.handled_by == "agent"
    world.text(shop, words, sid="SM" + "7" * 32)
    world.settle()
    assert len(ours(world, "crisis_answer")) == 1


@pytest.mark.parametrize(
    "words", ["these shoes are killing me", "dying to wear it!", "I could kill for this dress"]
)
def test_figures_of_speech_are_no_danger(world: World, shop: ShopAtHand, words: str) -> None:
    world.text(shop, words)
    world.settle()
    assert ours(world, "crisis_answer") == []
    assert world.all(Conversation)[0].urgent_at is None


# --- Why


def test_why_is_answered_with_the_buyers_own_consent(world: World, shop: ShopAtHand) -> None:
    world.text(shop, "why are you texting me?")
    world.settle()
    [receipt] = ours(world, "consent_receipt")
    [consent] = world.all(ConsentEvent, ConsentEvent.purpose == "care")
    assert consent.wording is not None and consent.wording[:20] in receipt.body
    assert "you agreed at checkout on" in receipt.body
    assert "STOP" in receipt.body and "DELETE MY DATA" in receipt.body


def test_why_without_consent_on_file_says_so(world: World) -> None:
    shop = world.shop()
    world.text(shop, "who gave you my number?", sender="+14155550177")
    world.settle()
    [receipt] = ours(world, "consent_receipt")
    assert "no consent" in receipt.body


# --- Secrets


def test_card_number_is_hidden_and_the_buyer_is_told_once_a_day(
    world: World, shop: ShopAtHand
) -> None:
    world.text(shop, "my card is 4111 1111 1111 1111")
    world.settle()
    [stored] = world.texts(direction="in")
    assert "4111" not in stored.body and "1111" in stored.body
    assert [text.body[:15] for text in ours(world, "reply")] == ["For your safety"]
    assert world.sms.redacted == [stored.provider_sid]
    world.text(shop, "and 5555 5555 5555 4444", sid="SM" + "8" * 32)
    world.settle()
    assert len(ours(world, "reply")) == 1


def test_card_number_over_two_texts_is_hidden_in_both(world: World, shop: ShopAtHand) -> None:
    world.text(shop, "4111 1111")
    world.clock.advance(seconds=5)
    world.text(shop, "1111 1111", sid="SM" + "9" * 32)
    world.settle()
    texts = world.texts(direction="in")
    bodies = [text.body for text in texts]
    assert not any("4111" in body for body in bodies)
    assert set(world.sms.redacted) == {text.provider_sid for text in texts}
    assert "1111" in bodies[-1] and "1111 1111" not in bodies[-1]


def test_order_number_over_two_texts_stays(world: World, shop: ShopAtHand) -> None:
    world.text(shop, "order 10234567")
    world.text(shop, "and 10234568", sid="SM" + "9" * 32)
    assert [t.body for t in world.texts(direction="in")] == ["order 10234567", "and 10234568"]


# --- A newsletter


def test_leaving_the_newsletter_ends_marketing_alone(world: World, shop: ShopAtHand) -> None:
    world.text(shop, "please unsubscribe me from your newsletter. also where is my refund?")
    world.settle()
    assert world.all(Contact)[0].opted_out_at is None
    [left] = world.all(ConsentEvent, ConsentEvent.action == "revoked")
    assert left.purpose == "marketing"
