"""Two at one ticket in the same moment: what each writes stands there once, and nothing is torn."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest

from app.foundation.outbox import Postponed
from app.helpdesk import jobs
from app.helpdesk.catch_up import catch_up
from app.helpdesk.locks import lock_thread
from app.helpdesk.models import TicketWrite
from tests.factories.world import World
from tests.factories.zendesk import around_comments, talking


def test_two_workers_at_once_write_once(world: World) -> None:
    desk = talking(world)
    conversation_id = desk.link().conversation_id
    desk.text("hello?")

    seen: list[str] = []

    def second_worker() -> None:
        with pytest.raises(Postponed):
            jobs.mirror(world.ports, shop_id=desk.shop.id, conversation_id=conversation_id)
        seen.append("second")

    around_comments(world, before=second_worker)
    world.settle()
    assert seen == ["second"]
    assert desk.said().count("hello?") == 1


def test_text_that_joins_during_the_call_is_written_by_its_own_job(world: World) -> None:
    desk = talking(world)
    writes: list[str] = []

    def another_text() -> None:
        if not writes:
            desk.text("and the box was wet")
        writes.append("comment")

    around_comments(world, before=another_text)
    desk.text("hello?")
    world.settle()
    assert desk.said()[-2:] == ["hello?", "and the box was wet"]
    assert writes == ["comment", "comment"]


def test_write_is_not_settled_while_somebody_plans(world: World) -> None:
    """Who plans reads the thread and its ticket in two looks, and must not see half of it."""
    desk = talking(world)
    conversation_id = desk.link().conversation_id
    desk.text("hello?")
    may_plan_on, asked = Event(), Event()

    def plan_begins() -> None:
        planner.submit(plan)
        asked.wait(10)

    def plan() -> None:
        with world.db.shop(desk.shop.id) as session:
            lock_thread(session, conversation_id)
            asked.set()
            may_plan_on.wait(4)

    def unsettled() -> int:
        return len(world.all(TicketWrite, TicketWrite.state == "intent"))

    around_comments(world, after=plan_begins)
    with ThreadPoolExecutor(2) as planner:
        working = planner.submit(
            jobs.mirror, world.ports, shop_id=desk.shop.id, conversation_id=conversation_id
        )
        assert asked.wait(10)
        time.sleep(0.3)
        assert unsettled() == 1
        may_plan_on.set()
        working.result()
    assert unsettled() == 0


def test_mark_stands_at_the_last_text_as_soon_as_it_is_written(world: World) -> None:
    """So that the poll does not take the thread for one that is behind."""
    desk = talking(world)
    assert desk.link().mirrored_to == max(text.id for text in world.texts())
    desk.text("hello?")
    world.settle()
    assert desk.link().mirrored_to == max(text.id for text in world.texts())
    with world.db.shop(desk.shop.id) as session:
        account = session.merge(desk.account, load=False)
        assert catch_up(session, account=account, until=world.clock.now()) == 0
