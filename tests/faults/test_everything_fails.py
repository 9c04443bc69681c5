"""Everything fails while buyers, agents and parcels go on; in the end nothing is lost or doubled.

Waves of threads: a parcel arrives, the check-in goes out, the buyer answers, the agent replies,
some buyers say STOP and the agent writes once more. Meanwhile processes are killed, Redis is
emptied and killed, PostgreSQL is restarted and killed, vendors answer late, twice, with errors,
or act and then cut the line. At last the worker is killed while a job stands at each step of send,
receive and mirror. Then three ledgers are compared: see `books`.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

from tests.faults.agents import Agents
from tests.faults.books import close_books
from tests.faults.buyers import SPREAD, Buyer, Buyers
from tests.faults.chaos import Chaos
from tests.faults.doors import Doors, crowd
from tests.faults.report import told
from tests.faults.size import Size
from tests.faults.stack import Stack
from tests.faults.steps import Cast, check_steps, kill_worker_at_every_step

RECOVERED_SECONDS = 60.0  # after a kill -9 of the worker


def live(
    stack: Stack, doors: Doors, agents: Agents, waves: Sequence[Sequence[Buyer]], chaos: Chaos
) -> None:
    """Each wave is one act ahead of the next, so that all work meets all faults."""

    def arrive(wave: Sequence[Buyer]) -> None:
        crowd(wave, doors.deliver)

    def answer(wave: Sequence[Buyer]) -> None:
        crowd(wave, lambda buyer: doors.write(buyer, buyer.words("question")))

    def reply(wave: Sequence[Buyer]) -> None:
        known = stack.until(lambda: agents.tickets(wave), 120.0, "the first tickets")
        crowd(
            [buyer for buyer in wave if buyer.phone in known],
            lambda buyer: agents.reply(buyer, known[buyer.phone]),
        )

    def stop(wave: Sequence[Buyer]) -> None:
        known = agents.tickets(wave)
        leaving = [buyer for buyer in wave[::4] if buyer.phone in known]
        # The reply and the STOP meet on the way.
        crowd(leaving, lambda buyer: agents.reply(buyer, known[buyer.phone], "late answer"))
        crowd(leaving, doors.stop)
        crowd(leaving, lambda buyer: agents.reply(buyer, known[buyer.phone], "too late an answer"))

    acts = (arrive, answer, reply, stop)
    for turn in range(len(waves) + len(acts) - 1):
        with chaos.during():
            for number, act in enumerate(acts):
                if 0 <= turn - number < len(waves):
                    act(waves[turn - number])
        stack.let_pass(SPREAD)


def test_nothing_is_lost_doubled_or_hidden_though_everything_fails(
    stack: Stack, buyers: Buyers, size: Size
) -> None:
    doors, agents = Doors(stack), Agents(stack)
    each = size.threads // size.waves
    waves = [buyers.take(each) for _ in range(size.waves)]
    chaos = Chaos(stack, every=size.blows)
    began = time.monotonic()
    live(stack, doors, agents, waves, chaos)
    told(f"{size.threads} threads in {time.monotonic() - began:.0f} s; {dict(chaos.struck)}")
    stack.tell("DELETE", "/sandbox/faults")
    casts = []
    for _ in range(size.rounds):
        cast = Cast.of(buyers)
        casts.append(cast)
        cast.arrive(doors)
        told(f"quiet after {stack.quiet(size.patience):.0f} s")
        met = kill_worker_at_every_step(stack, doors, cast)
        told(f"{met}; recovered in {stack.quiet(RECOVERED_SECONDS):.0f} s")
        stack.tell("DELETE", "/sandbox/faults")
    checked_in = [buyer for wave in waves for buyer in wave]
    checked_in += [buyer for cast in casts for buyer in cast.in_line]
    texting = [buyer for cast in casts for _, buyer in cast.by_step]
    books = close_books(stack, doors, agents, [*checked_in, *texting], checked_in=checked_in)
    for cast in casts:
        check_steps(stack, cast, books)
    told(str(dict(books.counted)))
