"""Resolving on either side resolves the other, and neither side's news comes back to it."""

from __future__ import annotations

from typing import Any

import pytest

from app.conversations.holder import Changed, Unchanged
from app.conversations.models import Conversation
from app.conversations.reply import reply_as_agent
from app.conversations.resolve import reopen, resolve
from app.foundation.errors import Permanent, Temporary, Unknowable, VendorFailure
from app.helpdesk.follow_state import follow_ticket
from app.helpdesk.ports import TicketState
from tests.factories.world import World
from tests.factories.zendesk import ZendeskAtHand, connected, talking


class Counting:
    """The world's helpdesk; counts how often a state is set there."""

    def __init__(self, behind: Any) -> None:
        self._behind = behind
        self.states: list[TicketState] = []
        self.failure: VendorFailure | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._behind, name)

    def set_state(self, access: Any, ticket_id: str, state: TicketState) -> None:
        self.states.append(state)
        if self.failure is not None:
            raise self.failure
        self._behind.set_state(access, ticket_id, state)


def counting(world: World) -> Counting:
    helpdesks: Any = world.ports.helpdesks
    helpdesks["zendesk"] = Counting(helpdesks["zendesk"])
    counted: Counting = helpdesks["zendesk"]
    return counted


def act(world: World, use_case: Any) -> object:
    [thread] = world.all(Conversation)
    with world.db.shop(thread.shop_id) as session:
        outcome: object = use_case(
            session, now=world.clock.now(), conversation_id=thread.id, by="staff:42"
        )
    return outcome


def state(world: World, desk: ZendeskAtHand) -> tuple[str, str, TicketState]:
    """Of the thread, of the tie, of the ticket."""
    [thread] = world.all(Conversation)
    there = world.helpdesk.read_status(desk.access, desk.ticket_id).state
    return thread.state, desk.link().state, there


def follow(world: World, desk: ZendeskAtHand) -> None:
    follow_ticket(world.ports, shop_id=desk.shop.id, link_id=desk.link().id)


SOLVED = ("resolved", "solved", TicketState.SOLVED)
OPEN = ("open", "open", TicketState.OPEN)


def test_resolved_here_is_solved_there_and_opened_again(world: World) -> None:
    desk, calls = talking(world), counting(world)
    assert act(world, resolve) == Changed()
    world.settle()
    assert state(world, desk) == SOLVED
    assert act(world, resolve) == Unchanged()
    for _ in range(2):
        desk.tell_state("solved")
        world.settle()
    assert act(world, reopen) == Changed()
    world.settle()
    desk.tell_state("open")
    world.settle()
    assert state(world, desk) == OPEN
    assert calls.states == [TicketState.SOLVED, TicketState.OPEN]


def test_solved_there_is_resolved_here_and_nothing_is_sent_back(world: World) -> None:
    desk, calls = talking(world), counting(world)
    world.helpdesk.put_state(desk.ticket_id, TicketState.SOLVED)
    desk.tell_state("solved")
    world.settle()
    assert state(world, desk) == SOLVED
    assert act(world, resolve) == Unchanged()
    world.settle()
    assert calls.states == []


def test_resolving_hands_back_and_nobody_waits(world: World) -> None:
    talking(world)
    act(world, resolve)
    [thread] = world.all(Conversation)
    assert (thread.handled_by, thread.waiting_since) == ("assistant", None)


def test_solved_ticket_leaves_nobody_waiting(world: World) -> None:
    desk = talking(world)
    assert world.all(Conversation)[0].waiting_since is not None
    world.helpdesk.put_state(desk.ticket_id, TicketState.SOLVED)
    follow(world, desk)
    [thread] = world.all(Conversation)
    assert (thread.state, thread.waiting_since) == ("resolved", None)


def test_last_text_is_in_the_ticket_before_it_is_solved(world: World) -> None:
    desk = talking(world)
    desk.text("All good now, thank you!")
    act(world, resolve)
    world.settle()
    assert desk.said()[-1] == "All good now, thank you!"
    assert state(world, desk) == SOLVED


def test_text_that_comes_first_keeps_the_ticket_open(world: World) -> None:
    desk, calls = talking(world), counting(world)
    act(world, resolve)
    desk.text("Wait, one more thing")
    world.settle()
    assert state(world, desk) == OPEN
    assert calls.states == []
    assert desk.link().wanted_state is None


def test_text_after_it_opens_both(world: World) -> None:
    desk = talking(world)
    act(world, resolve)
    world.settle()
    desk.text("It broke again")
    world.settle()
    assert state(world, desk) == OPEN


def test_solved_ticket_resolves_no_thread_whose_text_is_on_its_way_there(world: World) -> None:
    desk = talking(world)
    world.helpdesk.put_state(desk.ticket_id, TicketState.SOLVED)
    desk.text("Wait, one more thing")
    follow_ticket(world.ports, shop_id=desk.shop.id, link_id=desk.link().id)
    assert state(world, desk) == ("open", "solved", TicketState.SOLVED)
    world.settle()
    assert state(world, desk) == OPEN


def test_agent_who_was_first_is_not_overruled(world: World) -> None:
    desk, calls = talking(world), counting(world)
    act(world, resolve)
    world.helpdesk.put_state(desk.ticket_id, TicketState.SOLVED)
    follow(world, desk)
    world.settle()
    assert state(world, desk) == SOLVED
    assert calls.states == []


def test_text_that_nobody_saw_who_solved_the_ticket_keeps_the_thread_open(world: World) -> None:
    desk = talking(world)
    world.helpdesk.put_state(desk.ticket_id, TicketState.SOLVED)
    desk.text("It broke again")
    follow(world, desk)
    assert state(world, desk) == ("open", "solved", TicketState.SOLVED)
    world.settle()
    assert state(world, desk) == OPEN


def test_text_that_nobody_saw_who_closed_the_ticket_keeps_the_thread_open(world: World) -> None:
    desk = talking(world)
    world.helpdesk.put_state(desk.ticket_id, TicketState.CLOSED)
    desk.text("It broke again")
    follow(world, desk)
    world.settle()
    assert [link.state for link in desk.links()] == ["closed", "open"]
    assert state(world, desk) == OPEN


def test_own_text_that_opens_the_ticket_does_not_undo_what_was_resolved_after_it(
    world: World,
) -> None:
    desk = talking(world)
    act(world, resolve)
    world.settle()
    desk.text("One more thing: thank you")
    act(world, resolve)
    world.helpdesk.put_state(desk.ticket_id, TicketState.OPEN)  # by the text, not settled yet
    follow(world, desk)
    world.settle()
    assert state(world, desk) == SOLVED
    assert desk.said()[-1] == "One more thing: thank you"


def test_reply_that_did_not_arrive_opens_the_solved_ticket_and_its_thread(world: World) -> None:
    desk = talking(world)
    desk.tell_comment(world.helpdesk.agent_replies(desk.ticket_id, "A new one is on its way."))
    world.settle()
    world.helpdesk.put_state(desk.ticket_id, TicketState.SOLVED)
    follow(world, desk)
    assert state(world, desk) == SOLVED
    world.report(desk.shop, world.texts(author="agent")[-1], "undelivered", ErrorCode="30007")
    world.settle()
    assert "did not reach" in desk.notes()[-1]
    assert state(world, desk) == OPEN


def test_text_whose_answer_was_lost_opens_the_tie_as_it_opened_the_ticket(world: World) -> None:
    desk = talking(world)
    act(world, resolve)
    world.settle()
    world.helpdesk.fail_next(Unknowable("fake", "the line broke"))
    desk.text("Thank you for the new one")
    world.settle()
    act(world, resolve)
    desk.let_intents_age()
    world.settle()
    assert state(world, desk) == SOLVED
    assert desk.said()[-1] == "Thank you for the new one"


def test_last_word_of_an_agent_on_our_side_leaves_the_matter_done(world: World) -> None:
    desk = talking(world)
    act(world, resolve)
    world.settle()
    [thread] = world.all(Conversation)
    with world.db.shop(thread.shop_id) as session:
        reply_as_agent(
            session,
            now=world.clock.now(),
            conversation_id=thread.id,
            body="The refund is done.",
            agent_name="Noor",
            key="desk:1",
        )
    world.settle()
    assert state(world, desk) == SOLVED
    assert world.sent()[-1] == "The refund is done."


def test_helpdesk_that_is_down_hears_of_it_later(world: World) -> None:
    desk, calls = talking(world), counting(world)
    calls.failure = Temporary("fake", "down")
    act(world, resolve)
    world.settle()
    assert state(world, desk) == ("resolved", "open", TicketState.OPEN)
    calls.failure = None
    world.settle(patient=True)
    assert state(world, desk) == SOLVED


def test_state_that_the_helpdesk_refuses_is_not_asked_for_for_ever(world: World) -> None:
    desk, calls = talking(world), counting(world)
    calls.failure = Permanent("fake", "a field that solving needs is empty", status=422)
    act(world, resolve)
    world.settle(patient=True)
    assert state(world, desk) == ("resolved", "open", TicketState.OPEN)
    assert calls.states == [TicketState.SOLVED]
    assert desk.link().wanted_state is None
    assert world.scalar("SELECT count(*) FROM outbox") == 0


@pytest.mark.parametrize("gone", [True, False])
def test_ticket_that_ended_meanwhile_ends_the_tie(world: World, gone: bool) -> None:
    desk = talking(world)
    if gone:
        world.helpdesk.delete(desk.ticket_id)
    else:
        world.helpdesk.put_state(desk.ticket_id, TicketState.CLOSED)
    act(world, resolve)
    world.settle()
    assert desk.link().state == ("gone" if gone else "closed")


def test_without_a_ticket_there_is_nothing_to_tell(world: World) -> None:
    desk = connected(world)
    world.checked_in(desk.shop)
    act(world, resolve)
    world.settle()
    assert desk.links() == []
    assert world.scalar("SELECT count(*) FROM outbox") == 0
