"""kill -9 for the worker while a job stands at each step of send, receive and mirror.

Within a minute all is done, and nothing twice.
"""

from __future__ import annotations

from tests.faults.agents import Agents
from tests.faults.books import close_books
from tests.faults.buyers import Buyers
from tests.faults.doors import Doors
from tests.faults.report import told
from tests.faults.size import Size
from tests.faults.stack import Stack
from tests.faults.steps import Cast, check_steps, kill_worker_at_every_step

RECOVERED_SECONDS = 60.0
# Past the life of vendors' tokens, so that they are renewed in peace and last for what follows:
# a worker that dies while it renews them holds the helpdesk up for longer than a minute.
RENEWAL = 26 * 60


def test_worker_killed_at_every_step_recovers_within_a_minute_and_does_nothing_twice(
    stack: Stack, buyers: Buyers, size: Size
) -> None:
    doors, agents = Doors(stack), Agents(stack)
    casts = [Cast.of(buyers) for _ in range(size.rounds)]
    for cast in casts:
        stack.let_pass(RENEWAL)
        cast.arrive(stack, doors)
        stack.quiet(size.patience)
        met = kill_worker_at_every_step(stack, doors, cast)
        told(f"kill -9: {met}; recovered in {stack.quiet(RECOVERED_SECONDS):.0f} s")
        stack.heal()
    everybody = [buyer for cast in casts for buyer in cast.everybody]
    checked_in = [buyer for cast in casts for buyer in cast.checked_in]
    books = close_books(stack, doors, agents, everybody, checked_in=checked_in)
    for cast in casts:
        check_steps(stack, cast, books)
