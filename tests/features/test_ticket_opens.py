"""When a ticket opens is the shop's choice: first text, hand-off or arrival."""

from __future__ import annotations

import pytest

from app.conversations.take_over import take_over
from app.foundation.errors import Refused
from app.helpdesk import jobs
from app.helpdesk.ports import TicketState
from app.shops.configure import save_preferences
from tests.factories.world import World
from tests.factories.zendesk import ZendeskAtHand, connected


def choosing(world: World, when: str) -> ZendeskAtHand:
    desk = connected(world)
    # Directly: the hand-off is not to be chosen yet, see `shops.configure`.
    world.execute("UPDATE shop_preferences SET ticket_opens = :when", when=when)
    return desk


def step_in(world: World, desk: ZendeskAtHand) -> None:
    thread_id = world.scalar("SELECT id FROM conversations")
    with world.db.shop(desk.shop.id) as session:
        take_over(session, now=world.clock.now(), conversation_id=thread_id, by="staff:42")
    world.settle()


def poll(world: World, desk: ZendeskAtHand) -> None:
    world.clock.advance(minutes=20)
    jobs.poll(world.ports, shop_id=desk.shop.id, account_id=desk.account.id)
    world.settle()


def test_at_the_handoff_all_earlier_texts_come_in_order(world: World) -> None:
    desk = choosing(world, "handoff")
    opener = world.checked_in(desk.shop)
    desk.text("It came, thanks")
    world.settle()
    desk.text("But the zip is stiff")
    world.settle()
    poll(world, desk)
    assert desk.links() == []
    step_in(world, desk)
    assert desk.said() == [
        f"Doorstep:\n\n{opener.body}",
        "It came, thanks\n\nBut the zip is stiff",
    ]
    desk.text("Hello?")
    world.settle()
    assert desk.said()[-1] == "Hello?"


def test_at_the_handoff_danger_is_one(world: World) -> None:
    desk = choosing(world, "handoff")
    world.checked_in(desk.shop)
    desk.text("I want to kill myself")
    world.settle(patient=True)  # the flag may find the mirror at work, and waits for it
    assert "I want to kill myself" in desk.said()
    assert "doorstep_urgent" in world.helpdesk.tags_of(desk.ticket_id)


def test_after_it_was_closed_the_next_handoff_brings_the_next_ticket(world: World) -> None:
    desk = choosing(world, "handoff")
    world.checked_in(desk.shop)
    desk.text("The zip broke")
    world.settle()
    step_in(world, desk)
    first = desk.ticket_id
    world.helpdesk.put_state(first, TicketState.CLOSED)
    desk.tell_state("closed")
    world.settle()
    desk.text("Thanks again!")
    world.settle()
    poll(world, desk)
    assert len(desk.links()) == 1
    step_in(world, desk)
    assert desk.ticket_id != first
    assert desk.said() == ["Thanks again!"]


def test_handoff_that_found_the_helpdesk_disconnected_is_caught_up(world: World) -> None:
    desk = choosing(world, "handoff")
    world.checked_in(desk.shop)
    desk.text("The zip broke")
    world.settle()
    world.execute("UPDATE helpdesk_accounts SET state = 'disconnected'")
    step_in(world, desk)
    assert desk.links() == []
    world.execute("UPDATE helpdesk_accounts SET state = 'connected'")
    poll(world, desk)
    assert desk.said()[-1] == "The zip broke"


def test_at_the_arrival_the_check_in_opens_it(world: World) -> None:
    desk = choosing(world, "arrival")
    opener = world.checked_in(desk.shop)
    assert desk.said() == [f"Doorstep:\n\n{opener.body}"]
    assert len(desk.notes()) == 1
    desk.text("The zip broke")
    world.settle()
    assert desk.said()[1:] == ["The zip broke"]


def test_at_the_arrival_a_check_in_that_met_no_helpdesk_is_caught_up(world: World) -> None:
    desk = choosing(world, "arrival")
    world.execute("UPDATE helpdesk_accounts SET state = 'disconnected'")
    world.checked_in(desk.shop)
    assert desk.links() == []
    world.execute("UPDATE helpdesk_accounts SET state = 'connected'")
    poll(world, desk)
    assert len(desk.said()) == 1


@pytest.mark.parametrize(
    ("word", "why"),
    [
        ("never", "must be one of first_text, handoff, arrival"),
        ("handoff", "before there is an assistant"),
    ],
)
def test_another_word_is_refused(world: World, word: str, why: str) -> None:
    shop = world.shop()
    with world.db.shop(shop.id) as session, pytest.raises(Refused, match=why):
        save_preferences(
            session,
            now=world.clock.now(),
            shop_id=shop.id,
            actor="test",
            changes={"ticket_opens": word},
        )
