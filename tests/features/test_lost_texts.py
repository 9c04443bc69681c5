"""A text whose answer never came: no row stays `sending`, and none leaves twice by guessing."""

from __future__ import annotations

from typing import Any

import pytest

from app.foundation.errors import Temporary, Unknowable
from app.messaging.claim import Claimed
from app.messaging.models import Message, Sender
from app.messaging.ports import CodeAction, Rejected
from app.messaging.settle import settle_accepted, settle_failure
from tests.factories.claims import claim_text
from tests.factories.world import ShopAtHand, World
from tests.features.test_send import agent_replies

REFUSED = Rejected("twilio", "no", code="20003", action=CodeAction.PAUSE_SENDER)
AWAY = Temporary("twilio", "away")


def lose_a_call(world: World, *, seconds_ago: int = 30) -> ShopAtHand:
    """An agent's reply was claimed so long ago, and its process died before the call."""
    shop = world.shop()
    world.text(shop, "hi")
    world.settle()
    agent_replies(world, shop.id, "Hello!")
    world.execute("DELETE FROM outbox WHERE topic = 'messaging.send'")
    world.execute(
        "UPDATE messages SET state = 'sending', attempts = 1, sender_id = :sender,"
        " claimed_at = now() - make_interval(secs => :ago) WHERE author = 'agent'",
        sender=world.all(Sender)[0].id,
        ago=seconds_ago,
    )
    return shop


def reply(world: World) -> Message:
    [message] = world.texts(author="agent")
    return message


def claim(world: World, shop: ShopAtHand, message_id: int) -> Claimed:
    with world.db.shop(shop.id) as session:
        claimed = claim_text(
            session,
            now=world.clock.now(),
            shop_id=shop.id,
            message_id=message_id,
        )
    assert isinstance(claimed, Claimed)
    return claimed


def test_refused_look_up_makes_the_text_unknown_and_pauses_the_line(world: World) -> None:
    lose_a_call(world)
    world.sms.fail_next(REFUSED)
    world.recover()
    assert (reply(world).state, reply(world).reason) == ("unknown", "no_answer")
    assert [line.state for line in world.all(Sender)] == ["paused"]
    assert world.sent() == []


def test_refused_look_up_of_an_unknown_text_is_the_last_one(world: World) -> None:
    shop = world.shop()
    world.text(shop, "hi")
    world.sms.fail_next(Unknowable("twilio", "no answer"))
    agent_replies(world, shop.id, "Hello!")
    world.settle()
    world.sms.fail_next(REFUSED)
    world.settle(patient=True)
    assert (reply(world).state, reply(world).look_up_at) == ("unknown", None)
    assert [line.state for line in world.all(Sender)] == ["paused"]


def test_look_up_is_asked_for_again_when_its_job_was_lost(world: World) -> None:
    lose_a_call(world)
    world.ask_about_lost()
    world.execute("DELETE FROM outbox WHERE topic = 'messaging.look_up'")
    world.recover()
    assert world.sent() == ["Hello!"]
    assert reply(world).state == "accepted"


def test_look_up_is_not_asked_for_twice_at_once(world: World) -> None:
    lose_a_call(world)
    world.ask_about_lost()
    [asked] = world.all(Message, Message.look_up_at.is_not(None))
    world.duty("orphans")
    world.duty("orphans")
    assert asked.id == reply(world).id
    assert world.scalar("SELECT count(*) FROM outbox WHERE topic = 'messaging.look_up'") == 1


def test_provider_that_is_away_for_long_is_asked_until_the_text_is_unknown(world: World) -> None:
    lose_a_call(world)
    for _ in range(3):
        world.sms.fail_next(AWAY)
        world.ask_about_lost()
        world.settle()
        assert reply(world).state == "sending"
    world.execute("UPDATE messages SET claimed_at = now() - interval '61 minutes'")
    world.recover()
    assert reply(world).state == "unknown"
    assert world.sent() == []


@pytest.mark.parametrize("seconds_ago", [21, 600, 3_601, 400_000])
@pytest.mark.parametrize("trouble", [None, REFUSED, AWAY])
def test_no_row_stays_sending(world: World, seconds_ago: int, trouble: Any) -> None:
    lose_a_call(world, seconds_ago=seconds_ago)
    if trouble is not None:
        world.sms.fail_next(trouble)
    world.recover()
    assert reply(world).state in ("accepted", "unknown")
    assert len(world.sent()) <= 1


def test_late_refusal_of_an_earlier_attempt_does_not_touch_the_one_under_way(world: World) -> None:
    shop = world.shop()
    world.text(shop, "hi")
    world.settle()
    agent_replies(world, shop.id, "Hello!")
    first = claim(world, shop, reply(world).id)
    # Given up for lost and put back while its call was frozen; then claimed once more.
    world.execute("UPDATE messages SET state = 'queued' WHERE author = 'agent'")
    second = claim(world, shop, reply(world).id)
    with world.db.shop(shop.id) as session:
        settle_failure(
            session,
            now=world.clock.now(),
            message_id=reply(world).id,
            attempt=first.attempt,
            error=Temporary("twilio", "busy", code="20429"),
        )
    assert (reply(world).state, reply(world).attempts) == ("sending", second.attempt)


def test_acceptance_is_believed_though_the_text_was_put_back_and_called_off(world: World) -> None:
    shop = world.shop()
    world.text(shop, "hi")
    world.settle()
    agent_replies(world, shop.id, "Hello!")
    claim(world, shop, reply(world).id)
    world.execute("UPDATE messages SET state = 'queued' WHERE author = 'agent'")
    world.text(shop, "STOP")
    assert reply(world).state == "cancelled"
    with world.db.shop(shop.id) as session:
        settle_accepted(
            session,
            now=world.clock.now(),
            shop_id=shop.id,
            taken={reply(world).id: "SM" + "1" * 32},
        )
    assert reply(world).state == "accepted"


@pytest.mark.parametrize("code", ["20429", ""])
def test_report_after_a_refusal_that_had_taken_the_text_keeps_it_from_leaving_twice(
    world: World, code: str
) -> None:
    shop = world.shop()
    world.text(shop, "hi")
    world.sms.fail_next(Temporary("twilio", "busy", code=code, retry_after=5))
    agent_replies(world, shop.id, "Hello!")
    world.settle()
    assert reply(world).state == "queued"
    world.report(shop, reply(world), "sent")
    world.clock.advance(minutes=10)
    world.settle()
    assert (reply(world).state, reply(world).attempts) == ("sent", 1)
    assert world.sent() == []


def test_report_is_believed_though_the_text_was_given_up(world: World) -> None:
    shop = world.shop()
    world.text(shop, "hi")
    world.sms.fail_next(Rejected("twilio", "no", code="99999", action=CodeAction.REVIEW))
    agent_replies(world, shop.id, "Hello!")
    world.settle()
    assert reply(world).state == "failed"
    world.report(shop, reply(world), "sent")
    assert reply(world).state == "sent"


def test_refusal_after_a_report_changes_nothing(world: World) -> None:
    shop = world.shop()
    world.text(shop, "hi")
    world.settle()
    agent_replies(world, shop.id, "Hello!")
    claimed = claim(world, shop, reply(world).id)
    world.report(shop, reply(world), "delivered")
    with world.db.shop(shop.id) as session:
        action = settle_failure(
            session,
            now=world.clock.now(),
            message_id=reply(world).id,
            attempt=claimed.attempt,
            error=Rejected("twilio", "no", code="30001", action=CodeAction.BACK_OFF),
        )
    assert action is None
    assert reply(world).state == "delivered"
