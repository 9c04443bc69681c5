"""Texts in both directions: stored once, in one thread, and obeyed."""

from __future__ import annotations

import pytest

from app.conversations.models import Conversation
from app.foundation.outbox import OutboxRow
from tests.factories.world import BUYER, World


def test_reply_joins_the_thread_of_the_check_in(world: World) -> None:
    shop = world.shop()
    opener = world.checked_in(shop)
    assert world.text(shop, "Yes, all good").status_code == 200
    [reply] = world.texts(direction="in")
    assert reply.conversation_id == opener.conversation_id
    world.settle()
    assert [c.state for c in world.check_ins()] == ["answered"]


def test_answers_that_come_together_answer_the_latest_check_in_of_each(world: World) -> None:
    shop = world.shop()
    for number, buyer in enumerate((BUYER, "+14155550130", "+14155550131"), start=1):
        world.order(5000 + number, phone=buyer)
        world.deliver(5000 + number, 9000 + number)
    world.settle()
    world.clock.advance(hours=2, minutes=25)
    world.settle()
    for buyer in (BUYER, "+14155550130", BUYER):
        world.text(shop, "All good", sender=buyer)
    waiting = [row for row in world.all(OutboxRow) if row.topic == "checkins.record_answers"]
    assert len(waiting) == 2  # a buyer's texts of one turn are one answer
    world.settle()
    by_order = {check_in.order_id: check_in.state for check_in in world.check_ins()}
    assert [by_order[order_id] for order_id in sorted(by_order)] == ["answered", "answered", "sent"]


def test_reply_after_six_weeks_is_in_the_same_thread(world: World) -> None:
    shop = world.shop()
    opener = world.checked_in(shop)
    world.clock.advance(weeks=6)
    world.text(shop, "The zip broke")
    assert world.texts(direction="in")[0].conversation_id == opener.conversation_id
    assert len(world.all(Conversation)) == 1


def test_unknown_number_opens_a_thread_too(world: World) -> None:
    shop = world.shop()
    world.text(shop, "Do you ship to Alaska?", sender="+19075550123")
    assert len(world.all(Conversation)) == 1


def test_same_text_delivered_twice_is_one_row(world: World) -> None:
    shop = world.shop()
    for _ in range(3):
        assert world.text(shop, "hello", sid="SM" + "a" * 32).status_code == 200
    assert len(world.texts(direction="in")) == 1


def test_texts_within_seconds_are_one_turn(world: World) -> None:
    shop = world.shop()
    world.text(shop, "hi")
    world.clock.advance(seconds=3)
    world.text(shop, "the box was wet")
    world.clock.advance(minutes=5)
    world.text(shop, "anyone?")
    assert [m.turn for m in world.texts(direction="in")] == [1, 1, 2]


def test_two_shops_with_one_buyer_never_mix(world: World) -> None:
    one = world.shop()
    two = world.shop("other.myshopify.com", line="+12025550189")
    world.text(one, "to one")
    world.text(two, "STOP")
    assert len(world.all(Conversation)) == 2
    with world.db.shop(one.id) as session:
        bodies = [row[0] for row in session.sql("SELECT body FROM messages")]
        stopped = session.sql("SELECT opted_out_at FROM contacts").scalar()
    assert bodies == ["to one"]
    assert stopped is None


@pytest.mark.parametrize(
    "word", ["STOP", "stop.", "Unsubscribe", "CANCEL", "please stop texting me"]
)
def test_opt_out_is_in_force_with_the_text_that_carried_it(world: World, word: str) -> None:
    shop = world.shop()
    world.order()
    world.deliver()
    world.settle()
    world.text(shop, word)
    assert world.contact().opted_out_at is not None
    assert world.scalar("SELECT count(*) FROM consent_events WHERE action = 'revoked'") == 1
    world.clock.advance(hours=3)
    world.settle()
    assert [(c.state, c.reason) for c in world.check_ins()] == [("cancelled", "opted_out")]
    assert world.texts(purpose="check_in") == []


def test_provider_confirms_its_keyword_and_we_confirm_free_words(world: World) -> None:
    shop = world.shop()
    world.text(shop, "STOP")
    world.settle()
    assert world.sent() == []
    world.text(shop, "please stop texting me", sender="+14155550143")
    world.settle()
    assert len(world.sent()) == 1
    assert "won't get any more texts" in world.sent()[0]


def test_only_the_buyers_own_text_ends_an_opt_out(world: World) -> None:
    shop = world.shop()
    world.text(shop, "STOP")
    world.order()
    world.deliver()
    world.settle()
    world.clock.advance(hours=3)
    world.settle()
    assert [c.reason for c in world.check_ins()] == ["opted_out"]
    world.text(shop, "START")
    assert world.contact().opted_out_at is None


def test_replayed_stop_does_not_undo_a_later_start(world: World) -> None:
    shop = world.shop()
    world.text(shop, "STOP", sid="SM" + "b" * 32)
    world.text(shop, "START")
    world.text(shop, "STOP", sid="SM" + "b" * 32)
    assert world.contact().opted_out_at is None


def test_yes_is_an_answer_unless_the_buyer_had_opted_out(world: World) -> None:
    shop = world.shop()
    world.text(shop, "Yes")
    assert world.scalar("SELECT count(*) FROM consent_events") == 0
    world.text(shop, "STOP")
    world.text(shop, "Yes")
    assert world.contact().opted_out_at is None


def test_help_names_the_brand_once(world: World) -> None:
    shop = world.shop()
    world.text(shop, "HELP")
    world.settle()
    assert len(world.sent()) == 1
    assert world.sent()[0].startswith("Acme Outfitters")


def test_help_that_the_provider_answered_is_not_answered_twice(world: World) -> None:
    shop = world.shop()
    world.text(shop, "HELP", OptOutType="HELP")
    world.settle()
    assert world.sent() == []


def test_no_is_a_problem_report_and_never_an_opt_out(world: World) -> None:
    shop = world.shop()
    world.checked_in(shop)
    world.text(shop, "No")
    assert world.contact().opted_out_at is None


def test_card_number_is_masked_before_it_is_stored(world: World) -> None:
    shop = world.shop()
    world.text(shop, "my card is 4111 1111 1111 1111 thanks")
    assert "4111 1111" not in world.texts(direction="in")[0].body
    stored = world.scalar("SELECT string_agg(raw::text || body, ' ') FROM messages")
    assert "4111 1111 1111 1111" not in stored
    assert "4111+1111" not in stored


@pytest.mark.parametrize(
    ("first", "rest"),
    [
        ("my card is 4111 1", "111 1111 1111"),
        ("4111 1111 1111 1", "111"),
        ("4111 1111 1111 111", "1"),
    ],
)
def test_card_cut_within_a_group_of_four_is_masked_in_both_texts(
    world: World, first: str, rest: str
) -> None:
    shop = world.shop()
    world.text(shop, first, sid="SM" + "a" * 32)
    world.text(shop, rest, sid="SM" + "b" * 32)
    bodies = [text.body for text in world.texts(direction="in")]
    assert len(bodies) == 2
    assert all("[card ending 1111]" in body and "4111" not in body for body in bodies)


def test_status_reports_move_forward_only_and_once(world: World) -> None:
    shop = world.shop()
    message = world.checked_in(shop)
    for status in ("delivered", "sent", "delivered", "queued"):
        assert world.report(shop, message, status).status_code == 200
    assert world.texts(id=message.id)[0].state == "delivered"


def test_status_before_the_answer_binds_the_text(world: World) -> None:
    shop = world.shop()
    message = world.checked_in(shop)
    world.execute(
        "UPDATE messages SET state = 'sending', provider_sid = NULL WHERE id = :id", id=message.id
    )
    message.provider_sid = "SM" + "c" * 32
    world.report(shop, message, "sent")
    [bound] = world.texts(id=message.id)
    assert (bound.state, bound.provider_sid) == ("sent", "SM" + "c" * 32)


def test_photo_is_kept_cleaned_and_deleted_at_the_provider(world: World) -> None:
    from app.messaging.models import Media
    from app.messaging.ports import MediaFile, SenderAccess
    from tests.factories.photos import jpeg_with_place

    shop = world.shop()
    access = SenderAccess(
        sender_id=1,
        account_sid="AC0123456789abcdef0123456789abcdef",
        auth_token="",
        phone=shop.line,
    )
    listed = world.sms.receive(
        access, from_phone=BUYER, body="see", photos=[MediaFile(jpeg_with_place(), "image/jpeg")]
    )
    world.text(shop, "see", sid=listed.provider_sid, photos=[listed.media[0].url])
    world.settle()
    [photo] = world.all(Media)
    assert photo.state == "stored"
    assert photo.provider_deleted_at is not None
    kept = world.ports.media.get(photo.storage_key)
    assert b"Exif" not in kept


def test_keyword_that_toll_free_networks_ignore_is_confirmed_by_us(world: World) -> None:
    shop = world.shop()
    world.text(shop, "CANCEL")
    world.settle()
    assert len(world.sent()) == 1
    assert "won't get any more texts" in world.sent()[0]
