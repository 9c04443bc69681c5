"""What must be provable later is written down when it happens, whichever way a text ends."""

from __future__ import annotations

from typing import Any

from app.checkins.wording import DEFAULT_COPY, CopyKind
from app.consent.models import PermissionRecord
from app.conversations.models import Conversation
from app.conversations.reply import reply_as_agent
from app.foundation.audit import AuditEntry
from app.foundation.errors import Unknowable
from app.messaging.models import MessageStatusEvent
from app.messaging.ports import CodeAction, Rejected
from app.messaging.standing import version_of
from tests.factories.world import ACCOUNT, ShopAtHand, World
from tests.features.test_install import open_app


def history(world: World, **fields: Any) -> list[tuple[str, str | None, str | None]]:
    [text] = world.texts(**fields)
    kept = world.all(
        MessageStatusEvent,
        (MessageStatusEvent.message_id == text.id)
        | (MessageStatusEvent.provider_sid == text.provider_sid),
    )
    return [(step.status, step.reason, step.error_code) for step in kept]


def suppressed(world: World) -> list[tuple[str, str, str | None]]:
    rows = world.all(PermissionRecord, PermissionRecord.verdict == "denied")
    return [(row.purpose, row.evidence["evidence"][0], row.reason) for row in rows]


def agent_replies(world: World, shop: ShopAtHand, body: str = "Hello!") -> None:
    [thread] = world.all(Conversation)
    with world.db.shop(shop.id) as session:
        reply_as_agent(
            session,
            now=world.clock.now(),
            conversation_id=thread.id,
            body=body,
            agent_name="Priya",
            key="reply:1",
            written_by="agent:zendesk:8817",
        )


def test_check_in_without_a_phone_leaves_a_verdict(world: World) -> None:
    world.shop()
    world.order(phone=None)
    world.deliver()
    world.settle()
    world.clock.advance(hours=2, minutes=25)
    world.settle()
    [check_in] = world.check_ins()
    assert check_in.state == "skipped"
    assert suppressed(world) == [("check_in", f"order:{check_in.order_id}", check_in.reason)]


def test_check_in_of_a_cancelled_order_leaves_a_verdict(world: World) -> None:
    world.shop()
    world.order()
    world.deliver()
    world.settle()
    world.order(updated_at=world.clock.now(), cancelled_at=world.clock.now().isoformat())
    world.settle()
    [check_in] = world.check_ins()
    assert check_in.state == "cancelled"
    assert suppressed(world) == [("check_in", f"order:{check_in.order_id}", check_in.reason)]
    [row] = world.all(PermissionRecord)
    assert (row.check_in_id, row.decided_at) == (check_in.id, world.clock.now())


def test_check_in_that_an_opt_out_called_off_leaves_a_verdict(world: World) -> None:
    shop = world.shop()
    world.order()
    world.deliver()
    world.settle()
    world.text(shop, "STOP")
    assert [reason for _, _, reason in suppressed(world)] == ["opted_out"]


def test_text_that_an_opt_out_called_off_keeps_its_history(world: World) -> None:
    shop = world.shop()
    world.text(shop, "Where is it?")
    agent_replies(world, shop)
    world.text(shop, "STOP")
    world.settle()
    assert history(world, author="agent") == [("cancelled", "opted_out", None)]


def test_reports_of_a_text_are_kept_though_the_working_table_is_emptied(world: World) -> None:
    shop = world.shop()
    message = world.checked_in(shop)
    for status in ("sent", "delivered", "sent", "delivered"):
        world.report(shop, message, status)
    world.execute("DELETE FROM message_statuses")
    assert [step[0] for step in history(world, id=message.id)] == ["accepted", "sent", "delivered"]


def test_report_that_came_before_its_text_was_bound_is_kept_once(world: World) -> None:
    shop = world.shop()
    world.text(shop, "hi")
    agent_replies(world, shop)
    # The fake's next id is known: the provider is quicker than its own answer.
    sid = f"SM{1:032x}"
    form = [("MessageSid", sid), ("MessageStatus", "sent"), ("AccountSid", ACCOUNT)]
    world.twilio(f"/webhooks/twilio/{shop.door_key}/status", form)
    world.settle()
    [reply] = world.texts(author="agent")
    assert (reply.provider_sid, reply.state) == (sid, "sent")
    assert sorted(step[0] for step in history(world, author="agent")) == ["accepted", "sent"]


def test_refusal_is_kept_with_its_code(world: World) -> None:
    shop = world.shop()
    world.text(shop, "hi")
    world.sms.fail_next(Rejected("twilio", "no", code="21211", action=CodeAction.FIX_DATA))
    agent_replies(world, shop)
    world.settle()
    assert history(world, author="agent") == [("failed", "rejected", "21211")]


def test_unknown_fate_and_its_end_are_both_kept(world: World) -> None:
    shop = world.shop()
    world.text(shop, "hi")
    world.sms.fail_next(Unknowable("twilio", "no answer"))
    agent_replies(world, shop)
    world.settle()
    world.settle(patient=True)
    assert [step[0] for step in history(world, author="agent")] == ["unknown", "accepted"]


def test_text_names_who_or_what_wrote_it(world: World) -> None:
    shop = world.shop()
    opener = world.checked_in(shop)
    world.text(shop, "hi")
    agent_replies(world, shop)
    assert world.texts(author="agent")[0].written_by == "agent:zendesk:8817"
    assert opener.written_by == f"copy:opener:{version_of(DEFAULT_COPY[CopyKind.OPENER])}"
    world.execute("UPDATE shop_preferences SET opener_copy = 'Hi {{ shop_name }} here. All well?'")
    world.clock.advance(days=3)
    world.order(5002, phone="+14155550177", customer=None)
    world.deliver(5002, 9002)
    world.settle()
    world.clock.advance(hours=2, minutes=25)
    world.settle()
    own = version_of("Hi {{ shop_name }} here. All well?")
    assert world.texts(purpose="check_in")[-1].written_by == f"copy:opener:{own}"


def test_looking_at_the_page_is_noted_with_the_member_of_staff(world: World) -> None:
    assert open_app(world).status_code == 200
    [look] = world.all(AuditEntry, AuditEntry.action == "data.read")
    assert (look.actor, look.subject) == ("staff:42", "page:home")
