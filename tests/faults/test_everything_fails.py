"""Everything fails while buyers, agents and parcels go on; in the end nothing is lost or doubled.

Processes are killed, Redis is emptied and killed, PostgreSQL is restarted and killed, vendors
answer late, twice, with errors, or act and then cut the line. Then three ledgers are compared:
see `books`.
"""

from __future__ import annotations

import time

from tests.faults.agents import Agents
from tests.faults.books import close_books
from tests.faults.buyers import SPREAD, Buyers
from tests.faults.chaos import Chaos
from tests.faults.doors import Doors
from tests.faults.life import Life
from tests.faults.report import told
from tests.faults.size import Size
from tests.faults.stack import Stack


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
    told(f"quiet after {stack.quiet(size.patience):.0f} s")
    stack.let_pass(SPREAD)  # check-ins that were told of late
    stack.quiet(size.patience)
    everybody = [buyer for wave in waves for buyer in wave]
    books = close_books(stack, doors, agents, everybody, checked_in=everybody)
    told(str(dict(books.counted)))
