"""A buyer who waits does not stand behind bulk work, not even behind their own."""

from __future__ import annotations

import pytest

from app.foundation.errors import Permanent
from app.foundation.outbox import OutboxRow
from app.messaging import send as messaging_send
from app.relay import relay_once
from tests.factories.world import World
from tests.factories.zendesk import ZendeskAtHand, connected, talking

# The worker process that is kept free for waiting buyers; all others are busy.
KEPT_FREE = ("reply",)


def mirror_of_an_accepted_text_waits(world: World) -> ZendeskAtHand:
    """A check-in was accepted in a burst; the workers have not come to its mirror yet."""
    desk = connected(world)
    world.order()
    world.deliver()
    world.settle()
    world.clock.advance(hours=2, minutes=25)
    world.settle(queues=())
    [check_in] = world.texts(purpose="check_in")
    with world.db.shop(desk.shop.id) as somebody:  # is at the thread, perhaps to open its ticket
        somebody.sql("SELECT FROM conversations FOR UPDATE")
        messaging_send.send_texts(
            world.ports, shop_id=desk.shop.id, message_ids=[check_in.id], over=lambda ids: None
        )
    [waiting] = world.all(OutboxRow, OutboxRow.topic == "helpdesk.mirror")
    assert waiting.queue == "sync"
    return desk


@pytest.mark.parametrize("handed_out", [False, True])
def test_buyers_text_reaches_the_ticket_though_bulk_mirrors_are_not_worked(
    world: World, handed_out: bool
) -> None:
    desk = mirror_of_an_accepted_text_waits(world)
    if handed_out:  # it lies in Redis, behind thousands of others
        relay_once(world.db, world.redis)
    desk.text("The zip broke")
    world.settle(queues=KEPT_FREE)
    assert desk.said()[-1] == "The zip broke"
    assert len(desk.said()) == 2
    world.settle()
    assert len(desk.said()) == 2


def test_bulk_mirror_without_a_waiting_buyer_keeps_its_queue(world: World) -> None:
    mirror_of_an_accepted_text_waits(world)
    relay_once(world.db, world.redis)
    [waiting] = world.all(OutboxRow, OutboxRow.topic == "helpdesk.mirror")
    assert waiting.queue == "sync"


def test_buyers_text_does_not_wait_for_a_failure_note_that_is_refused(world: World) -> None:
    desk = talking(world)
    text = world.texts(purpose="check_in")[0]
    world.report(desk.shop, text, "undelivered", ErrorCode="30003")
    world.helpdesk.fail_next(Permanent("fake", "no", status=422))
    world.settle()
    assert world.scalar("SELECT count(*) FROM outbox WHERE error IS NOT NULL") == 1
    desk.text("still here")
    world.settle()
    assert desk.said()[-1] == "still here"
