"""A buyer asks for a person: they hear honestly when, agents get a brief, lateness is told."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from app.conversations.break_promise import NotDue, break_promise
from app.conversations.hand_back import hand_back
from app.conversations.models import Conversation, Promise
from app.conversations.save_hours import save_hours
from app.foundation.errors import Refused
from app.helpdesk.ports import Priority, Routing, TicketState
from tests.factories.photos import jpeg_with_place
from tests.factories.world import NOON, ShopAtHand, World
from tests.factories.zendesk import ZendeskAtHand, talking
from tests.features.test_helpdesk_mirror import photo_of

# The shop is in New York: 14:00 there at NOON, 11:00 in Portland, where the buyer is.
OFFICE = {"mon_fri": "08:00-18:00"}
NIGHT = datetime(2026, 11, 20, 0, 30, tzinfo=UTC)  # 19:30 in New York, 16:30 in Portland


def open_at(world: World, shop: ShopAtHand, hours: Any = OFFICE, **more: Any) -> None:
    with world.db.shop(shop.id) as session:
        changes = {"agent_hours": hours, **more}
        save_hours(session, now=world.clock.now(), shop_id=shop.id, actor="test", changes=changes)


def asking(world: World, *, at: datetime | None = None) -> ZendeskAtHand:
    desk = talking(world)
    open_at(world, desk.shop)
    if at is not None:
        world.clock.move(at)
    desk.text("Can I talk to a person?")
    world.settle(patient=True)
    return desk


def promises(world: World) -> list[tuple[str, datetime]]:
    return [(one.state, one.due_at) for one in world.all(Promise)]


def answer(world: World, desk: ZendeskAtHand) -> None:
    desk.tell_comment(world.helpdesk.agent_replies(desk.ticket_id, "Hi, this is Priya!"))
    world.settle()


def late(world: World, minutes: int = 11) -> None:
    world.clock.advance(minutes=minutes)
    world.duty("promises")
    world.settle(patient=True)


def priority(world: World, desk: ZendeskAtHand) -> Priority | None:
    return world.helpdesk.read_status(desk.access, desk.ticket_id).priority


def test_in_hours_it_is_minutes_and_the_thread_is_a_humans(world: World) -> None:
    asking(world)
    assert world.sent()[-1] == "A person answers within 10 minutes."
    [(state, due_at)] = promises(world)
    assert (state, (due_at - world.clock.now()).total_seconds()) == ("open", 600)
    [thread] = world.all(Conversation)
    assert thread.handled_by == "agent" and thread.raised_at is not None
    assert thread.waiting_since is not None  # an expectation is no answer


def test_at_night_it_is_tomorrow_by_the_buyers_clock(world: World) -> None:
    asking(world, at=NIGHT)
    assert world.sent()[-1] == "A person answers at 5am tomorrow (your time)."
    assert promises(world) == [("open", datetime(2026, 11, 20, 13, 10, tzinfo=UTC))]


def test_asked_in_spanish_it_is_said_in_spanish(world: World) -> None:
    desk = talking(world)
    open_at(world, desk.shop)
    desk.text("Quiero hablar con una persona")
    world.settle()
    assert world.sent()[-1] == "Una persona te responderá en 10 minutos."


def test_shop_without_hours_promises_nothing_and_says_it_once_a_day(world: World) -> None:
    desk = talking(world)
    for _ in range(2):
        desk.text("agent")
        world.settle()
    assert world.sent()[1:] == ["A person reads this and answers here."]
    assert promises(world) == []


def test_asked_again_nothing_is_said_twice(world: World) -> None:
    desk = asking(world)
    notes = len(desk.notes())
    for said in ("agent", "AGENT!!", "human please"):
        desk.text(said)
        world.settle()
    assert len(promises(world)) == 1
    assert len(world.sent()) == 2
    assert len(desk.notes()) == notes


def test_asked_again_after_an_answer_it_is_another_promise(world: World) -> None:
    desk = asking(world)
    answer(world, desk)
    desk.text("can I speak to someone else")
    world.settle()
    assert [state for state, _ in promises(world)] == ["kept", "open"]


def test_brief_says_what_a_person_must_know(world: World) -> None:
    desk = talking(world)
    open_at(world, desk.shop)
    desk.text("I want the next size up", photos=[photo_of(world, jpeg_with_place())])
    world.settle(patient=True)
    desk.text("Can I talk to a person?")
    world.settle(patient=True)
    brief = desk.notes()[-1]
    assert "Handed to a person: the buyer asks for one." in brief
    assert "“The zip broke / I want the next size up / Can I talk to a person?”" in brief
    assert "Tried: check-in of 19 Nov 2026, 16:25 EST" in brief
    assert "Order #5001: 1 × Trail Runner Jacket (M / Pine)" in brief
    assert "Photo: 1" in brief
    assert "Promised: an answer by 19 Nov 2026, 16:35 EST." in brief
    assert "They were told: “A person answers within 10 minutes.”" in brief
    assert brief not in desk.said()


def test_help_is_answered_as_carriers_want_and_is_a_humans(world: World) -> None:
    desk = talking(world)
    open_at(world, desk.shop)
    desk.text("HELP")
    world.settle(patient=True)
    assert len(world.sent()) == 2 and "order care" in world.sent()[-1]
    assert world.all(Conversation)[0].raised_at is not None
    assert promises(world) == []
    assert "the buyer texted HELP" in desk.notes()[-1]


def test_why_is_answered_and_the_person_comes_without_a_second_text(world: World) -> None:
    desk = talking(world)
    desk.text("Why are you texting me? Can I talk to a person?")
    world.settle()
    assert len(world.sent()) == 2
    assert world.all(Conversation)[0].raised_at is not None


def test_who_opted_out_is_promised_nothing(world: World) -> None:
    desk = talking(world)
    open_at(world, desk.shop)
    desk.text("STOP")
    desk.text("agent")
    world.settle(patient=True)
    assert promises(world) == []
    assert "A person answers" not in " ".join(world.sent())
    assert "Promised: nothing" in desk.notes()[-1]


# --- Kept


def test_agents_answer_keeps_it(world: World) -> None:
    desk = asking(world)
    answer(world, desk)
    assert promises(world)[0][0] == "kept"
    late(world)
    assert promises(world)[0][0] == "kept"
    assert world.sent()[-1] == "Hi, this is Priya!"


@pytest.mark.parametrize("how", ["solved", "handed back"])
def test_what_a_human_has_dealt_with_is_kept(world: World, how: str) -> None:
    desk = asking(world)
    if how == "solved":
        world.helpdesk.put_state(desk.ticket_id, TicketState.SOLVED)
        desk.tell_state("solved")
        world.settle()
    else:
        with world.db.shop(desk.shop.id) as session:
            hand_back(
                session,
                now=world.clock.now(),
                conversation_id=world.all(Conversation)[0].id,
                by="staff:42",
            )
    late(world)
    assert [state for state, _ in promises(world)] == ["kept"]
    assert len(world.sent()) == 2


# --- Broken


def test_late_answer_is_apologised_for_once_and_the_agents_hear_of_it(world: World) -> None:
    desk = asking(world)
    late(world, minutes=9)
    assert len(world.sent()) == 2
    late(world, minutes=1)
    sorry = "We're sorry: nobody has answered you yet. A person answers within an hour."
    assert world.sent()[2:] == [sorry]
    assert [state for state, _ in promises(world)] == ["broken", "open"]
    assert priority(world, desk) is Priority.HIGH
    assert "doorstep_promise_broken" in world.helpdesk.tags_of(desk.ticket_id)
    assert "Nobody has answered by" in desk.notes()[-1]
    assert "promised 19 Nov 2026, 17:35 EST instead" in desk.notes()[-1]
    notes = len(desk.notes())
    late(world, minutes=59)
    assert len(desk.notes()) == notes
    for _ in range(3):
        late(world, minutes=30)
    assert world.sent()[2:] == [sorry]
    assert [state for state, _ in promises(world)] == ["broken", "broken"]
    assert len(desk.notes()) == notes + 1


def test_answer_after_the_apology_keeps_the_new_promise(world: World) -> None:
    desk = asking(world)
    late(world)
    answer(world, desk)
    assert [state for state, _ in promises(world)] == ["broken", "kept"]


def test_two_tickers_break_it_once(world: World) -> None:
    desk = asking(world)
    world.clock.advance(minutes=11)
    [promise] = world.all(Promise)
    world.duty("promises")
    with world.db.shop(desk.shop.id) as session:
        again = break_promise(session, now=world.clock.now(), promise_id=promise.id)
    assert again == NotDue()
    world.settle()
    assert len(world.sent()) == 3


def test_whoever_opted_out_meanwhile_is_promised_nothing_any_more(world: World) -> None:
    desk = asking(world)
    desk.text("STOP")
    world.settle()
    assert [state for state, _ in promises(world)] == ["released"]
    sent, notes = world.sent(), desk.notes()
    late(world)
    assert (world.sent(), desk.notes()) == (sent, notes)
    assert [state for state, _ in promises(world)] == ["released"]


def test_apology_keeps_to_the_hours_of_the_law_after_a_day(world: World) -> None:
    desk = talking(world)
    open_at(world, desk.shop, {"sat": "00:30-01:00"})
    desk.text("agent")
    world.settle()
    sent = world.sent()
    world.clock.move(datetime(2026, 11, 21, 6, 0, tzinfo=UTC))  # Friday, 22:00 in Portland
    late(world)
    assert [state for state, _ in promises(world)] == ["broken"]
    assert world.sent() == sent
    assert priority(world, desk) is Priority.HIGH


def test_priority_is_never_lowered(world: World) -> None:
    desk = asking(world)
    world.helpdesk.route_ticket(desk.access, desk.ticket_id, Routing(priority=Priority.URGENT))
    late(world)
    assert priority(world, desk) is Priority.URGENT


def test_broken_promise_of_a_shop_without_helpdesk_is_apologised_for_too(world: World) -> None:
    shop = world.shop()
    world.checked_in(shop)
    open_at(world, shop)
    world.text(shop, "agent", sid="SM" + "9" * 32)
    world.settle()
    late(world)
    assert world.sent()[-1].startswith("We're sorry")
    assert world.scalar("SELECT count(*) FROM outbox") == 0


# --- Hours


@pytest.mark.parametrize(
    "changes",
    [
        {"agent_hours": {"mon_fri": "9-5"}},
        {"agent_hours": {"someday": "09:00-17:00"}},
        {"agent_hours": {}},
        {"agent_hours": "09:00-17:00"},
        {"agent_hours": {"mon": 9}},
        {"agent_closed_days": ["Christmas"]},
        {"agent_closed_days": "2026-12-25"},
        {"agent_closed_days": [None]},
    ],
)
def test_hours_that_are_none_are_refused_when_they_are_saved(world: World, changes: Any) -> None:
    shop = world.shop()
    with pytest.raises(Refused, match="must"), world.db.shop(shop.id) as session:
        save_hours(session, now=NOON, shop_id=shop.id, actor="test", changes=changes)


def test_closed_day_is_passed_over(world: World) -> None:
    desk = talking(world)
    open_at(world, desk.shop, agent_closed_days=["2026-11-20"])
    world.clock.move(NIGHT)
    desk.text("agent")
    world.settle()
    assert world.sent()[-1] == "A person answers at 5am on Monday (your time)."
