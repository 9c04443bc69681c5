"""Who holds a thread: a human takes it by answering, and gives it back by tag, note or solving."""

from __future__ import annotations

from typing import Any

import pytest

from app.conversations.hand_back import hand_back
from app.conversations.holder import Changed, Unchanged
from app.conversations.models import Conversation
from app.conversations.take_over import take_over
from app.foundation.errors import Temporary
from app.helpdesk import jobs
from app.helpdesk.ports import TicketState
from tests.factories.world import World
from tests.factories.zendesk import ZendeskAtHand, talking

ON, OFF = "doorstep-ai-on", "doorstep-ai-off"


def thread(world: World) -> Conversation:
    [conversation] = world.all(Conversation)
    assert isinstance(conversation, Conversation)
    return conversation


def with_the_assistant(world: World) -> ZendeskAtHand:
    desk = talking(world)
    change(world, hand_back)
    assert thread(world).handled_by == "assistant"
    return desk


def change(world: World, use_case: Any) -> object:
    one = thread(world)
    with world.db.shop(one.shop_id) as session:
        outcome: object = use_case(
            session, now=world.clock.now(), conversation_id=one.id, by="staff:42"
        )
    return outcome


def note(world: World, desk: ZendeskAtHand, words: str, *, public: bool = False) -> None:
    desk.tell_comment(world.helpdesk.agent_replies(desk.ticket_id, words, public=public))
    world.settle()


def test_public_reply_takes_the_thread_over(world: World) -> None:
    desk = with_the_assistant(world)
    turn = thread(world).turn
    note(world, desk, "I'll look into it", public=True)
    assert thread(world).handled_by == "agent"
    assert thread(world).turn > turn  # what the assistant was writing is dropped
    assert thread(world).raised_at == world.clock.now()


def test_takeover_that_was_handed_back_meanwhile_still_ends_the_turn(world: World) -> None:
    with_the_assistant(world)
    turn = thread(world).turn
    assert change(world, take_over) == Changed()
    assert change(world, take_over) == Unchanged()
    assert change(world, hand_back) == Changed()
    assert change(world, hand_back) == Unchanged()
    assert thread(world).handled_by == "assistant"
    assert thread(world).turn == turn + 2


def test_text_right_after_a_change_of_hands_begins_a_turn(world: World) -> None:
    desk = with_the_assistant(world)
    desk.text("one")
    turn = thread(world).turn
    desk.text("two")
    assert thread(world).turn == turn
    change(world, take_over)
    desk.text("three")
    assert thread(world).turn == turn + 2
    assert [m.turn for m in world.texts(direction="in")][-3:] == [turn, turn, turn + 2]


def test_reply_that_is_heard_again_takes_nothing_back(world: World) -> None:
    desk = talking(world)
    comment = world.helpdesk.agent_replies(desk.ticket_id, "On its way")
    desk.tell_comment(comment)
    world.settle()
    change(world, hand_back)
    world.execute("UPDATE ticket_links SET read_to = NULL")
    jobs.import_reply(
        world.ports, shop_id=desk.shop.id, link_id=desk.link().id, comment_id=comment.comment_id
    )
    assert thread(world).handled_by == "assistant"
    assert len(world.texts(author="agent")) == 1


@pytest.mark.parametrize("public", [False, True])
def test_command_in_a_comment_is_obeyed_and_never_texted(world: World, public: bool) -> None:
    desk = with_the_assistant(world)
    texts = world.sent()
    note(world, desk, "#assistant off", public=public)
    assert thread(world).handled_by == "agent"
    note(world, desk, "#assistant on", public=public)
    assert thread(world).handled_by == "assistant"
    assert world.sent() == texts
    assert not [said for said in desk.notes() if "not sent" in said]


def test_reply_with_a_command_is_texted_without_it_and_hands_back(world: World) -> None:
    desk = talking(world)
    note(world, desk, "#assistant on\nA new zip is on its way.", public=True)
    assert world.sent()[-1] == "A new zip is on its way."
    assert thread(world).handled_by == "assistant"


def test_reply_that_is_heard_again_hands_back_no_second_time(world: World) -> None:
    desk = talking(world)
    before = desk.link().read_to
    note(world, desk, "#assistant on\nA new zip is on its way.", public=True)
    change(world, take_over)
    # Whoever heard it was killed before it was marked as read.
    world.execute("UPDATE ticket_links SET read_to = :before, polled_at = NULL", before=before)
    jobs.poll(world.ports, shop_id=desk.shop.id, account_id=desk.account.id)
    world.settle()
    assert world.sent()[-1] == "A new zip is on its way."
    assert thread(world).handled_by == "agent"


def test_buyers_own_words_command_nothing(world: World) -> None:
    desk = with_the_assistant(world)
    desk.text("#assistant off")
    world.settle()
    jobs.poll(world.ports, shop_id=desk.shop.id, account_id=desk.account.id)
    world.settle()
    assert thread(world).handled_by == "assistant"


def test_tag_hands_over_is_taken_off_and_works_again(world: World) -> None:
    desk = talking(world)
    for _ in range(2):
        world.helpdesk.put_tag(desk.ticket_id, ON)
        desk.tell("tags_changed", {"tags_added": [ON]})
        world.settle()
        assert thread(world).handled_by == "assistant"
        assert ON not in world.helpdesk.tags_of(desk.ticket_id)
        note(world, desk, "One more thing", public=True)
        assert thread(world).handled_by == "agent"


def test_tag_that_could_not_be_taken_off_is_obeyed_once(world: World) -> None:
    desk = talking(world)
    world.helpdesk.put_tag(desk.ticket_id, ON)
    failing(world, "remove_tag")
    with pytest.raises(Temporary):
        jobs.poll(world.ports, shop_id=desk.shop.id, account_id=desk.account.id)
    assert thread(world).handled_by == "assistant"
    change(world, take_over)
    world.clock.advance(minutes=3)
    working(world)
    jobs.poll(world.ports, shop_id=desk.shop.id, account_id=desk.account.id)
    assert thread(world).handled_by == "agent"
    assert ON not in world.helpdesk.tags_of(desk.ticket_id)


def test_lost_news_of_a_tag_is_made_good_by_the_poll(world: World) -> None:
    desk = with_the_assistant(world)
    world.helpdesk.put_tag(desk.ticket_id, OFF)
    jobs.poll(world.ports, shop_id=desk.shop.id, account_id=desk.account.id)
    assert thread(world).handled_by == "agent"


@pytest.mark.parametrize("state", [TicketState.SOLVED, TicketState.CLOSED])
def test_solved_ticket_hands_back_and_calms_the_alarm(world: World, state: TicketState) -> None:
    desk = talking(world)
    note(world, desk, "I'm here for you", public=True)
    world.execute("UPDATE conversations SET urgent_at = now()")
    world.helpdesk.put_state(desk.ticket_id, state)
    desk.tell_state(state.value)
    world.settle()
    assert thread(world).handled_by == "assistant"
    assert (thread(world).raised_at, thread(world).urgent_at) == (None, None)


class Failing:
    def __init__(self, behind: object, name: str) -> None:
        self.behind, self._name = behind, name

    def __getattr__(self, name: str) -> object:
        if name == self._name:
            raise Temporary("fake", "down")
        return getattr(self.behind, name)


def failing(world: World, call: str) -> None:
    helpdesks: Any = world.ports.helpdesks
    helpdesks["zendesk"] = Failing(helpdesks["zendesk"], call)


def working(world: World) -> None:
    helpdesks: Any = world.ports.helpdesks
    helpdesks["zendesk"] = helpdesks["zendesk"].behind
