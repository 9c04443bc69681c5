"""Redis or PostgreSQL is away: what the doors answer, how fast, and what happens afterwards.

Redis is only the doorbell, so nobody outside notices its absence. Without PostgreSQL nothing can
be taken in: the doors say 503 before Shopify's five seconds are over, and mean it.
"""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tests.faults.agents import Agents
from tests.faults.books import close_books
from tests.faults.buyers import Buyer, Buyers
from tests.faults.doors import Answer, Doors, crowd, percentile
from tests.faults.report import told
from tests.faults.size import Size
from tests.faults.stack import Stack

DOORS_ANSWER_WITHIN = 4.0


@contextmanager
def knocking(doors: Doors, group: list[Buyer], *, at_once: int) -> Iterator[list[Buyer]]:
    """Buyers write one after the other, several at a time; yields those who have, so far."""
    wrote: list[Buyer] = []
    left, stop = itertools.cycle(group), threading.Event()

    def knock() -> None:
        while not stop.is_set():
            buyer = next(left)
            if doors.text(buyer, buyer.words(f"text {doors.new_id('n')}")).acknowledged:
                wrote.append(buyer)
            time.sleep(0.05)

    threads = [threading.Thread(target=knock, daemon=True) for _ in range(at_once)]
    for thread in threads:
        thread.start()
    try:
        yield wrote
    finally:
        stop.set()
        for thread in threads:
            thread.join(20)


def during(doors: Doors, act: Callable[[], None]) -> list[Answer]:
    """The answers that were given while `act` ran."""
    before = len(doors.answers)
    act()
    return doors.answers[before:]


def test_redis_away_is_noticed_by_nobody_outside_and_each_job_runs_once_afterwards(
    stack: Stack, buyers: Buyers, size: Size
) -> None:
    doors, agents = Doors(stack), Agents(stack)
    group = buyers.take(size.few)

    def outage() -> None:
        stack.servers.redis.kill_immediately()
        time.sleep(size.outage_seconds)

    with knocking(doors, group, at_once=2):
        time.sleep(0.5)
        stack.redis.flushall()
        time.sleep(0.5)
        answers = during(doors, outage)
        stack.servers.redis.start()
        back = time.monotonic()
        first = buyers.take(1)[0]
        doors.write(first, first.words("after the outage"))
        stack.until(lambda: agents.tickets([first]), 30.0, "a ticket after the outage")
        again = time.monotonic() - back
    stack.quiet(size.patience)
    assert answers and all(answer.status == 200 for answer in answers)
    slowest = max(answer.seconds for answer in answers)
    told(
        f"Redis away for {size.outage_seconds:.0f} s: {len(answers)} answers, all 200, slowest"
        f" {slowest:.2f} s; jobs run {again:.1f} s after its return"
    )
    assert slowest < DOORS_ANSWER_WITHIN
    close_books(stack, doors, agents, [*group, first])


def test_doors_say_503_in_time_while_postgres_is_away_and_recover_by_themselves(
    stack: Stack, buyers: Buyers, size: Size
) -> None:
    """Only the doors run: what an outage does to jobs is part of `test_everything_fails`, for it
    takes their leases to mend."""
    doors, agents = Doors(stack), Agents(stack)
    stack.worker.kill()
    group = buyers.take(size.few)

    seconds = size.postgres_away

    def outage() -> None:
        stack.servers.postgres.kill_immediately()
        time.sleep(seconds)

    with knocking(doors, group, at_once=24):  # more than there are threads behind the doors
        time.sleep(1.0)
        answers = during(doors, outage)
        stack.servers.postgres.restart()
        back = time.monotonic()
        first = buyers.take(1)[0]
        doors.write(first, first.words("after the outage"))
        again = time.monotonic() - back
    refused = [answer for answer in answers if not answer.acknowledged]
    p99 = percentile([answer.seconds for answer in answers], 0.99)
    told(
        f"PostgreSQL away for {seconds:.0f} s: {len(refused)} answers, p99 {p99:.2f} s, slowest"
        f" {max(answer.seconds for answer in answers):.2f} s; a text is taken {again:.1f} s after"
        " its return"
    )
    assert {answer.status for answer in refused} == {503}
    assert max(answer.seconds for answer in answers) < DOORS_ANSWER_WITHIN
    assert again < 5.0
    after = during(
        doors, lambda: crowd(group, lambda buyer: doors.write(buyer, buyer.words("end")))
    )
    assert [answer.status for answer in after] == [200] * len(group)
    stack.worker.start()
    stack.quiet(size.patience)
    close_books(stack, doors, agents, [*group, first])
