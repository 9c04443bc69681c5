"""Every text stands in the ticket: once, in order, by its author, whatever breaks in between."""

from __future__ import annotations

import pytest

from app.foundation.errors import Temporary, Unknowable
from app.foundation.inbox import Receipt
from app.foundation.outbox import Postponed
from app.helpdesk import jobs
from app.helpdesk.models import TicketWrite
from app.helpdesk.ports import (
    HelpdeskAccess,
    OpenedTicket,
    ReadComment,
    TicketDraft,
    TicketState,
)
from app.messaging import send as messaging_send
from app.messaging.models import Media
from app.messaging.ports import CodeAction, Rejected
from app.receipts import work_receipt
from app.vendors.fake.helpdesk import BOT_ID
from tests.factories.photos import jpeg_with_place, photo_of
from tests.factories.world import World
from tests.factories.zendesk import ZendeskAtHand, connected, talking

LOST = Unknowable("fake", "the line broke")


def test_first_answer_opens_a_ticket_with_opener_order_note_and_the_buyers_words(
    world: World,
) -> None:
    desk = connected(world)
    opener = world.checked_in(desk.shop)
    assert desk.links() == []
    desk.text("The zip broke")
    world.settle()
    first, note, answer = desk.comments()
    assert first.text == f"Doorstep:\n\n{opener.body}"
    assert (first.public, first.author_id, first.by_staff) == (True, BOT_ID, True)
    assert not note.public and "Order #5001" in note.text and "Parcel" in note.text
    assert answer.text == "The zip broke"
    assert answer.public and not answer.by_staff and answer.author_id == desk.link().requester_id
    assert set(world.helpdesk.tags_of(desk.ticket_id)) == {"doorstep", "doorstep_sms"}


def test_nothing_is_mirrored_without_a_helpdesk(world: World) -> None:
    ZendeskAtHand(world, world.shop()).text("hello?")
    world.settle()
    assert world.scalar("SELECT count(*) FROM ticket_links") == 0
    assert world.scalar("SELECT count(*) FROM outbox") == 0


def test_unknown_number_gets_a_ticket_of_their_own_words(world: World) -> None:
    desk = connected(world)
    desk.text("Do you ship to Alaska?", sender="+19075550123")
    world.settle()
    assert desk.said() == ["Do you ship to Alaska?"]
    assert desk.notes() == []


def test_waiting_texts_of_one_author_become_one_comment(world: World) -> None:
    desk = talking(world)
    before = len(desk.comments())
    desk.text("and the box was wet")
    desk.text("look <b>here</b> & there")
    world.settle()
    assert [one.text for one in desk.comments()[before:]] == [
        "and the box was wet\n\nlook <b>here</b> & there"
    ]


def test_photo_goes_into_the_ticket_without_its_place(world: World) -> None:
    desk = talking(world)
    photo = photo_of(world, jpeg_with_place())
    desk.text("", photos=[photo])
    world.settle(patient=True)
    [file] = desk.comments()[-1].files
    assert file.content_type == "image/jpeg"
    stored = world.helpdesk.fetch_file(desk.access, file.url, max_bytes=10**6)
    assert stored.startswith(b"\xff\xd8") and b"Phone" not in stored


def test_photo_is_waited_for_and_then_missed_visibly(world: World) -> None:
    desk = talking(world)
    desk.text("see", photos=["https://media.fake.invalid/ME0"])
    world.execute("DELETE FROM outbox WHERE topic = 'messaging.fetch_photos'")
    world.settle()
    assert desk.said()[-1] == "The zip broke"
    world.clock.advance(seconds=61)
    world.settle(patient=True)
    assert desk.said()[-1] == "see\n\n(A photo came with this text and could not be loaded.)"
    assert [one.state for one in world.all(Media)] == ["pending"]


def test_our_text_is_mirrored_once_the_provider_took_it_and_not_before(world: World) -> None:
    desk = talking(world)
    desk.text("HELP")
    world.execute("DELETE FROM outbox WHERE topic = 'messaging.send' ")
    world.settle()
    assert desk.said()[-1] == "HELP"
    [answer] = world.texts(direction="out", state="queued")
    desk.text("still here")
    world.settle()
    assert desk.said()[-1] == "still here"
    messaging_send.send_texts(
        world.ports, shop_id=desk.shop.id, message_ids=[answer.id], over=lambda ids: None
    )
    world.settle()
    assert desk.said()[-1].startswith("Doorstep:\n\n")
    assert answer.body in desk.said()[-1]
    assert len(desk.said()) == 5


def test_status_reports_never_become_comments(world: World) -> None:
    desk = talking(world)
    before = len(desk.comments())
    opener = world.texts(purpose="check_in")[0]
    for status in ("sent", "delivered", "delivered"):
        world.report(desk.shop, opener, status)
    world.settle(patient=True)
    assert len(desk.comments()) == before


# --- What breaks


def test_lost_answer_to_a_comment_is_found_in_the_ticket_and_not_written_twice(
    world: World,
) -> None:
    desk = talking(world)
    world.helpdesk.fail_next(LOST)
    desk.text("hello?")
    world.settle()
    assert [w.state for w in world.all(TicketWrite)][-1] == "intent"
    desk.let_intents_age()
    world.settle()
    assert desk.said().count("hello?") == 1
    assert {w.state for w in world.all(TicketWrite)} == {"settled"}


def test_lost_comment_that_was_never_written_is_written_again(world: World) -> None:
    desk = talking(world)
    desk.text("hello?")
    # A worker died between storing the intent and calling.
    link = desk.link()
    world.execute(
        "INSERT INTO ticket_writes (shop_id, link_id, message_ids, body_hash) VALUES"
        " (:shop, :link, ARRAY[(SELECT max(id) FROM messages)], 'of hello')",
        shop=desk.shop.id,
        link=link.id,
    )
    world.settle()
    assert desk.said()[-1] == "The zip broke"
    desk.let_intents_age()
    world.settle()
    assert desk.said()[-1] == "hello?"
    assert sorted(w.state for w in world.all(TicketWrite)[-2:]) == ["abandoned", "settled"]


def test_lost_answer_to_an_opening_does_not_open_a_second_ticket(world: World) -> None:
    desk = connected(world)
    world.checked_in(desk.shop)
    desk.text("The zip broke")
    original = world.helpdesk

    class Losing:
        """Opens the ticket; the answer is lost on the way."""

        def __getattr__(self, name: str) -> object:
            return getattr(original, name)

        def open_ticket(self, access: HelpdeskAccess, draft: TicketDraft) -> OpenedTicket:
            original.open_ticket(access, draft)
            raise LOST

    world.ports.helpdesks["zendesk"] = Losing()  # type: ignore[index]
    world.settle()
    world.ports.helpdesks["zendesk"] = original  # type: ignore[index]
    assert desk.link().state == "opening"
    desk.let_intents_age()
    world.settle()
    assert desk.link().state == "open"
    assert len(desk.links()) == 1
    assert desk.said()[-1] == "The zip broke"
    assert len(desk.said()) == 2


def test_rate_limit_postpones_and_writes_once(world: World) -> None:
    desk = talking(world)
    world.helpdesk.fail_next(Temporary("fake", "rate limited", status=429, retry_after=60))
    desk.text("one")
    world.settle()
    assert desk.said()[-1] == "The zip broke"
    assert world.scalar("SELECT max(attempts) FROM outbox") == 0
    desk.text("two")
    world.settle(patient=True)
    assert desk.said()[-1] == "one\n\ntwo"


def test_texts_join_in_one_comment_while_the_tickets_limit_is_reached(world: World) -> None:
    desk = talking(world)
    for number in range(24):
        desk.text(f"text {number}")
        world.settle()
    written = len(desk.comments())
    assert written <= 25
    for number in range(24, 27):
        desk.text(f"text {number}")
    world.settle()
    assert len(desk.comments()) == written
    desk.let_writes_age(minutes=11)
    world.settle()
    assert len(desk.comments()) == written + 1
    assert desk.said()[-1].endswith("text 24\n\ntext 25\n\ntext 26")


def test_account_limit_holds_back_too(world: World) -> None:
    desk = talking(world)
    world.execute("UPDATE helpdesk_accounts SET updates_per_minute = 3")
    desk.text("one more")
    world.settle()
    assert desk.said()[-1] == "The zip broke"
    desk.let_writes_age(minutes=2)
    world.settle()
    assert desk.said()[-1] == "one more"


# --- Tickets that end


def test_closed_ticket_gets_a_follow_up(world: World) -> None:
    desk = talking(world)
    first = desk.ticket_id
    world.helpdesk.put_state(first, TicketState.CLOSED)
    desk.text("me again")
    world.settle()
    closed, follow_up = desk.links()
    assert (closed.state, follow_up.state) == ("closed", "open")
    assert follow_up.follow_up_of == first != follow_up.ticket_id
    assert desk.said() == ["me again"]
    assert "me again" not in desk.said(first)


def test_deleted_ticket_gets_a_new_one(world: World) -> None:
    desk = talking(world)
    world.helpdesk.delete(desk.ticket_id)
    desk.text("me again")
    world.settle()
    gone, fresh = desk.links()
    assert (gone.state, fresh.state, fresh.follow_up_of) == ("gone", "open", None)
    assert desk.said() == ["me again"]


def test_solved_ticket_is_opened_again_by_the_buyer_and_not_by_our_opener(world: World) -> None:
    desk = talking(world)
    world.helpdesk.put_state(desk.ticket_id, TicketState.SOLVED)
    desk.tell_state("solved")
    world.settle()
    assert desk.link().state == "solved"
    desk.text("not solved")
    world.settle()
    status = world.helpdesk.read_status(desk.access, desk.ticket_id)
    assert status.state is TicketState.OPEN
    assert desk.link().state == "open"
    assert len(desk.links()) == 1


# --- Texts that do not arrive


def test_failed_text_is_told_in_the_ticket_once(world: World) -> None:
    desk = talking(world)
    world.helpdesk.put_state(desk.ticket_id, TicketState.SOLVED)
    comment = world.helpdesk.agent_replies(desk.ticket_id, "A new one is on its way")
    world.sms.fail_next(Rejected("fake", "landline", code="30006", action=CodeAction.NOT_TEXTABLE))
    desk.tell_comment(comment)
    world.settle(patient=True)
    [note] = [one for one in desk.notes() if "did not reach" in one]
    assert "“A new one is on its way”" in note
    assert "Why: " in note and "What to do: " in note
    assert "doorstep_failed" in world.helpdesk.tags_of(desk.ticket_id)
    assert world.helpdesk.read_status(desk.access, desk.ticket_id).state is TicketState.OPEN
    message = world.texts(author="agent")[0]
    for _ in range(2):
        jobs.report_failure(
            world.ports,
            shop_id=desk.shop.id,
            conversation_id=message.conversation_id or 0,
            message_id=message.id,
        )
    assert len([one for one in desk.notes() if "did not reach" in one]) == 1


def test_reply_after_an_opt_out_is_told_in_the_ticket(world: World) -> None:
    desk = talking(world)
    desk.text("STOP")
    world.settle()
    comment = world.helpdesk.agent_replies(desk.ticket_id, "Sorry to see you go")
    desk.tell_comment(comment)
    world.settle(patient=True)
    assert "Sorry to see you go" not in world.sent()
    [note] = [one for one in desk.notes() if "did not reach" in one]
    assert "opted out" in note and "START" in note


def test_note_whose_answer_was_lost_is_not_written_twice(world: World) -> None:
    desk = talking(world)
    desk.text("STOP")
    world.settle()
    comment = world.helpdesk.agent_replies(desk.ticket_id, "Sorry to see you go")
    hear(world, desk, comment)
    [blocked] = world.texts(author="agent", state="blocked")
    story = {
        "shop_id": desk.shop.id,
        "conversation_id": blocked.conversation_id,
        "message_id": blocked.id,
    }
    world.helpdesk.fail_next(LOST)
    with pytest.raises(Postponed):
        jobs.report_failure(world.ports, **story)
    desk.let_intents_age()
    jobs.report_failure(world.ports, **story)
    assert len([one for one in desk.notes() if "did not reach" in one]) == 1


def hear(world: World, desk: ZendeskAtHand, comment: ReadComment) -> None:
    """The reply is imported and tried, and nobody has told the agent of its fate yet."""
    desk.tell_comment(comment)
    [receipt] = world.all(Receipt, Receipt.source == "zendesk")[-1:]
    work_receipt(
        world.ports,
        source="zendesk",
        topic=receipt.topic,
        owner=receipt.owner,
        body=receipt.body,
        receipt_id=receipt.id,
        occurred_at=None,
    )
    jobs.import_reply(
        world.ports,
        shop_id=desk.shop.id,
        link_id=desk.link().id,
        comment_id=comment.comment_id,
    )
    [reply] = world.texts(author="agent")
    messaging_send.send_texts(
        world.ports, shop_id=desk.shop.id, message_ids=[reply.id], over=lambda ids: None
    )
