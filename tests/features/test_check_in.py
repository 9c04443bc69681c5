"""A parcel arrives and one caring text goes out, or the merchant can read why not."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from app.checkins.reasons import sentence
from app.conversations.models import Conversation
from app.foundation.errors import Temporary
from app.messaging.claim import Claimed
from app.messaging.models import Message
from app.messaging.settle import settle_accepted, settle_failure
from tests.factories import payloads
from tests.factories.claims import claim_text
from tests.factories.world import ShopAtHand, World


def test_delivered_parcel_is_asked_about_once_after_the_delay(world: World) -> None:
    world.shop()
    world.order()
    world.deliver()
    world.settle()
    assert [c.state for c in world.check_ins()] == ["scheduled"]
    assert world.sent() == []

    world.clock.advance(hours=2, minutes=25)
    world.settle()

    assert len(world.sent()) == 1
    assert "Acme Outfitters" in world.sent()[0]
    assert "STOP" in world.sent()[0]
    [check_in] = world.check_ins()
    assert (check_in.state, check_in.reason) == ("sent", None)


def test_three_routes_of_one_delivery_make_one_check_in(world: World) -> None:
    world.shop()
    world.order()
    at = world.clock.now()
    order = payloads.order_payload(5001, updated_at=at)
    parcel = payloads.fulfillment_payload(5001, 9001, at=at, shipment_status="delivered")
    order["fulfillments"] = [parcel]
    world.deliver()
    world.shopify("fulfillments/update", parcel)
    world.shopify("orders/updated", order)
    world.settle()
    world.clock.advance(hours=3)
    world.settle()
    assert len(world.check_ins()) == 1
    assert len(world.sent()) == 1


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        ({"phone": None}, "no_phone"),
        ({"phone": "555-555-SHIP"}, "invalid_phone"),
        ({"consent": False}, "no_consent"),
        ({"financial_status": "refunded"}, "order_refunded"),
    ],
)
def test_check_in_that_may_not_go_says_why(
    world: World, facts: dict[str, object], reason: str
) -> None:
    world.shop()
    world.order(**facts)
    world.deliver()
    world.settle()
    world.clock.advance(hours=3)
    world.settle()
    assert world.sent() == []
    [check_in] = world.check_ins()
    assert check_in.state in ("skipped", "cancelled")
    assert check_in.reason == reason


def test_night_delivery_is_asked_about_in_the_buyers_lawful_hours(world: World) -> None:
    world.shop()
    world.clock.move(datetime(2026, 11, 20, 6, 0, tzinfo=UTC))  # 22:00 in Portland
    world.order()
    world.deliver()
    world.settle()
    [check_in] = world.check_ins()
    # 10:00 in Oregon and in California, where the number's prefix lies.
    opens = datetime(2026, 11, 20, 18, 0, tzinfo=UTC)
    assert opens <= check_in.due_at
    assert (check_in.due_at - opens).total_seconds() <= 20 * 60
    world.clock.move(check_in.due_at)
    world.settle()
    assert len(world.sent()) == 1


def test_split_shipment_is_asked_about_after_its_last_parcel(world: World) -> None:
    world.shop()
    world.order(lines=2)
    first, second = 13900000000001, 13900000000002
    at = world.clock.now()
    for parcel, line in ((9001, first), (9002, second)):
        world.shopify(
            "fulfillments/create",
            payloads.fulfillment_payload(
                5001, parcel, at=at, shipment_status=None, line_ids=[line]
            ),
        )
    world.settle()
    world.deliver(parcel=9001)
    world.settle()
    world.clock.advance(days=1)
    world.settle()
    assert world.sent() == []
    world.deliver(parcel=9002)
    world.settle()
    world.clock.advance(hours=3)
    world.settle()
    assert len(world.sent()) == 1
    assert len(world.check_ins()) == 1


def test_cancelled_order_calls_a_scheduled_check_in_off(world: World) -> None:
    world.shop()
    world.order()
    world.deliver()
    world.settle()
    world.clock.advance(hours=1)
    world.shopify(
        "orders/cancelled",
        payloads.order_payload(
            5001, updated_at=world.clock.now(), cancelled_at=world.clock.now().isoformat()
        ),
    )
    world.settle()
    assert [(c.state, c.reason) for c in world.check_ins()] == [("cancelled", "order_cancelled")]
    world.clock.advance(hours=3)
    world.settle()
    assert world.sent() == []


def test_thanks_that_nobody_answered_does_not_end_check_ins_for_good(world: World) -> None:
    shop = world.shop()
    world.checked_in(shop)
    world.text(shop, "Thanks!")
    world.clock.advance(days=60)
    world.order(5002, updated_at=world.clock.now())
    world.deliver(5002, 9002)
    world.settle()
    world.clock.advance(hours=2, minutes=25)
    world.settle()
    assert len(world.texts(purpose="check_in", state="accepted")) == 2


def cancel_order(world: World, order_id: int = 5001) -> None:
    at = world.clock.now()
    world.shopify(
        "orders/cancelled",
        payloads.order_payload(order_id, updated_at=at, cancelled_at=at.isoformat()),
    )
    world.settle()


def due_check_in(world: World) -> ShopAtHand:
    """A shop whose first check-in is due now, and not looked at yet."""
    shop = world.shop()
    world.order()
    world.deliver()
    world.settle()
    world.clock.advance(hours=2, minutes=25)
    return shop


def queued_check_in(world: World) -> tuple[ShopAtHand, Message]:
    """One whose text waits to be handed over."""
    shop = due_check_in(world)
    world.duty("check_ins")
    world.execute("DELETE FROM outbox WHERE topic = 'messaging.send'")
    [message] = world.texts(purpose="check_in")
    return shop, message


def hand_over(world: World, shop: ShopAtHand, message: Message) -> int:
    """The text is claimed and its call under way; returns which attempt it is."""
    with world.db.shop(shop.id) as session:
        claimed = claim_text(
            session,
            now=world.clock.now(),
            shop_id=shop.id,
            message_id=message.id,
        )
    assert isinstance(claimed, Claimed)
    return claimed.attempt


def test_check_in_whose_text_left_while_its_order_was_cancelled_is_sent_with_a_note(
    world: World,
) -> None:
    shop, message = queued_check_in(world)
    hand_over(world, shop, message)
    cancel_order(world)
    with world.db.shop(shop.id) as session:
        settle_accepted(
            session, now=world.clock.now(), shop_id=shop.id, taken={message.id: "SM" + "2" * 32}
        )
    [check_in] = world.check_ins()
    assert (check_in.state, check_in.ended_at) == ("sent", None)
    assert sentence(check_in.reason) == (
        "The text was already on its way. The order was cancelled."
    )


def test_check_in_called_off_while_its_text_was_refused_is_not_tried_again(world: World) -> None:
    shop, message = queued_check_in(world)
    attempt = hand_over(world, shop, message)
    cancel_order(world)
    with world.db.shop(shop.id) as session:
        settle_failure(
            session,
            now=world.clock.now(),
            message_id=message.id,
            attempt=attempt,
            error=Temporary("twilio", "busy", code="20429"),
        )
    world.clock.advance(hours=1)
    world.settle()
    assert world.sent() == []
    assert [(c.state, c.reason) for c in world.check_ins()] == [("cancelled", "order_cancelled")]
    assert [(m.state, m.reason) for m in world.texts()] == [("cancelled", "order_cancelled")]


def test_skipped_check_in_opens_no_thread(world: World) -> None:
    world.shop()
    world.order(consent=False)
    world.deliver()
    world.settle()
    world.clock.advance(hours=3)
    world.settle()
    assert [c.state for c in world.check_ins()] == ["skipped"]
    assert world.all(Conversation) == []


def test_skipped_check_in_leaves_the_thread_with_the_order_it_is_about(world: World) -> None:
    shop = world.shop()
    message = world.checked_in(shop)
    world.text(shop, "Where is the other one?")
    world.order(5002, updated_at=world.clock.now())
    world.deliver(5002, 9002)
    world.settle()
    world.clock.advance(hours=2, minutes=25)
    world.settle()
    assert [c.reason for c in world.check_ins()] == [None, "already_talking"]
    assert [thread.order_id for thread in world.all(Conversation)] == [message.order_id]


def pause_line(world: World) -> None:
    world.execute("UPDATE senders SET state = 'paused'")


def resume_line(world: World) -> None:
    world.execute("UPDATE senders SET state = 'active'")


def test_check_in_due_while_the_line_is_paused_goes_out_when_it_is_mended(world: World) -> None:
    due_check_in(world)
    pause_line(world)
    world.settle()
    assert [(c.state, c.reason) for c in world.check_ins()] == [("scheduled", "sender_paused")]
    world.clock.advance(hours=1, minutes=15)
    world.settle()
    assert world.sent() == []
    resume_line(world)
    world.clock.advance(hours=1, minutes=15)
    world.settle()
    assert len(world.sent()) == 1
    assert [(c.state, c.reason) for c in world.check_ins()] == [("sent", None)]


def test_check_in_is_skipped_when_the_line_stays_paused_for_days(world: World) -> None:
    due_check_in(world)
    pause_line(world)
    for _ in range(4):
        world.settle()
        world.clock.advance(days=1)
    world.settle()
    assert [(c.state, c.reason) for c in world.check_ins()] == [("skipped", "sender_paused")]
    resume_line(world)
    world.clock.advance(days=1)
    world.settle()
    assert world.sent() == []


def test_text_of_a_check_in_outlives_a_pause_of_the_line(world: World) -> None:
    _, message = queued_check_in(world)
    pause_line(world)
    world.execute("UPDATE messages SET not_before = :now", now=world.clock.now())
    world.settle()
    [held] = world.texts(id=message.id)
    assert (held.state, held.reason) == ("queued", "sender_paused")
    resume_line(world)
    world.clock.move(held.not_before)
    world.settle()
    assert len(world.sent()) == 1


def test_check_in_whose_buyers_row_is_locked_holds_up_no_other(world: World) -> None:
    world.shop()
    for number in (1, 2):
        world.order(5000 + number, phone=f"+1415555010{number}")
        world.deliver(5000 + number, 9000 + number)
    world.settle()
    world.clock.advance(hours=2, minutes=25)
    with world.db.across_shops("test: somebody holds the first order") as session:
        session.sql("SELECT FROM orders WHERE shopify_id = 5001 FOR UPDATE")
        world.duty("check_ins")
        assert [c.state for c in world.check_ins()] == ["scheduled", "queued"]
    world.settle()
    assert len(world.sent()) == 2


def test_check_in_whose_buyer_somebody_holds_is_left_for_the_next_look(world: World) -> None:
    world.shop()
    for number in (1, 2):
        world.order(5000 + number, phone=f"+1415555010{number}")
        world.deliver(5000 + number, 9000 + number)
    world.settle()
    world.clock.advance(hours=2, minutes=25)
    with world.db.across_shops("test: somebody holds the second buyer") as session:
        session.sql("SELECT FROM contacts WHERE phone = '+14155550102' FOR UPDATE")
        world.duty("check_ins")
        assert sorted(c.state for c in world.check_ins()) == ["queued", "scheduled"]
    world.duty("check_ins")
    assert [c.state for c in world.check_ins()] == ["queued", "queued"]
