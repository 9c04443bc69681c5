"""One text leaves once, or its row says why not; whatever the provider does."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.consent.models import PermissionRecord
from app.conversations.models import Conversation
from app.conversations.reply import reply_as_agent
from app.foundation.errors import Temporary, Unknowable
from app.messaging.models import Message, Sender
from app.messaging.ports import CodeAction, Rejected
from app.messaging.states import PROVIDER_RANKS, STATE_OF_STATUS
from tests.factories.world import ACCOUNT, BUYER, ShopAtHand, World


def agent_replies(world: World, shop_id: int, body: str, key: str = "reply:1") -> None:
    [thread] = world.all(Conversation)
    with world.db.shop(shop_id) as session:
        reply_as_agent(
            session,
            now=world.clock.now(),
            conversation_id=thread.id,
            body=body,
            agent_name="Priya",
            key=key,
        )


@pytest.fixture
def a_check_in(world: World) -> tuple[ShopAtHand, Message]:
    shop = world.shop()
    return shop, world.checked_in(shop)


def test_every_text_has_its_verdict_with_evidence(world: World) -> None:
    message = world.checked_in(world.shop())
    verdicts = world.all(PermissionRecord, PermissionRecord.message_id == message.id)
    assert [v.verdict for v in verdicts] == ["allowed"]
    assert any(e.startswith("consent:") for e in verdicts[0].evidence["evidence"])
    assert any(e.startswith("zone:") for e in verdicts[0].evidence["evidence"])


def test_proactive_text_expires_with_its_lawful_window(world: World) -> None:
    message = world.checked_in(world.shop())
    # 20:00 in Portland and in California.
    assert message.expires_at == datetime(2026, 11, 20, 4, 0, tzinfo=UTC)
    [handed] = world.sms.handed_over
    assert 0 < handed.validity_seconds <= 36_000


def test_agents_reply_to_a_fresh_text_goes_at_any_hour(world: World) -> None:
    shop = world.shop()
    world.clock.move(datetime(2026, 11, 20, 10, 0, tzinfo=UTC))  # two at night in Portland
    world.text(shop, "It never came")
    world.settle()
    agent_replies(world, shop.id, "Looking into it now!")
    world.settle()
    assert "Looking into it now!" in world.sent()


def test_agents_reply_to_an_old_thread_waits_for_the_morning(world: World) -> None:
    shop = world.shop()
    world.text(shop, "It never came")
    world.clock.advance(days=3)
    world.clock.move(world.clock.now().replace(hour=10))
    agent_replies(world, shop.id, "We found it.")
    world.settle()
    assert "We found it." not in world.sent()
    [held] = world.texts(author="agent")
    assert (held.state, held.reason) == ("queued", "quiet_hours")
    world.clock.move(held.not_before)
    world.settle()
    assert "We found it." in world.sent()


def test_nothing_queued_leaves_after_stop(world: World) -> None:
    shop = world.shop()
    world.text(shop, "Where is it?")
    agent_replies(world, shop.id, "On its way")
    world.text(shop, "STOP")
    world.settle()
    assert "On its way" not in world.sent()
    [reply] = world.texts(author="agent")
    assert (reply.state, reply.reason) == ("cancelled", "opted_out")


def test_agents_reply_after_stop_is_blocked_with_its_reason(world: World) -> None:
    shop = world.shop()
    world.text(shop, "STOP")
    agent_replies(world, shop.id, "Sorry to see you go")
    world.settle()
    [reply] = world.texts(author="agent")
    assert (reply.state, reply.reason) == ("blocked", "opted_out")


def test_same_key_never_becomes_a_second_text(world: World) -> None:
    shop = world.shop()
    world.text(shop, "hi")
    for _ in range(3):
        agent_replies(world, shop.id, "Hello!", key="zendesk:1:2")
        world.settle()
    assert world.sent() == ["Hello!"]


def test_long_reply_leaves_in_several_texts_in_order(world: World) -> None:
    shop = world.shop()
    world.text(shop, "hi")
    agent_replies(world, shop.id, " ".join(f"Sentence number {n} is here." for n in range(120)))
    world.settle()
    assert len(world.sent()) > 1
    assert all(len(text) <= 1600 for text in world.sent())
    assert " ".join(world.sent()).startswith("Sentence number 0")


def test_provider_that_is_busy_is_asked_again(world: World) -> None:
    shop = world.shop()
    world.text(shop, "hi")
    world.sms.fail_next(Temporary("twilio", "busy", code="20429", retry_after=5))
    agent_replies(world, shop.id, "Hello!")
    world.settle()
    assert world.sent() == []
    world.clock.advance(seconds=6)
    world.settle()
    assert world.sent() == ["Hello!"]


def test_unanswered_call_is_unknown_and_bound_when_the_provider_lists_it(world: World) -> None:
    shop = world.shop()
    world.text(shop, "hi")
    world.sms.fail_next(Unknowable("twilio", "no answer"))
    agent_replies(world, shop.id, "Hello!")
    world.settle()
    [reply] = world.texts(author="agent")
    assert reply.state == "unknown"
    world.settle(patient=True)
    [reply] = world.texts(author="agent")
    assert (reply.state, reply.attempts) == ("accepted", 1)
    assert reply.provider_sid is not None
    assert world.sent() == ["Hello!"]


def test_killed_sender_whose_text_never_left_sends_it_once(world: World) -> None:
    shop = world.shop()
    world.text(shop, "hi")
    agent_replies(world, shop.id, "Hello!")
    # The process died between the claim and the call.
    world.execute(
        "UPDATE messages SET state = 'sending', attempts = 1, sender_id = :sender,"
        " claimed_at = now() - interval '30 seconds' WHERE author = 'agent'",
        sender=world.all(Sender)[0].id,
    )
    world.execute("DELETE FROM outbox WHERE topic = 'messaging.send'")
    world.recover()
    assert world.sent() == ["Hello!"]
    [reply] = world.texts(author="agent")
    assert (reply.state, reply.attempts) == ("accepted", 2)


def test_report_of_a_text_that_was_put_back_keeps_it_from_leaving_twice(world: World) -> None:
    shop = world.shop()
    message = world.checked_in(shop)
    world.execute(
        "UPDATE messages SET state = 'queued', provider_sid = NULL WHERE id = :id", id=message.id
    )
    world.report(shop, message, "sent")
    world.settle()
    assert [text.state for text in world.texts(id=message.id)] == ["sent"]
    assert len(world.sent()) == 1


def test_killed_sender_whose_text_had_left_is_bound_and_never_sent_again(world: World) -> None:
    shop = world.shop()
    world.text(shop, "hi")
    agent_replies(world, shop.id, "Hello!")
    world.settle()
    # The process died between the answer and the settlement.
    world.execute(
        "UPDATE messages SET state = 'sending', provider_sid = NULL,"
        " claimed_at = now() - interval '30 seconds' WHERE author = 'agent'"
    )
    world.recover()
    assert world.sent() == ["Hello!"]
    [reply] = world.texts(author="agent")
    assert (reply.state, reply.attempts) == ("accepted", 1)


@pytest.mark.parametrize(
    ("action", "then"),
    [
        (CodeAction.SUPPRESS, "SELECT opted_out_at IS NOT NULL FROM contacts"),
        (CodeAction.NOT_TEXTABLE, "SELECT line_kind = 'landline' FROM contacts"),
        (CodeAction.DO_NOT_TEXT, "SELECT line_kind = 'do_not_text' FROM contacts"),
        (CodeAction.LITIGATOR, "SELECT line_kind = 'litigator' FROM contacts"),
        (CodeAction.PAUSE_SENDER, "SELECT state = 'paused' FROM senders"),
    ],
)
def test_refusal_does_what_its_code_asks(world: World, action: CodeAction, then: str) -> None:
    shop = world.shop()
    world.text(shop, "hi")
    world.sms.fail_next(Rejected("twilio", "no", code="99999", action=action))
    agent_replies(world, shop.id, "Hello!")
    world.settle()
    assert world.texts(author="agent")[0].state == "failed"
    assert world.scalar(then) is True


def test_status_report_with_a_code_is_obeyed_too(world: World) -> None:
    shop = world.shop()
    message = world.checked_in(shop)
    world.report(shop, message, "failed", ErrorCode="21610")
    world.settle()
    assert world.contact().opted_out_at == world.clock.now()
    assert [(c.state, c.reason) for c in world.check_ins()] == [("skipped", "carrier")]


def test_orders_of_one_day_bring_one_check_in(world: World) -> None:
    world.shop()
    for order_id in (1, 2, 3, 4):
        world.order(order_id)
        world.deliver(order_id, 9000 + order_id)
    world.settle()
    world.clock.advance(hours=2, minutes=25)
    world.settle()
    assert len(world.texts(purpose="check_in", state="accepted")) == 1
    assert (
        sorted((c.state, c.reason) for c in world.check_ins() if c.state != "sent")
        == [("skipped", "recently_texted")] * 3
    )


def test_fourth_proactive_text_in_a_day_waits(world: World) -> None:
    world.shop()
    world.order(1)
    world.deliver(1, 9001)
    world.settle()
    world.execute(
        "INSERT INTO messages (shop_id, contact_id, direction, author, purpose, body, state,"
        " order_id, created_at, sent_at) SELECT c.shop_id, c.id, 'out', 'system', 'order_status',"
        f" 'On its way.', 'accepted', 7, t, t FROM contacts c, (VALUES ('{world.clock.now()}'"
        "::timestamptz)) v(t), generate_series(1, 3)"
    )
    world.clock.advance(hours=2, minutes=25)
    world.settle()
    assert world.texts(purpose="check_in") == []
    [waiting] = world.check_ins()
    assert waiting.state == "scheduled"
    assert waiting.due_at > world.clock.now() + timedelta(hours=12)


def test_a_number_known_for_suing_is_never_texted_again(world: World) -> None:
    shop = world.shop()
    world.text(shop, "hi")
    world.sms.fail_next(Rejected("twilio", "no", code="30640", action=CodeAction.LITIGATOR))
    agent_replies(world, shop.id, "Hello!")
    world.settle()
    assert [(t.state, t.reason) for t in world.texts(author="agent")] == [("failed", "litigator")]
    agent_replies(world, shop.id, "Are you there?", key="reply:2")
    world.settle()
    assert world.texts(author="agent")[-1].reason == "litigator"
    assert world.sent() == []
    assert world.contact().opted_out_at is None


def test_slow_line_spreads_texts_and_lets_replies_pass(world: World) -> None:
    shop = world.shop(mps=0.01)  # one segment in a hundred seconds
    for number in range(3):
        phone = f"+1415555010{number}"
        world.order(number + 1, phone=phone)
        world.deliver(number + 1, 9000 + number)
    world.settle()
    world.clock.advance(hours=2, minutes=25)
    world.settle()
    assert len(world.texts(purpose="check_in", state="accepted")) == 1
    held = world.texts(purpose="check_in", state="queued")
    assert [text.reason for text in held] == ["in_line", "in_line"]
    world.text(shop, "hello?", sender=BUYER)
    with world.db.shop(shop.id) as session:
        thread = session.sql(
            "SELECT c.id FROM conversations c JOIN contacts p ON p.id = c.contact_id"
            " WHERE p.phone = %s",
            BUYER,
        ).scalar_one()
        reply_as_agent(
            session,
            now=world.clock.now(),
            conversation_id=thread,
            body="Right here!",
            agent_name="Priya",
            key="reply:fast",
        )
    world.settle()
    assert "Right here!" in world.sent()
    world.clock.advance(minutes=4)
    world.settle()
    assert len(world.texts(purpose="check_in", state="accepted")) == 3


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(reports=st.lists(st.sampled_from(sorted(PROVIDER_RANKS)), min_size=1, max_size=6))
def test_reports_in_any_order_end_at_the_furthest(
    world: World, a_check_in: tuple[ShopAtHand, Message], reports: list[str]
) -> None:
    shop, message = a_check_in
    world.execute("UPDATE messages SET state = 'accepted' WHERE id = :id", id=message.id)
    world.execute("DELETE FROM message_statuses")
    for status in reports:
        world.report(shop, message, status)
    furthest = max(PROVIDER_RANKS[status] for status in reports)
    expected = {STATE_OF_STATUS[s] for s in reports if PROVIDER_RANKS[s] == furthest}
    assert world.texts(id=message.id)[0].state in expected


def test_a_report_at_another_shops_door_moves_nothing(
    world: World, a_check_in: tuple[ShopAtHand, Message]
) -> None:
    shop, message = a_check_in
    stranger = world.shop("other-shop.myshopify.com", line="+12025550177")
    assert world.report(stranger, message, "delivered").status_code == 200
    assert world.texts(id=message.id)[0].state == "accepted"
    world.report(shop, message, "delivered")
    [moved] = world.texts(id=message.id)
    assert (moved.state, moved.delivered_at) == ("delivered", world.clock.now())


def test_a_report_of_another_text_under_our_id_moves_nothing(
    world: World, a_check_in: tuple[ShopAtHand, Message]
) -> None:
    shop, message = a_check_in
    form = [
        ("MessageSid", "SM" + "e" * 32),
        ("MessageStatus", "delivered"),
        ("AccountSid", ACCOUNT),
    ]
    path = f"/webhooks/twilio/{shop.door_key}/status?m={message.id}"
    assert world.twilio(path, form).status_code == 200
    assert world.texts(id=message.id)[0].state == "accepted"


def test_report_that_says_nothing_new_of_a_bound_text_is_not_stored(world: World) -> None:
    shop = world.shop()
    message = world.checked_in(shop)
    for status in ("queued", "sending"):
        assert world.report(shop, message, status).status_code < 300
    assert world.scalar("SELECT count(*) FROM message_statuses") == 0
    world.report(shop, message, "sent")
    assert world.scalar("SELECT count(*) FROM message_statuses") == 1
    assert world.texts(id=message.id)[0].state == "sent"
