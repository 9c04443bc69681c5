"""An agent's public reply is one text on the buyer's phone; nothing else of the ticket is."""

from __future__ import annotations

import pytest

from app.conversations.models import Conversation
from app.foundation.errors import Permanent, Temporary
from app.foundation.outbox import Postponed
from app.helpdesk import jobs
from app.helpdesk.ports import (
    Author,
    Comment,
    HelpdeskAccess,
    ReadComment,
    TicketDraft,
    TicketFile,
    TicketState,
    WrittenComment,
)
from app.messaging.models import Media
from tests.factories.photos import jpeg_with_place
from tests.factories.world import World
from tests.factories.zendesk import ZendeskAtHand, connected, talking


def replies(world: World) -> list[str]:
    """What went to the phone after the check-in."""
    return world.sent()[1:]


def test_public_reply_becomes_one_text_signed_inside_by_first_name(world: World) -> None:
    desk = talking(world)
    comment = world.helpdesk.agent_replies(desk.ticket_id, "So sorry! A new one ships today.")
    assert desk.tell_comment(comment).status_code == 200
    world.settle()
    assert replies(world) == ["So sorry! A new one ships today."]
    [text] = world.texts(author="agent")
    assert text.author_name == "Priya"
    [thread] = world.all(Conversation)
    assert (thread.handled_by, thread.waiting_since) == ("agent", None)
    # It stands in the ticket already.
    assert desk.said()[-1] == "So sorry! A new one ships today."
    assert len(desk.said()) == 3


def test_reply_heard_twice_and_thrice_is_one_text(world: World) -> None:
    desk = talking(world)
    comment = world.helpdesk.agent_replies(desk.ticket_id, "On its way")
    for _ in range(3):
        desk.tell_comment(comment)
        world.settle()
    jobs.poll(world.ports, shop_id=desk.shop.id, account_id=desk.account.id)
    world.settle()
    assert replies(world) == ["On its way"]


def test_replies_heard_in_the_wrong_order_join_the_thread_in_the_right_one(world: World) -> None:
    desk = talking(world)
    first = world.helpdesk.agent_replies(desk.ticket_id, "First")
    second = world.helpdesk.agent_replies(desk.ticket_id, "Second")
    desk.tell_comment(second)
    desk.tell_comment(first)
    world.settle()
    assert [text.body for text in world.texts(author="agent")] == ["First", "Second"]
    assert sorted(replies(world)) == ["First", "Second"]


def test_private_notes_and_our_own_comments_stay_in_the_ticket(world: World) -> None:
    desk = talking(world)
    world.helpdesk.agent_replies(desk.ticket_id, "ask the warehouse", public=False)
    for comment in desk.comments():
        desk.tell_comment(comment)
    world.settle()
    jobs.poll(world.ports, shop_id=desk.shop.id, account_id=desk.account.id)
    world.settle()
    assert replies(world) == []


def test_lost_webhook_is_made_good_by_the_poll(world: World) -> None:
    desk = talking(world)
    world.helpdesk.agent_replies(desk.ticket_id, "Nobody told you")
    world.settle()
    assert replies(world) == []
    assert jobs.poll_due(world.ports) == 1
    assert jobs.poll_due(world.ports) == 0  # one at a time
    world.settle()
    assert replies(world) == ["Nobody told you"]
    assert jobs.poll_due(world.ports) == 0  # looked into a moment ago
    world.clock.advance(minutes=3)
    assert jobs.poll_due(world.ports) == 1


def test_comment_that_the_helpdesk_does_not_show_yet_is_waited_for(world: World) -> None:
    desk = talking(world)
    with pytest.raises(Temporary):
        jobs.import_reply(
            world.ports, shop_id=desk.shop.id, link_id=desk.link().id, comment_id="99999999"
        )


# --- Echoes


class Overtaken:
    """A helpdesk whose webhook about our comment arrives before its answer to us."""

    def __init__(self, world: World, desk: ZendeskAtHand) -> None:
        self._world, self._desk = world, desk
        self._behind = world.helpdesk
        self.held = 0

    def __getattr__(self, name: str) -> object:
        return getattr(self._behind, name)

    def add_comment(
        self, access: HelpdeskAccess, ticket_id: str, comment: Comment, **how: object
    ) -> WrittenComment:
        written = self._behind.add_comment(access, ticket_id, comment, **how)  # type: ignore[arg-type]
        shown = self._desk.comments(ticket_id)[-1]
        assert shown.comment_id == written.comment_id
        self._desk.tell_comment(shown)
        if shown.public and shown.by_staff:
            with pytest.raises(Postponed):
                jobs.import_reply(
                    self._world.ports,
                    shop_id=self._desk.shop.id,
                    link_id=self._desk.link().id,
                    comment_id=shown.comment_id,
                )
            self.held += 1
        return written


def test_webhook_that_overtakes_our_own_answer_is_recognised(world: World) -> None:
    desk = talking(world)
    overtaken = Overtaken(world, desk)
    world.ports.helpdesks["zendesk"] = overtaken  # type: ignore[index]
    desk.text("HELP")
    world.settle(patient=True)
    assert overtaken.held == 1
    assert desk.said()[-1].startswith("Doorstep:")
    assert len(replies(world)) == 1  # the answer to HELP, and not once more as an agent's


def test_the_admin_who_connected_may_answer_as_a_human(world: World) -> None:
    desk = talking(world)
    comment = by_the_bot_user(world, desk, "This is the owner. Refund is done.")
    desk.tell_comment(comment)
    world.settle()
    assert replies(world) == ["This is the owner. Refund is done."]


def test_copy_of_a_comment_of_ours_is_no_reply(world: World) -> None:
    desk = talking(world)
    opener = desk.said()[0]
    desk.tell_comment(by_the_bot_user(world, desk, opener))
    world.settle()
    assert replies(world) == []


def test_comment_of_ours_whose_words_the_helpdesk_changed_is_known_by_its_id(
    world: World,
) -> None:
    desk = talking(world)
    desk.text("HELP")
    world.settle()
    world.execute("UPDATE ticket_writes SET body_hash = 'of other words'")
    assert desk.said()[-1].startswith("Doorstep:")
    jobs.poll(world.ports, shop_id=desk.shop.id, account_id=desk.account.id)
    world.settle()
    assert len(replies(world)) == 1


def test_reply_is_not_kept_waiting_by_a_write_that_nobody_settles(world: World) -> None:
    desk = talking(world)
    world.execute(
        "INSERT INTO ticket_writes (shop_id, link_id, body_hash) VALUES (:shop, :link, 'lost')",
        shop=desk.shop.id,
        link=desk.link().id,
    )
    agents = world.helpdesk.agent_replies(desk.ticket_id, "From an agent")
    desk.tell_comment(agents)
    world.settle()
    assert replies(world) == ["From an agent"]
    desk.tell_comment(by_the_bot_user(world, desk, "From the admin"))
    world.settle()
    assert replies(world) == ["From an agent"]
    desk.let_intents_age()
    world.settle()
    assert replies(world) == ["From an agent", "From the admin"]


def by_the_bot_user(world: World, desk: ZendeskAtHand, text: str) -> ReadComment:
    """The user whom our authorisation acts as writes by hand."""
    world.helpdesk.add_comment(
        desk.access,
        desk.ticket_id,
        Comment(Author.AGENT, tuple(text.split("\n\n"))),
        requester_id=desk.link().requester_id or "",
    )
    return desk.comments()[-1]


# --- What is sent, and what is not


def test_signature_and_quoted_mail_stay_behind(world: World) -> None:
    desk = talking(world)
    comment = world.helpdesk.agent_replies(
        desk.ticket_id,
        "It ships today.\n\n-- \nPriya Shah\nAcme\n\nOn Fri, Nov 20, 2026 Dana wrote:\n> broken",
    )
    desk.tell_comment(comment)
    world.settle()
    assert replies(world) == ["It ships today."]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("Hi {{ticket.requester.first_name}}, it ships today", "{{ticket.requester.first_name}}"),
        ("-- \nPriya", "no words"),
    ],
)
def test_reply_that_cannot_be_texted_is_told_privately(world: World, text: str, why: str) -> None:
    desk = talking(world)
    desk.tell_comment(world.helpdesk.agent_replies(desk.ticket_id, text))
    world.settle()
    assert replies(world) == []
    assert why in desk.notes()[-1] and "not sent" in desk.notes()[-1]
    assert len(desk.notes()) == 2


def test_picture_goes_along_and_another_file_is_named_as_not_sent(world: World) -> None:
    desk = talking(world)
    comment = world.helpdesk.agent_replies(
        desk.ticket_id,
        "Your label",
        files=(
            TicketFile("label.jpg", "image/jpeg", jpeg_with_place()),
            TicketFile("invoice.pdf", "application/pdf", b"%PDF-"),
        ),
    )
    desk.tell_comment(comment)
    desk.tell_comment(comment)
    world.settle()
    assert replies(world) == ["Your label"]
    [photo] = world.all(Media)
    assert b"Phone" not in world.ports.media.get(photo.storage_key or "")
    assert len(world.sms.handed_over[-1].media_urls) == 1
    assert [note for note in desk.notes() if "invoice.pdf was not sent" in note] == desk.notes()[1:]
    assert len(desk.notes()) == 2


def test_file_that_cannot_be_loaded_does_not_keep_the_words_back(world: World) -> None:
    desk = talking(world)
    photo = TicketFile("label.jpg", "image/jpeg", b"not a picture")
    desk.tell_comment(world.helpdesk.agent_replies(desk.ticket_id, "Your label", files=(photo,)))
    world.settle()
    assert replies(world) == ["Your label"]
    assert "label.jpg was not sent" in desk.notes()[-1]


def test_long_reply_goes_out_in_parts_and_once(world: World) -> None:
    desk = talking(world)
    comment = world.helpdesk.agent_replies(desk.ticket_id, "word " * 500)
    for _ in range(2):
        desk.tell_comment(comment)
        world.settle()
    assert len(replies(world)) >= 2
    assert " ".join(replies(world)).split() == ["word"] * 500


def test_merge_notice_is_not_texted(world: World) -> None:
    desk = talking(world)
    notice = "This request was closed and merged into request #40218."
    desk.tell_comment(world.helpdesk.agent_replies(desk.ticket_id, notice))
    world.settle()
    assert replies(world) == []


def test_webhook_of_a_ticket_that_is_not_ours_is_left_alone(world: World) -> None:
    desk = connected(world)
    answer = desk.tell(
        "comment_added",
        {"comment": {"id": "7", "is_public": True, "author": {"id": "2", "is_staff": True}}},
        ticket_id="4711",
    )
    assert answer.status_code == 200
    world.settle()
    assert world.sent() == []
    assert world.scalar("SELECT state FROM receipts WHERE source = 'zendesk'") == "done"


# --- State


def test_solving_resolves_the_conversation_and_reopening_opens_it(world: World) -> None:
    desk = talking(world)
    world.helpdesk.put_state(desk.ticket_id, TicketState.SOLVED)
    desk.tell_state("solved")
    world.settle()
    assert (desk.link().state, world.all(Conversation)[0].state) == ("solved", "resolved")
    world.helpdesk.put_state(desk.ticket_id, TicketState.OPEN)
    desk.tell_state("open")
    world.settle()
    assert (desk.link().state, world.all(Conversation)[0].state) == ("open", "open")


def test_late_news_of_an_old_state_changes_nothing(world: World) -> None:
    desk = talking(world)
    desk.tell_state("solved")  # the ticket was opened again before this came
    world.settle()
    assert (desk.link().state, world.all(Conversation)[0].state) == ("open", "open")


def test_answered_and_solved_in_one_go_is_resolved_whichever_news_comes_first(
    world: World,
) -> None:
    desk = talking(world)
    comment = world.helpdesk.agent_replies(desk.ticket_id, "Done!")
    world.helpdesk.put_state(desk.ticket_id, TicketState.SOLVED)
    desk.tell_state("solved")
    world.settle()
    desk.tell_comment(comment)
    world.settle()
    assert replies(world) == ["Done!"]
    assert world.all(Conversation)[0].state == "resolved"


def test_merged_ticket_is_followed_and_old_words_there_are_not_texted(world: World) -> None:
    desk = talking(world)
    source, target = desk.ticket_id, other_ticket(world, desk)
    world.helpdesk.agent_replies(target, "meant for an e-mail")
    world.helpdesk.merge(source, target)
    desk.tell("merged", {"target_ticket_id": target}, ticket_id=source)
    world.settle()
    [link] = desk.links()
    assert (link.ticket_id, link.state) == (target, "open")
    desk.text("still broken")
    desk.tell_comment(world.helpdesk.agent_replies(target, "Now for you"), ticket_id=target)
    world.settle()
    assert desk.said(target)[-2:] == ["Now for you", "still broken"]
    assert replies(world) == ["Now for you"]


def test_ticket_merged_into_another_buyers_lets_go_of_it(world: World) -> None:
    desk = talking(world)
    mine = desk.ticket_id
    desk.text("Does it come in green?", sender="+19075550123")
    world.settle()
    others = desk.ticket_id
    assert others != mine
    world.helpdesk.merge(mine, others)
    desk.tell("merged", {"target_ticket_id": others}, ticket_id=mine)
    world.settle()
    desk.tell_comment(world.helpdesk.agent_replies(others, "For one of you"), ticket_id=others)
    world.settle()
    assert [text.to for text in world.sms.handed_over[1:]] == ["+19075550123"]
    assert [link.state for link in desk.links()] == ["gone", "open"]


def other_ticket(world: World, desk: ZendeskAtHand) -> str:
    """A ticket of the same helpdesk that has nothing to do with us."""
    opened = world.helpdesk.open_ticket(
        desk.access,
        TicketDraft(
            external_id="by e-mail",
            idempotency_key="by e-mail",
            subject="E-mail",
            requester_id=desk.link().requester_id or "",
            first_comment=Comment(Author.CONTACT, ("I wrote an e-mail",)),
            tags=(),
        ),
    )
    return opened.ticket_id


def test_poll_passes_over_a_ticket_that_cannot_be_read(world: World) -> None:
    desk = talking(world)
    desk.text("Does it come in green?", sender="+19075550123")
    world.settle()
    first, second = desk.links()
    world.helpdesk.agent_replies(second.ticket_id or "", "Hello second")
    world.helpdesk.fail_next(Permanent("fake", "forbidden", status=403))
    story = {"shop_id": desk.shop.id, "account_id": desk.account.id}
    with pytest.raises(Permanent):
        jobs.poll(world.ports, **story)
    jobs.poll(world.ports, **story)
    world.settle()
    assert replies(world) == ["Hello second"]
    assert first.id != second.id
