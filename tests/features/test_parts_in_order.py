"""An agent's texts leave in their order: a later one waits quietly and is woken in time."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest

from app.foundation.errors import Temporary, Unknowable
from app.messaging.claim import Claimed, Held
from app.messaging.models import Message
from app.messaging.ports import CodeAction, Rejected
from app.messaging.settle import settle_accepted
from tests.factories.claims import claim_text
from tests.factories.world import ShopAtHand, World
from tests.features.test_send import agent_replies

SENDS = "SELECT count(*) FROM outbox WHERE topic = 'messaging.send'"
SID = "SM" + "3" * 32


def two_replies(world: World) -> ShopAtHand:
    shop = world.shop()
    world.text(shop, "hi")
    world.settle()
    agent_replies(world, shop.id, "One", key="reply:1")
    agent_replies(world, shop.id, "Two", key="reply:2")
    return shop


def parts(world: World) -> list[Message]:
    return world.texts(author="agent")


def test_later_part_waits_without_looking(world: World) -> None:
    two_replies(world)
    world.sms.fail_next(Temporary("twilio", "busy", code="20429", retry_after=60))
    world.settle()
    first, second = parts(world)
    assert (first.reason, second.reason) == ("provider_busy", "in_order")
    assert second.not_before is None
    world.clock.advance(seconds=30)
    world.settle()
    assert world.scalar("SELECT sum(attempts) FROM messages WHERE author = 'agent'") == 1
    assert world.scalar(SENDS) == 0
    world.clock.advance(seconds=31)
    world.settle()
    assert world.sent() == ["One", "Two"]


@pytest.mark.parametrize(
    ("failure", "state"),
    [
        (Rejected("twilio", "no", code="30007", action=CodeAction.DO_NOT_RESEND), "failed"),
        (Unknowable("twilio", "no answer"), "unknown"),
    ],
)
def test_later_part_is_woken_when_the_earlier_one_ends(
    world: World, failure: Exception, state: str
) -> None:
    shop = two_replies(world)
    hold_second(world, shop)
    world.sms.fail_next(failure)  # type: ignore[arg-type]
    world.settle()
    assert [part.state for part in parts(world)] == [state, "accepted"]


def test_later_part_is_woken_when_a_report_settles_the_earlier_one(world: World) -> None:
    shop = two_replies(world)
    hold_second(world, shop)
    world.execute("DELETE FROM outbox WHERE topic = 'messaging.send'")
    world.report(shop, parts(world)[0], "delivered")
    assert world.scalar(SENDS) == 1
    world.settle()
    assert world.sent() == ["Two"]


def test_later_part_is_woken_when_permission_stops_the_earlier_one(world: World) -> None:
    shop = two_replies(world)
    hold_second(world, shop)
    world.execute("UPDATE senders SET state = 'paused'")
    world.settle()
    assert [part.state for part in parts(world)] == ["blocked", "blocked"]


def claim(world: World, shop: ShopAtHand, message_id: int) -> object:
    with world.db.shop(shop.id) as session:
        return claim_text(
            session,
            now=world.clock.now(),
            shop_id=shop.id,
            message_id=message_id,
        )


def hold_second(world: World, shop: ShopAtHand) -> None:
    second = parts(world)[1]
    assert claim(world, shop, second.id) == Held(None)
    world.execute(
        "DELETE FROM outbox WHERE topic = 'messaging.send'"
        " AND (payload->>'message_id')::bigint = :id",
        id=second.id,
    )


def accept(world: World, shop: ShopAtHand, message_id: int) -> None:
    with world.db.shop(shop.id) as session:
        settle_accepted(session, now=world.clock.now(), shop_id=shop.id, taken={message_id: SID})


def waits_for_a_lock(world: World) -> bool:
    return bool(world.scalar("SELECT count(*) FROM pg_locks WHERE NOT granted"))


def test_settlement_that_meets_a_waiting_claim_wakes_the_part(world: World) -> None:
    """The later part has looked and not said yet that it waits, when the earlier one settles."""
    shop = two_replies(world)
    first, second = parts(world)
    assert isinstance(claim(world, shop, first.id), Claimed)
    world.execute("DELETE FROM outbox WHERE topic = 'messaging.send'")
    with ThreadPoolExecutor(1) as other:
        with world.db.shop(shop.id) as session:
            held = claim_text(
                session,
                now=world.clock.now(),
                shop_id=shop.id,
                message_id=second.id,
            )
            settled = other.submit(accept, world, shop, first.id)
            while not waits_for_a_lock(world) and not settled.done():
                pass
        settled.result()
    assert held == Held(None)
    assert world.scalar(SENDS) == 1
    world.settle()
    assert [part.state for part in parts(world)] == ["accepted", "accepted"]


def test_claim_that_meets_a_settlement_goes_on_by_itself(world: World) -> None:
    shop = two_replies(world)
    first, second = parts(world)
    assert isinstance(claim(world, shop, first.id), Claimed)
    with ThreadPoolExecutor(1) as other:
        with world.db.shop(shop.id) as session:
            settle_accepted(session, now=world.clock.now(), shop_id=shop.id, taken={first.id: SID})
            claimed = other.submit(claim, world, shop, second.id)
            while not waits_for_a_lock(world) and not claimed.done():
                pass
        assert isinstance(claimed.result(), Claimed)


def test_texts_kept_over_night_stand_in_line_anew_in_the_morning(world: World) -> None:
    world.shop(mps=0.002)  # one segment in 500 seconds
    world.clock.move(datetime(2026, 11, 20, 1, 50, tzinfo=UTC))  # 17:50 in Portland
    for number in range(3):
        world.order(number + 1, phone=f"+1415555010{number}")
        world.deliver(number + 1, 9000 + number)
    world.settle()
    world.clock.advance(hours=2)
    world.settle()
    assert len(world.sent()) == 1
    for _ in range(2):  # their places come when the window is all but closed, or after it
        world.clock.advance(seconds=505)
        world.settle()
    held = world.texts(purpose="check_in", state="queued")
    assert [text.reason for text in held] == ["quiet_hours", "quiet_hours"]
    world.clock.move(held[0].not_before)
    world.settle()
    assert len(world.sent()) == 2
    [waiting] = world.texts(purpose="check_in", state="queued")
    assert waiting.reason == "in_line"
    world.clock.move(waiting.not_before)
    world.settle()
    assert len(world.sent()) == 3
