"""A text that found its phone out of reach goes once more, hours later, and never a third time."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest

from app.foundation.errors import Temporary
from app.helpdesk.ports import TicketFile
from app.messaging.models import Media, Message
from app.messaging.ports import CodeAction, Rejected
from tests.factories import payloads
from tests.factories.photos import jpeg_with_place
from tests.factories.world import ShopAtHand, World
from tests.factories.zendesk import talking
from tests.features.test_send import agent_replies

OUT_OF_REACH = {"ErrorCode": "30003"}


def missed_check_in(world: World) -> tuple[ShopAtHand, Message]:
    shop = world.shop()
    first = world.checked_in(shop)
    world.report(shop, first, "undelivered", **OUT_OF_REACH)
    world.settle()
    return shop, first


def second(world: World) -> Message:
    [message] = world.all(Message, Message.retry_of.is_not(None))
    return message


def outcome(world: World) -> tuple[str, str | None]:
    [check_in] = world.check_ins()
    return check_in.state, check_in.reason


def test_check_in_out_of_reach_goes_once_more_hours_later(world: World) -> None:
    _, first = missed_check_in(world)
    assert outcome(world) == ("queued", "second_attempt")
    assert (second(world).not_before - world.clock.now()).total_seconds() == 4 * 3600
    world.clock.advance(hours=3, minutes=59)
    world.settle()
    assert len(world.sent()) == 1
    world.clock.advance(minutes=1)
    world.settle()
    assert world.sent() == [first.body, first.body]
    assert outcome(world) == ("sent", None)
    again = second(world)
    assert (again.purpose, again.order_id, again.conversation_id) == (
        first.purpose,
        first.order_id,
        first.conversation_id,
    )
    assert world.check_ins()[0].message_id == again.id


def test_second_miss_marks_the_number_and_is_the_last(world: World) -> None:
    shop, _ = missed_check_in(world)
    assert world.contact().line_kind == "unknown"
    world.clock.advance(hours=4)
    world.settle()
    world.report(shop, second(world), "undelivered", **OUT_OF_REACH)
    world.settle()
    assert world.contact().line_kind == "unreachable"
    assert outcome(world) == ("skipped", "carrier")
    world.clock.advance(hours=5)
    world.settle()
    assert len(world.sent()) == 2


def test_code_that_is_obeyed_twice_makes_one_second_attempt(world: World) -> None:
    shop, first = missed_check_in(world)
    for _ in range(2):
        world.execute(
            "INSERT INTO outbox (shop_id, topic, queue, payload) VALUES (:shop,"
            " 'messaging.settle_status', 'send',"
            " jsonb_build_object('message_id', cast(:message AS bigint), 'code', '30003'))",
            shop=shop.id,
            message=first.id,
        )
        world.settle()
    world.clock.advance(hours=4)
    world.settle()
    assert len(world.sent()) == 2
    assert world.contact().line_kind == "unknown"


def test_opt_out_meanwhile_cancels_the_second_attempt(world: World) -> None:
    shop, _ = missed_check_in(world)
    world.text(shop, "STOP")
    world.settle()
    assert (second(world).state, second(world).reason) == ("cancelled", "opted_out")
    assert outcome(world) == ("cancelled", "opted_out")


def test_buyers_text_meanwhile_ends_the_second_attempt_of_a_check_in(world: World) -> None:
    shop, first = missed_check_in(world)
    world.text(shop, "Got it, thanks!")
    world.settle()
    # Held so long that the text itself is no longer fresh.
    world.clock.advance(hours=26)
    world.settle()
    assert world.sent() == [first.body]
    assert (second(world).state, second(world).reason) == ("blocked", "already_talking")
    assert outcome(world) == ("answered", None)


def test_cancelled_order_calls_the_second_attempt_off(world: World) -> None:
    _, first = missed_check_in(world)
    at = world.clock.now()
    world.shopify(
        "orders/cancelled",
        payloads.order_payload(5001, updated_at=at, cancelled_at=at.isoformat()),
    )
    world.settle()
    world.clock.advance(hours=4)
    world.settle()
    assert world.sent() == [first.body]
    assert outcome(world) == ("cancelled", "order_cancelled")


def test_order_cancelled_before_the_miss_was_known_gets_no_second_attempt(world: World) -> None:
    shop = world.shop()
    first = world.checked_in(shop)
    at = world.clock.now()
    world.shopify(
        "orders/cancelled",
        payloads.order_payload(5001, updated_at=at, cancelled_at=at.isoformat()),
    )
    world.settle()
    world.report(shop, first, "undelivered", **OUT_OF_REACH)
    world.settle()
    assert (second(world).state, second(world).reason) == ("cancelled", "order_cancelled")
    assert outcome(world) == ("skipped", "carrier")


def test_later_proof_of_delivery_needs_no_second_attempt(world: World) -> None:
    shop = world.shop()
    first = world.checked_in(shop)
    world.report(shop, first, "undelivered", **OUT_OF_REACH)
    world.report(shop, first, "delivered")
    world.settle()
    assert world.all(Message, Message.retry_of.is_not(None)) == []
    assert outcome(world) == ("sent", None)


def test_text_refused_as_out_of_reach_goes_once_more_too(world: World) -> None:
    shop = world.shop()
    world.text(shop, "hi")
    world.sms.fail_next(Rejected("twilio", "no", code="21612", action=CodeAction.RETRY_ONCE))
    agent_replies(world, shop.id, "Hello!")
    world.settle()
    assert world.sent() == []
    world.clock.advance(hours=4)
    world.settle()
    assert world.sent() == ["Hello!"]


def test_agents_reply_goes_once_more_with_its_photos_and_is_told_in_the_ticket(
    world: World,
) -> None:
    desk = talking(world)
    comment = world.helpdesk.agent_replies(
        desk.ticket_id,
        "Here is the label.",
        files=(TicketFile("label.jpg", "image/jpeg", jpeg_with_place()),),
    )
    desk.tell_comment(comment)
    world.settle()
    [first] = world.texts(author="agent")
    world.report(desk.shop, first, "undelivered", **OUT_OF_REACH)
    world.settle()
    again = second(world)
    photos = world.all(Media, Media.message_id == first.id)
    assert photos
    assert [(p.storage_key, p.ordinal) for p in world.all(Media, Media.message_id == again.id)] == [
        (p.storage_key, p.ordinal) for p in photos
    ]
    assert again.author_name == "Priya"
    [note] = [note for note in desk.notes() if "did not reach" in note]
    at = again.not_before.astimezone(ZoneInfo("America/New_York"))
    assert f"it will be tried once more, 19 Nov 2026, {at:%H:%M} EST or soon after." in note
    assert "doorstep_failed" not in world.helpdesk.tags_of(desk.ticket_id)
    said = len(desk.said())
    world.clock.advance(hours=4)
    world.settle()
    assert world.sent()[-2:] == ["Here is the label."] * 2
    assert len(desk.said()) == said  # it stands in the ticket as the agent's own comment
    world.report(desk.shop, second(world), "undelivered", **OUT_OF_REACH)
    world.settle()
    assert "It was tried twice." in desk.notes()[-1]
    assert "once more" not in desk.notes()[-1]
    assert "doorstep_failed" in world.helpdesk.tags_of(desk.ticket_id)


def test_agents_new_reply_does_not_wait_for_the_second_attempt_of_an_old_one(world: World) -> None:
    shop = world.shop()
    world.text(shop, "hi")
    agent_replies(world, shop.id, "First")
    world.settle()
    [first] = world.texts(author="agent")
    world.report(shop, first, "undelivered", **OUT_OF_REACH)
    world.settle()
    agent_replies(world, shop.id, "Second", key="reply:2")
    world.settle()
    assert world.sent() == ["First", "Second"]


def test_second_attempt_that_was_put_back_is_still_the_same_row(world: World) -> None:
    missed_check_in(world)
    world.sms.fail_next(Temporary("twilio", "busy", code="20429", retry_after=5))
    world.clock.advance(hours=4)
    world.settle()
    assert outcome(world) == ("queued", "second_attempt")
    world.clock.advance(seconds=6)
    world.settle()
    assert outcome(world) == ("sent", None)


@pytest.mark.parametrize("code", ["30007", "30008"])
def test_text_with_another_code_does_not_go_again(world: World, code: str) -> None:
    shop = world.shop()
    first = world.checked_in(shop)
    world.report(shop, first, "undelivered", ErrorCode=code)
    world.settle()
    world.clock.advance(hours=5)
    world.settle()
    assert world.sent() == [first.body]
    assert outcome(world) == ("skipped", "carrier")
