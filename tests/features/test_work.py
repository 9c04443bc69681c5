"""How work gets from the ledger to a thread: handed out once, kept while worked, never lost."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import psycopg
import pytest
from redis import Redis

from app.foundation.errors import Temporary
from app.foundation.inbox import Receipt
from app.foundation.outbox import OutboxRow
from app.orders.ports import OrderFacts
from app.receipts import release_known
from app.relay import AGAIN_SECONDS, BATCH, HELD_JOBS, put_back, relay_once
from app.shops.ports import ShopAccess, TokenDead
from app.ticker import DUTIES
from app.vendors.fake.commerce import FakeCommerce
from app.workshop import Workshop
from tests.factories.world import World
from tests.factories.zendesk import connected

LATER_WORK = (
    "INSERT INTO outbox (shop_id, topic, queue, payload, ordering_key)"
    " SELECT :shop, 'orders.complete', :queue, '{\"order_id\": 1}', :key FROM"
    " generate_series(1, :rows)"
)


def put_off(
    world: World, shop: int, rows: int = 1, *, queue: str = "sync", key: Any = None
) -> None:
    world.execute(LATER_WORK, shop=shop, queue=queue, rows=rows, key=key)


def lose(redis: Redis) -> None:
    """Redis restarts empty."""
    redis.flushdb()


# --- Handing out


def test_backlog_is_handed_out_once_and_only_as_far_as_redis_has_room(world: World) -> None:
    shop = world.shop()
    room = HELD_JOBS * BATCH
    put_off(world, shop.id, room + 100)
    handed_out = 0
    while relayed := relay_once(world.db, world.redis).outbox:
        handed_out += relayed
    assert handed_out == room
    world.execute(
        "UPDATE outbox SET relayed_at = now() - interval '50 seconds' WHERE relayed_at IS NOT NULL"
    )
    put_back(world.db, world.redis)
    assert relay_once(world.db, world.redis).outbox == 0


def test_full_queue_of_one_kind_keeps_no_other_waiting(world: World) -> None:
    shop = world.shop()
    put_off(world, shop.id, HELD_JOBS * BATCH, queue="send")
    while relay_once(world.db, world.redis).outbox:
        pass
    put_off(world, shop.id, 1, queue="send")
    put_off(world, shop.id, 1, queue="reply")
    assert relay_once(world.db, world.redis).outbox == 1
    assert world.scalar("SELECT relayed_at IS NOT NULL FROM outbox WHERE queue = 'reply'")


def test_what_redis_forgot_is_handed_out_again_at_once(world: World) -> None:
    world.shop()
    put_back(world.db, world.redis)  # the relay's first look leaves its mark
    world.order()
    assert relay_once(world.db, world.redis).receipts == 1
    assert put_back(world.db, world.redis) == 0
    lose(world.redis)
    assert put_back(world.db, world.redis) == 1
    world.settle()
    assert [receipt.state for receipt in world.all(Receipt)] == ["done"]


def test_what_a_dying_worker_took_and_did_not_begin_is_handed_out_again(world: World) -> None:
    shop = world.shop()
    put_back(world.db, world.redis)
    put_off(world, shop.id)
    relay_once(world.db, world.redis)
    world.redis.delete("rq:queue:sync")  # a worker took the job
    assert put_back(world.db, world.redis) == 0
    world.execute(
        "UPDATE outbox SET relayed_at = now() - make_interval(secs => :age)", age=AGAIN_SECONDS + 1
    )
    assert put_back(world.db, world.redis) == 1
    assert relay_once(world.db, world.redis).outbox == 1


def test_row_whose_lease_has_ended_is_handed_out_again_however_full_redis_is(world: World) -> None:
    shop = world.shop()
    put_back(world.db, world.redis)
    put_off(world, shop.id, 2)
    relay_once(world.db, world.redis)
    world.execute(
        "UPDATE outbox SET leased_until = now() + interval '1 s' * (id - 1.5 - (SELECT min(id)"
        " FROM outbox) + 1)"
    )
    assert put_back(world.db, world.redis) == 1


def test_rows_of_one_key_are_handed_out_one_after_the_other(world: World) -> None:
    shop = world.shop()
    put_off(world, shop.id, 3, key="orders:1:1")
    for left in (3, 2, 1):
        assert relay_once(world.db, world.redis).outbox == 1
        assert relay_once(world.db, world.redis).outbox == 0
        assert world.scalar("SELECT count(*) FROM outbox") == left
        world.execute("DELETE FROM outbox WHERE relayed_at IS NOT NULL")


def test_rows_behind_one_that_was_put_off_are_not_looked_at_before_it(world: World) -> None:
    shop = world.shop()
    world.execute("INSERT INTO orders (shop_id, shopify_id) VALUES (:shop, 1)", shop=shop.id)
    world.execute(
        "INSERT INTO outbox (shop_id, topic, queue, payload, ordering_key)"
        " SELECT :shop, 'orders.complete', 'sync', jsonb_build_object('order_id', o.id), 'orders:1'"
        " FROM orders o, generate_series(1, 3)",
        shop=shop.id,
    )
    world.commerce.fail_next(Temporary("shopify", "down", retry_after=300))
    world.settle()
    assert world.scalar("SELECT count(*) FROM outbox WHERE available_at <= now()") == 0
    world.settle(patient=True)
    assert world.scalar("SELECT count(*) FROM outbox") == 0


# --- Leases


class SlowCommerce(FakeCommerce):
    """Answers when it is let."""

    def __init__(self) -> None:
        super().__init__()
        self.asked, self.may_answer = threading.Event(), threading.Event()

    def read_order(self, access: ShopAccess, order_id: int) -> OrderFacts | None:
        self.asked.set()
        self.may_answer.wait(30)
        return None


@contextmanager
def under_way(world: World, *, renew_seconds: float) -> Iterator[Workshop]:
    """A worker whose one job waits for Shopify."""
    shop = world.shop()
    world.execute("INSERT INTO orders (shop_id, shopify_id) VALUES (:shop, 1)", shop=shop.id)
    order = world.scalar("SELECT id FROM orders")
    world.execute(
        "INSERT INTO outbox (shop_id, topic, queue, payload)"
        " VALUES (:shop, 'orders.complete', 'sync', jsonb_build_object('order_id', :order))",
        shop=shop.id,
        order=order,
    )
    slow = SlowCommerce()
    ports = replace(world.ports, commerce=slow)
    workshop = Workshop(ports, threads=1, renew_seconds=renew_seconds)
    try:
        workshop.begin({"outbox": [world.scalar("SELECT id FROM outbox")]})
        assert slow.asked.wait(10)
        yield workshop
    finally:
        slow.may_answer.set()
        workshop.close()


def within(seconds: float, holds: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if holds():
            return True
        time.sleep(0.02)
    return False


def test_kind_that_cannot_be_begun_holds_up_no_other(world: World) -> None:
    """The line that lies uppermost in the pool is broken, as after a restart of Postgres."""
    desk = connected(world)
    desk.text("Do you ship to Alaska?", sender="+19075550123")
    answers = "checkins.record_answers"
    waiting = {row.topic: [row.id] for row in world.all(OutboxRow)}
    rows = {
        answers: waiting.pop(answers),
        "outbox": [one for ids in waiting.values() for one in ids],
    }
    workshop = Workshop(world.ports, threads=2)
    try:
        with world.db.statement() as other:
            with world.db.across_shops("test") as session:
                uppermost = session.sql("SELECT pg_backend_pid()").scalar()
            other.execute("SELECT pg_terminate_backend(%s)", (uppermost,))
            with pytest.raises(psycopg.OperationalError):
                workshop.begin(rows)
        assert within(10, lambda: [row.topic for row in world.all(OutboxRow)] == [answers])
    finally:
        workshop.close()
    assert desk.said() == ["Do you ship to Alaska?"]


LEFT = "SELECT leased_until - now() > interval '40 seconds' FROM outbox"
NEARLY_OVER = "UPDATE outbox SET leased_until = now() + interval '1 second'"


def test_living_worker_keeps_its_row(world: World) -> None:
    with under_way(world, renew_seconds=0.05):
        world.execute(NEARLY_OVER)
        assert within(10, lambda: world.scalar(LEFT))


def test_row_that_another_worker_began_is_not_held_any_more(world: World) -> None:
    with under_way(world, renew_seconds=0.05):
        world.execute(f"{NEARLY_OVER}, attempts = attempts + 1")
        assert not within(0.5, lambda: world.scalar(LEFT))


def test_row_that_was_given_back_is_free_at_once(world: World) -> None:
    with under_way(world, renew_seconds=0.05):
        world.execute("UPDATE outbox SET leased_until = NULL")
        assert not within(0.5, lambda: world.scalar("SELECT leased_until IS NOT NULL FROM outbox"))


# --- Receipts that wait for their shop


def test_receipt_marked_as_waiting_just_after_the_token_came_is_worked(world: World) -> None:
    world.shop()
    world.order()
    world.execute("UPDATE receipts SET state = 'waiting'")
    for duty in DUTIES:
        if duty.name == "waiting_receipts":
            duty.run(world.ports, world.clock.now())
    world.settle()
    assert [receipt.state for receipt in world.all(Receipt)] == ["done"]


def test_token_that_comes_between_look_and_mark_is_seen_after_the_mark(world: World) -> None:
    world.shop()
    world.commerce.fail_next(TokenDead("shopify", "there is none"))  # and yet there is, by now
    world.deliver()
    world.settle()
    assert [receipt.state for receipt in world.all(Receipt)] == ["done"]


def test_token_that_shopify_does_not_honour_is_tried_ever_more_rarely(world: World) -> None:
    world.shop()
    world.commerce.fail_next(*(TokenDead("shopify", "not honoured") for _ in range(3)))
    world.deliver()
    world.settle()
    release_known(world.db)
    world.settle()
    [receipt] = world.all(Receipt)
    assert (receipt.state, receipt.attempts) == ("waiting", 2)


def test_receipts_of_shops_without_a_token_stay_as_they_are(world: World) -> None:
    world.order()
    world.settle()
    assert release_known(world.db) == 0
