"""Everything fails while buyers, agents and parcels go on; in the end nothing is lost or doubled.

Processes are killed, Redis is emptied and killed, PostgreSQL is restarted and killed, vendors
answer late, twice, with errors, or act and then cut the line. At last the worker is killed while
a job stands at each step of send, receive and mirror. Then three ledgers are compared: `books`.
"""

from __future__ import annotations

import os
import time

import pytest

from tests.faults.agents import Agents
from tests.faults.books import close_books
from tests.faults.buyers import Buyers
from tests.faults.chaos import Chaos
from tests.faults.doors import Doors
from tests.faults.life import Life
from tests.faults.report import told
from tests.faults.size import Size
from tests.faults.stack import Stack
from tests.faults.steps import Cast, check_steps, kill_worker_at_every_step

RECOVERED_SECONDS = 60.0  # after a kill -9 of the worker
# Past the life of vendors' tokens, so that they are renewed in peace and last for what follows:
# a worker that dies while it renews them holds the helpdesk up for longer than a minute.
RENEWAL = 26 * 60


@pytest.mark.skipif(
    os.environ.get("FAULTS_SIZE") != "full",
    reason="two to four minutes of blows: runs at full size, with `make test-faults`",
)
def test_nothing_is_lost_doubled_or_hidden_though_everything_fails(
    stack: Stack, buyers: Buyers, size: Size
) -> None:
    doors, agents = Doors(stack), Agents(stack)
    waves = [buyers.take(size.threads // size.waves) for _ in range(size.waves)]
    chaos = Chaos(stack, every=size.blows)
    began = time.monotonic()
    with chaos.during():
        Life(stack, doors, agents, size.turn).go_on(waves)
    told(f"{size.threads} threads in {time.monotonic() - began:.0f} s; {dict(chaos.struck)}")
    stack.heal()
    casts = [Cast.of(buyers) for _ in range(size.rounds)]
    for cast in casts:
        stack.let_pass(RENEWAL)
        cast.arrive(stack, doors)
        told(f"quiet after {stack.quiet(size.patience):.0f} s")
        met = kill_worker_at_every_step(stack, doors, cast)
        told(f"{met}; recovered in {stack.quiet(RECOVERED_SECONDS):.0f} s")
        stack.heal()
    checked_in = [buyer for wave in waves for buyer in wave]
    checked_in += [buyer for cast in casts for buyer in cast.in_line]
    texting = [buyer for cast in casts for _, buyer in cast.by_step]
    books = close_books(stack, doors, agents, [*checked_in, *texting], checked_in=checked_in)
    for cast in casts:
        check_steps(stack, cast, books)
    told(str(dict(books.counted)))
