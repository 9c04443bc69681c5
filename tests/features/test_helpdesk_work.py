"""How much work a text of ours leaves the helpdesk: none, while there is no ticket."""

from __future__ import annotations

from app.messaging import send as messaging_send
from tests.factories.world import World
from tests.factories.zendesk import ZendeskAtHand, connected


def test_check_in_that_nobody_has_answered_leaves_the_helpdesk_no_work(world: World) -> None:
    desk = queued_check_in(world)
    [check_in] = world.texts(purpose="check_in")
    messaging_send.send_texts(
        world.ports, shop_id=desk.shop.id, message_ids=[check_in.id], over=lambda ids: None
    )
    assert mirrors_put_off(world) == 0


def test_check_in_accepted_while_somebody_is_at_its_thread_is_mirrored_after_them(
    world: World,
) -> None:
    desk = queued_check_in(world)
    [check_in] = world.texts(purpose="check_in")
    with world.db.shop(desk.shop.id) as somebody:
        somebody.sql("SELECT FROM conversations FOR UPDATE")
        messaging_send.send_texts(
            world.ports, shop_id=desk.shop.id, message_ids=[check_in.id], over=lambda ids: None
        )
    assert mirrors_put_off(world) == 1


def queued_check_in(world: World) -> ZendeskAtHand:
    desk = connected(world)
    world.order()
    world.deliver()
    world.settle()
    world.clock.advance(hours=2, minutes=25)
    world.settle(queues=())
    return desk


def mirrors_put_off(world: World) -> int:
    return int(world.scalar("SELECT count(*) FROM outbox WHERE topic = 'helpdesk.mirror'"))
