"""What buyers, parcels and agents do, in waves: each act of one wave beside the next act of the
wave before, so that all kinds of work are under way at once."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from tests.faults.agents import Agents
from tests.faults.buyers import Buyer
from tests.faults.doors import Doors, crowd
from tests.faults.stack import Stack

Wave = Sequence[Buyer]


@dataclass(frozen=True)
class Life:
    stack: Stack
    doors: Doors
    agents: Agents
    turn: float  # seconds that an act lasts at least; the check-in is due by then

    def go_on(self, waves: Sequence[Wave]) -> None:
        """A parcel arrives and the check-in goes out, most buyers answer, an agent replies, some
        buyers say STOP and agents write to them all the same."""
        acts = {0: self.arrive, 2: self.answer, 3: self.reply, 4: self.stop}
        for turn in range(len(waves) + max(acts)):
            ends = time.monotonic() + self.turn
            for later, act in acts.items():
                if 0 <= turn - later < len(waves):
                    act(waves[turn - later])
            time.sleep(max(0.0, ends - time.monotonic()))

    def arrive(self, wave: Wave) -> None:
        crowd(wave, lambda buyer: self.doors.deliver(buyer, due_in=self.turn / 2))

    def answer(self, wave: Wave) -> None:
        crowd(
            [buyer for buyer in wave if buyer.number % 3],
            lambda buyer: self.doors.write(buyer, buyer.words("question")),
        )

    def reply(self, wave: Wave) -> None:
        known = self.stack.until(lambda: self.agents.tickets(wave), 120.0, "the first tickets")
        crowd(
            [buyer for buyer in wave if buyer.phone in known],
            lambda buyer: self.agents.reply(buyer, known[buyer.phone]),
        )

    def stop(self, wave: Wave) -> None:
        known = self.stack.until(lambda: self.agents.tickets(wave), 120.0, "the first tickets")
        leaving = [buyer for buyer in wave[::4] if buyer.phone in known]
        # The reply and the STOP meet on the way.
        crowd(leaving, lambda buyer: self.agents.reply(buyer, known[buyer.phone], "late answer"))
        crowd(leaving, self.doors.stop)
        crowd(leaving, lambda buyer: self.agents.reply(buyer, known[buyer.phone], "too late"))
