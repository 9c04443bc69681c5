"""A buyer who asks for no more texts in the ticket itself is heard as if they had texted STOP."""

from __future__ import annotations

import pytest

from app.consent.models import ConsentEvent
from app.helpdesk import jobs
from app.helpdesk.ports import Author, Comment
from tests.factories.world import World
from tests.factories.zendesk import ZendeskAtHand, talking


def by_mail(world: World, desk: ZendeskAtHand, text: str, *, public: bool = True) -> None:
    """The buyer answers the helpdesk's e-mail; the next poll reads it."""
    world.helpdesk.add_comment(
        desk.access,
        desk.ticket_id,
        Comment(Author.CONTACT, tuple(text.split("\n\n")), public=public),
        requester_id=desk.link().requester_id or "",
    )
    poll(world, desk)


def poll(world: World, desk: ZendeskAtHand) -> None:
    jobs.poll(world.ports, shop_id=desk.shop.id, account_id=desk.account.id)
    world.settle()


def revocations(world: World) -> list[ConsentEvent]:
    return world.all(ConsentEvent, ConsentEvent.action == "revoked")


def test_request_by_mail_ends_texts_and_the_agents_are_told(world: World) -> None:
    desk = talking(world)
    by_mail(world, desk, "Please stop texting me.")
    [row] = revocations(world)
    assert (row.source, row.purpose) == ("helpdesk", "all")
    assert world.contact().opted_out_at == world.clock.now()
    assert "we text them no more" in desk.notes()[-1]
    before = len(world.sent())
    comment = world.helpdesk.agent_replies(desk.ticket_id, "It ships today.")
    desk.tell_comment(comment)
    world.settle()
    assert len(world.sent()) == before


def test_request_read_again_is_one_row_and_one_note(world: World) -> None:
    desk = talking(world)
    by_mail(world, desk, "Please stop texting me.")
    world.execute("UPDATE ticket_links SET read_to = NULL, polled_at = NULL")
    poll(world, desk)
    assert len(revocations(world)) == 1
    assert sum("we text them no more" in said for said in desk.notes()) == 1


@pytest.mark.parametrize(
    "text",
    [
        "Thanks, that helped!",
        "Please stop by the warehouse and look again.",
        "OK\n\nOn Fri, Nov 20, 2026 Acme Outfitters wrote:\n\n> Reply STOP to opt out.",
    ],
)
def test_other_mail_of_the_buyer_changes_nothing(world: World, text: str) -> None:
    desk = talking(world)
    by_mail(world, desk, text)
    assert revocations(world) == []
    assert world.contact().opted_out_at is None


def test_text_that_we_mirrored_is_not_heard_a_second_time(world: World) -> None:
    """The buyer came back meanwhile: the copy of their STOP in the ticket is old news."""
    desk = talking(world)
    desk.text("please stop texting me")
    world.settle()
    desk.text("START")
    world.settle()
    world.execute("UPDATE ticket_links SET read_to = NULL, polled_at = NULL")
    poll(world, desk)
    assert world.contact().opted_out_at is None
    assert [row.source for row in revocations(world)] == ["text"]
