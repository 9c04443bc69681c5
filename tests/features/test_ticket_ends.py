"""What agents wrote shortly before a ticket ended, or was merged, reaches the buyer all the same,
though the news of it was lost."""

from __future__ import annotations

from app.conversations.models import Conversation
from app.helpdesk import jobs
from app.helpdesk.ports import Author, Comment, TicketDraft, TicketState
from tests.factories.world import World
from tests.factories.zendesk import ZendeskAtHand, talking


def replies(world: World) -> list[str]:
    """Texts to the buyer, but for the check-in."""
    return world.sent()[1:]


def other_ticket(world: World, desk: ZendeskAtHand) -> str:
    comment = Comment(Author.AGENT, ("By e-mail",))
    draft = TicketDraft("by-mail", "by-mail", "Other", "requester-9", comment, ())
    return world.helpdesk.open_ticket(desk.access, draft).ticket_id


def test_reply_just_before_a_merge_is_texted_though_nobody_told_of_it(world: World) -> None:
    desk = talking(world)
    source, target = desk.ticket_id, other_ticket(world, desk)
    world.helpdesk.agent_replies(source, "A new one is on its way.")
    world.helpdesk.merge(source, target)
    desk.tell("merged", {"target_ticket_id": target}, ticket_id=source)
    world.settle()
    assert desk.ticket_id == target
    assert replies(world) == ["A new one is on its way."]


def test_reply_just_after_a_merge_is_texted_though_the_news_of_the_merge_is_late(
    world: World,
) -> None:
    desk = talking(world)
    source, target = desk.ticket_id, other_ticket(world, desk)
    world.helpdesk.agent_replies(target, "meant for an e-mail")
    world.helpdesk.merge(source, target)
    reply = world.helpdesk.agent_replies(target, "A new one is on its way.")
    desk.tell_comment(reply, ticket_id=target)
    world.settle()
    desk.tell("merged", {"target_ticket_id": target}, ticket_id=source)
    world.settle()
    world.clock.advance(hours=2)
    world.duty("helpdesk_polls")
    world.settle()
    assert replies(world) == ["A new one is on its way."]


def test_reply_just_before_a_ticket_was_closed_is_texted_though_nobody_told_of_it(
    world: World,
) -> None:
    desk = talking(world)
    world.helpdesk.agent_replies(desk.ticket_id, "A new one is on its way.")
    world.helpdesk.put_state(desk.ticket_id, TicketState.CLOSED)
    desk.tell_state("closed")
    world.settle()
    assert desk.link().state == "closed"
    assert replies(world) == ["A new one is on its way."]


def test_late_reply_resolves_no_thread_in_which_the_buyer_has_written_since(world: World) -> None:
    desk = talking(world)
    world.helpdesk.put_state(desk.ticket_id, TicketState.SOLVED)
    desk.tell_state("solved")
    world.settle()
    reply = world.helpdesk.agent_replies(desk.ticket_id, "A new one is on its way.")
    desk.text("Wait, it broke again")
    world.execute("UPDATE outbox SET available_at = now() + interval '1 hour'")
    desk.tell_comment(reply)
    world.settle()
    world.execute("UPDATE outbox SET available_at = now()")
    world.settle()
    assert replies(world) == ["A new one is on its way."]
    assert world.all(Conversation)[0].state == desk.link().state == "open"


def test_ticket_that_ends_while_it_is_written_to_holds_up_no_other(world: World) -> None:
    desk = talking(world)
    desk.text("And I?", sender="+12065550177")
    world.settle()
    first, second = desk.links()
    assert first.ticket_id is not None and second.ticket_id is not None
    world.execute(
        "INSERT INTO ticket_writes (shop_id, link_id, body_hash) VALUES (:shop, :link, 'x')",
        shop=desk.shop.id,
        link=first.id,
    )
    said = Comment(Author.SYSTEM, ("Ours, or the admin's?",))
    world.helpdesk.add_comment(desk.access, first.ticket_id, said, requester_id="0")
    world.helpdesk.put_state(first.ticket_id, TicketState.CLOSED)
    world.helpdesk.agent_replies(second.ticket_id, "Here I am.")
    world.execute("UPDATE ticket_links SET polled_at = NULL")
    jobs.poll(world.ports, shop_id=desk.shop.id, account_id=desk.account.id)
    world.settle()
    assert world.sent()[-1] == "Here I am."
    assert [link.state for link in desk.links()] == ["open", "open"]
