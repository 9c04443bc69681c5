"""What every helpdesk must do, whichever it is: one suite for the fake and for each adapter."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from app.foundation.errors import Permanent, Temporary, Unknowable
from app.helpdesk.ports import (
    Author,
    Comment,
    OpenedTicket,
    Priority,
    Requester,
    Routing,
    TicketClosed,
    TicketDraft,
    TicketFile,
    TicketGone,
    TicketHistory,
    TicketState,
)
from tests.contracts import helpdesk_drivers
from tests.contracts.helpdesk_drivers import Driver

DANA = Requester("doorstep:contact:1", "Dana Whitfield", "+14155550142")
OPENER = Comment(Author.ASSISTANT, ("Hi Dana, did everything arrive okay?",))
PHOTO = TicketFile("damage.png", "image/png", b"\x89PNG\r\n")
PAST = (
    replace(OPENER, at=datetime(2026, 11, 2, 17, 5, tzinfo=UTC)),
    Comment(
        Author.CONTACT,
        ("The zip is <torn>",),
        files=(PHOTO,),
        at=datetime(2026, 11, 2, 17, 9, tzinfo=UTC),
    ),
    Comment(
        Author.AGENT, ("Priya via Doorstep:", "So sorry!"), at=datetime(2026, 11, 3, tzinfo=UTC)
    ),
    Comment(Author.SYSTEM, ("Order #1042: one mug",), public=False),
)


@pytest.fixture(params=["fake", "zendesk", "gorgias"])
def desk(request: pytest.FixtureRequest) -> Iterator[Driver]:
    with getattr(helpdesk_drivers, request.param)() as driver:
        yield driver


@pytest.fixture(params=["fake", "zendesk"])
def strict_desk(request: pytest.FixtureRequest) -> Iterator[Driver]:
    """Those that know follow-ups and merges by themselves."""
    with getattr(helpdesk_drivers, request.param)() as driver:
        yield driver


def draft(desk: Driver, **more: object) -> TicketDraft:
    requester = desk.helpdesk.find_or_make_requester(desk.access, DANA)
    plain = TicketDraft(
        external_id="thread-1",
        idempotency_key="thread-1:open",
        subject="Delivery care: order #1042",
        requester_id=requester,
        first_comment=OPENER,
        tags=("doorstep",),
    )
    return replace(plain, **more)  # type: ignore[arg-type]


def open_ticket(desk: Driver, **more: object) -> OpenedTicket:
    return desk.helpdesk.open_ticket(desk.access, draft(desk, **more))


def buyer_says(desk: Driver, ticket_id: str, *paragraphs: str, **more: object) -> str:
    comment = Comment(Author.CONTACT, paragraphs, **more)  # type: ignore[arg-type]
    requester = desk.helpdesk.find_or_make_requester(desk.access, DANA)
    written = desk.helpdesk.add_comment(desk.access, ticket_id, comment, requester_id=requester)
    return written.comment_id


def test_it_knows_who_we_are(desk: Driver) -> None:
    assert desk.helpdesk.who_am_i(desk.access) == desk.access.bot_user_id


def test_a_buyer_is_one_person_however_often_asked(desk: Driver) -> None:
    first = desk.helpdesk.find_or_make_requester(desk.access, DANA)
    assert desk.helpdesk.find_or_make_requester(desk.access, DANA) == first
    moved = replace(DANA, phone="+14155550143")
    assert desk.helpdesk.find_or_make_requester(desk.access, moved) == first


def test_a_buyer_is_known_by_phone_and_by_email_too(desk: Driver) -> None:
    known = replace(DANA, email="dana@buyer.example")
    first = desk.helpdesk.find_or_make_requester(desk.access, known)
    by_phone = replace(DANA, external_id="doorstep:contact:2")
    assert desk.helpdesk.find_or_make_requester(desk.access, by_phone) == first
    by_email = Requester("doorstep:contact:3", "Dana", "+14155550144", "dana@buyer.example")
    assert desk.helpdesk.find_or_make_requester(desk.access, by_email) == first
    stranger = Requester("doorstep:contact:4", "Sam", "+14155550145")
    assert desk.helpdesk.find_or_make_requester(desk.access, stranger) != first


def test_an_opened_ticket_has_our_words_and_can_be_found(desk: Driver) -> None:
    opened = open_ticket(desk)
    assert desk.helpdesk.find_ticket(desk.access, "thread-1") == opened
    assert desk.helpdesk.find_ticket(desk.access, "thread-2") is None
    status = desk.helpdesk.read_status(desk.access, opened.ticket_id)
    assert (status.state, status.external_id) == (TicketState.OPEN, "thread-1")
    [first] = desk.helpdesk.read_comments_since(desk.access, opened.ticket_id, None)
    assert (first.comment_id,) == opened.comment_ids
    assert first.text == OPENER.paragraphs[0]
    assert (first.author_id, first.by_staff) == (desk.access.bot_user_id, True)
    assert desk.tags_of(opened.ticket_id) == ("doorstep",)


def test_the_same_key_opens_one_ticket(desk: Driver) -> None:
    first = open_ticket(desk)
    assert open_ticket(desk) == first


def test_the_same_key_with_another_draft_is_unknowable(desk: Driver) -> None:
    open_ticket(desk)
    with pytest.raises(Unknowable) as raised:
        open_ticket(desk, subject="Something else")
    assert raised.value.code == "other_draft"


def test_an_opening_whose_answer_was_lost_is_one_ticket(desk: Driver) -> None:
    wanted = draft(desk)
    desk.lose_answer()
    try:
        opened = desk.helpdesk.open_ticket(desk.access, wanted)
    except Unknowable:
        found = desk.helpdesk.find_ticket(desk.access, "thread-1")
        assert found is not None
        opened = found
    assert desk.helpdesk.open_ticket(desk.access, wanted) == opened
    assert len(desk.helpdesk.read_comments_since(desk.access, opened.ticket_id, None)) == 1


def test_a_first_comment_of_the_buyer_is_the_buyers(desk: Driver) -> None:
    words = Comment(Author.CONTACT, ("Where is my parcel?",))
    opened = open_ticket(desk, first_comment=words)
    [first] = desk.helpdesk.read_comments_since(desk.access, opened.ticket_id, None)
    assert first.author_id == desk.helpdesk.find_or_make_requester(desk.access, DANA)
    assert not first.by_staff


def import_history(desk: Driver) -> OpenedTicket:
    return desk.helpdesk.import_ticket(desk.access, history(desk))


def history(desk: Driver) -> TicketHistory:
    requester = desk.helpdesk.find_or_make_requester(desk.access, DANA)
    return TicketHistory("thread-1", "Delivery care", requester, PAST, ("doorstep",))


def test_a_history_is_one_ticket_with_each_comment_at_its_time_by_its_author(desk: Driver) -> None:
    opened = import_history(desk)
    read = desk.helpdesk.read_comments_since(desk.access, opened.ticket_id, None)
    assert tuple(one.comment_id for one in read) == opened.comment_ids
    assert [one.text for one in read] == ["\n\n".join(one.paragraphs) for one in PAST]
    assert [one.created_at for one in read[:3]] == [one.at for one in PAST[:3]]
    assert [one.by_staff for one in read] == [True, False, True, True]
    assert [one.public for one in read] == [True, True, True, False]
    requester = desk.helpdesk.find_or_make_requester(desk.access, DANA)
    assert (read[1].author_id, len(read[1].files)) == (requester, 1)
    status = desk.helpdesk.read_status(desk.access, opened.ticket_id)
    assert (status.state, status.external_id) == (TicketState.OPEN, "thread-1")
    assert desk.tags_of(opened.ticket_id) == ("doorstep",)


def test_a_history_brought_twice_is_one_ticket_and_later_words_are_not_of_it(desk: Driver) -> None:
    first = import_history(desk)
    desk.agent_replies(first.ticket_id, "A new one is on its way.")
    assert import_history(desk) == first
    found = desk.helpdesk.find_ticket(desk.access, "thread-1")
    assert found is not None and found.ticket_id == first.ticket_id


def test_a_history_whose_answer_was_lost_is_found_whole(desk: Driver) -> None:
    wanted = history(desk)
    desk.lose_answer()
    with pytest.raises(Unknowable):
        desk.helpdesk.import_ticket(desk.access, wanted)
    found = desk.helpdesk.find_ticket(desk.access, "thread-1")
    assert found is not None
    again = desk.helpdesk.import_ticket(desk.access, wanted)
    assert (again.ticket_id, len(again.comment_ids)) == (found.ticket_id, len(PAST))
    assert len(desk.helpdesk.read_comments_since(desk.access, found.ticket_id, None)) == len(PAST)


def test_a_history_goes_on_in_its_ticket(desk: Driver) -> None:
    opened = import_history(desk)
    said = buyer_says(desk, opened.ticket_id, "Any news?")
    [after] = desk.helpdesk.read_comments_since(
        desk.access, opened.ticket_id, opened.comment_ids[-1]
    )
    assert (after.comment_id, after.by_staff) == (said, False)


def test_comments_keep_author_privacy_and_text(desk: Driver) -> None:
    opened = open_ticket(desk)
    said = buyer_says(desk, opened.ticket_id, "The box was <crushed> & wet\n*really*", "Help 📦")
    note = desk.helpdesk.add_comment(
        desk.access,
        opened.ticket_id,
        Comment(Author.SYSTEM, ("Order #1042: one mug",), public=False),
        requester_id="0",
    )
    after = desk.helpdesk.read_comments_since(desk.access, opened.ticket_id, opened.comment_ids[0])
    assert [one.comment_id for one in after] == [said, note.comment_id]
    assert after[0].text == "The box was <crushed> & wet\n*really*\n\nHelp 📦"
    assert (after[0].by_staff, after[0].public) == (False, True)
    assert (after[1].by_staff, after[1].public) == (True, False)
    assert after[1].author_id == desk.access.bot_user_id


def test_photos_arrive_and_can_be_fetched(desk: Driver) -> None:
    opened = open_ticket(desk)
    buyer_says(desk, opened.ticket_id, "Look", files=(PHOTO, replace(PHOTO, filename="two.png")))
    comment = desk.helpdesk.read_comments_since(desk.access, opened.ticket_id, None)[-1]
    assert [(one.filename, one.content_type) for one in comment.files] == [
        ("damage.png", "image/png"),
        ("two.png", "image/png"),
    ]
    url = comment.files[0].url
    assert desk.helpdesk.fetch_file(desk.access, url, max_bytes=100) == PHOTO.content
    with pytest.raises(Permanent):
        desk.helpdesk.fetch_file(desk.access, url, max_bytes=3)
    with pytest.raises(Permanent):
        desk.helpdesk.fetch_file(desk.access, "http://127.0.0.1:9/private", max_bytes=100)


def test_a_photo_without_words_is_a_comment_too(desk: Driver) -> None:
    opened = open_ticket(desk)
    buyer_says(desk, opened.ticket_id, files=(PHOTO,))
    comment = desk.helpdesk.read_comments_since(desk.access, opened.ticket_id, None)[-1]
    assert (comment.text, len(comment.files)) == ("damage.png", 1)


def test_an_agents_reply_is_read_with_name_and_files(desk: Driver) -> None:
    opened = open_ticket(desk)
    said = desk.agent_replies(opened.ticket_id, "A replacement\nships today.", files=(PHOTO,))
    desk.agent_replies(opened.ticket_id, "OK to replace", public=False)
    reply, note = desk.helpdesk.read_comments_since(
        desk.access, opened.ticket_id, opened.comment_ids[0]
    )
    assert (reply.comment_id, reply.text) == (said, "A replacement\nships today.")
    assert (reply.by_staff, reply.public, reply.author_name) == (True, True, "Priya Shah")
    assert reply.author_id != desk.access.bot_user_id
    assert len(reply.files) == 1
    assert (note.by_staff, note.public) == (True, False)
    assert not desk.helpdesk.read_comments_since(desk.access, opened.ticket_id, note.comment_id)


def test_a_lost_answer_to_a_comment_is_unknowable_and_the_comment_is_there_once(
    desk: Driver,
) -> None:
    opened = open_ticket(desk)
    requester = desk.helpdesk.find_or_make_requester(desk.access, DANA)
    hello = Comment(Author.CONTACT, ("Hello?",))
    desk.lose_answer()
    with pytest.raises(Unknowable):
        desk.helpdesk.add_comment(desk.access, opened.ticket_id, hello, requester_id=requester)
    after = desk.helpdesk.read_comments_since(desk.access, opened.ticket_id, opened.comment_ids[0])
    assert [one.text for one in after] == ["Hello?"]


def test_a_refusal_for_now_says_for_how_long_and_leaves_nothing(desk: Driver) -> None:
    opened = open_ticket(desk)
    requester = desk.helpdesk.find_or_make_requester(desk.access, DANA)
    desk.refuse_once()
    with pytest.raises(Temporary) as raised:
        desk.helpdesk.add_comment(desk.access, opened.ticket_id, OPENER, requester_id=requester)
    assert raised.value.retry_after == 7
    desk.let_pass(7)
    assert len(desk.helpdesk.read_comments_since(desk.access, opened.ticket_id, None)) == 1


def test_a_solved_ticket_reopens(desk: Driver) -> None:
    opened = open_ticket(desk)
    desk.helpdesk.set_state(desk.access, opened.ticket_id, TicketState.SOLVED)
    assert desk.helpdesk.read_status(desk.access, opened.ticket_id).state is TicketState.SOLVED
    desk.helpdesk.add_comment(
        desk.access,
        opened.ticket_id,
        Comment(Author.SYSTEM, ("The text could not be delivered.",), public=False),
        requester_id="0",
        tags=("doorstep_failed",),
        reopen=True,
    )
    assert desk.helpdesk.read_status(desk.access, opened.ticket_id).state is TicketState.OPEN
    assert set(desk.tags_of(opened.ticket_id)) == {"doorstep", "doorstep_failed"}


def test_a_humans_tag_is_read_and_can_be_taken_off(desk: Driver) -> None:
    ticket_id = open_ticket(desk).ticket_id
    desk.put_tag(ticket_id, "vip")
    desk.put_tag(ticket_id, "doorstep-ai-on")
    tags = desk.helpdesk.read_status(desk.access, ticket_id).tags
    assert set(tags) == {"doorstep", "vip", "doorstep-ai-on"}
    for _ in range(2):  # one that is gone is as good
        desk.helpdesk.remove_tag(desk.access, ticket_id, "doorstep-ai-on")
    assert set(desk.tags_of(ticket_id)) == {"doorstep", "vip"}
    desk.put_state(ticket_id, TicketState.CLOSED)
    with pytest.raises(TicketClosed):
        desk.helpdesk.remove_tag(desk.access, ticket_id, "vip")
    desk.delete(ticket_id)
    with pytest.raises(TicketGone):
        desk.helpdesk.remove_tag(desk.access, ticket_id, "vip")


def test_a_closed_ticket_takes_nothing_and_a_follow_up_goes_on(desk: Driver) -> None:
    opened = open_ticket(desk)
    desk.put_state(opened.ticket_id, TicketState.CLOSED)
    with pytest.raises(TicketClosed):
        buyer_says(desk, opened.ticket_id, "The new one is chipped too")
    with pytest.raises(TicketClosed):
        desk.helpdesk.set_state(desk.access, opened.ticket_id, TicketState.OPEN)
    follow_up = open_ticket(
        desk,
        external_id="thread-1:2",
        idempotency_key="thread-1:2",
        follow_up_of=opened.ticket_id,
        first_comment=Comment(Author.CONTACT, ("The new one is chipped too",)),
    )
    assert follow_up.ticket_id != opened.ticket_id
    [first] = [
        one
        for one in desk.helpdesk.read_comments_since(desk.access, follow_up.ticket_id, None)
        if one.public
    ]
    assert follow_up.comment_ids[0] == first.comment_id
    assert not first.by_staff


def test_only_closed_tickets_have_follow_ups(strict_desk: Driver) -> None:
    opened = open_ticket(strict_desk)
    with pytest.raises(Permanent):
        open_ticket(strict_desk, idempotency_key="early", follow_up_of=opened.ticket_id)


def test_a_merged_ticket_says_where_it_went(strict_desk: Driver) -> None:
    desk = strict_desk
    source = open_ticket(desk)
    target = open_ticket(desk, external_id="thread-2", idempotency_key="thread-2")
    desk.merge(source.ticket_id, target.ticket_id)
    status = desk.helpdesk.read_status(desk.access, source.ticket_id)
    assert (status.state, status.merged_into) == (TicketState.CLOSED, target.ticket_id)


def test_a_deleted_ticket_is_gone(desk: Driver) -> None:
    opened = open_ticket(desk)
    desk.delete(opened.ticket_id)
    with pytest.raises(TicketGone):
        desk.helpdesk.read_status(desk.access, opened.ticket_id)
    with pytest.raises(TicketGone):
        desk.helpdesk.read_comments_since(desk.access, opened.ticket_id, None)
    with pytest.raises(TicketGone):
        buyer_says(desk, opened.ticket_id, "Hello?")


def test_subscribing_twice_is_one_webhook(desk: Driver) -> None:
    endpoint = "https://app.doorstep.example/webhooks/zendesk/door"
    first = desk.helpdesk.subscribe(desk.access, endpoint)
    assert first.secret
    assert desk.helpdesk.subscribe(desk.access, endpoint) == first
    desk.helpdesk.unsubscribe(desk.access, first.webhook_id)
    desk.helpdesk.unsubscribe(desk.access, first.webhook_id)
    assert desk.helpdesk.subscribe(desk.access, endpoint).webhook_id != first.webhook_id


def test_a_ticket_is_routed_and_says_its_priority(desk: Driver) -> None:
    ticket_id = open_ticket(desk).ticket_id
    assert desk.helpdesk.read_status(desk.access, ticket_id).priority is None
    for _ in range(2):
        desk.helpdesk.route_ticket(
            desk.access, ticket_id, Routing(priority=Priority.HIGH, tags=("vip",))
        )
    assert desk.helpdesk.read_status(desk.access, ticket_id).priority is Priority.HIGH
    desk.helpdesk.route_ticket(desk.access, ticket_id, Routing(tags=("wholesale",)))
    assert desk.helpdesk.read_status(desk.access, ticket_id).priority is Priority.HIGH
    assert set(desk.tags_of(ticket_id)) == {"doorstep", "vip", "wholesale"}
    with pytest.raises(Permanent):
        desk.helpdesk.route_ticket(desk.access, ticket_id, Routing(assignee_id="404404404"))
    desk.put_state(ticket_id, TicketState.CLOSED)
    with pytest.raises(TicketClosed):
        desk.helpdesk.route_ticket(desk.access, ticket_id, Routing(priority=Priority.LOW))
    desk.delete(ticket_id)
    with pytest.raises(TicketGone):
        desk.helpdesk.route_ticket(desk.access, ticket_id, Routing(priority=Priority.LOW))
