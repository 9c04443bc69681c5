"""The simulation's own books: who said what to whom, and what they had before their eyes then.

Written by `people` when somebody acts, read by `compare`. Nothing in here is asked of the code
under test: that is what it is compared with.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum

HELP_ANSWER = "Acme Outfitters order care."  # how our answer to HELP begins


class By(StrEnum):
    BUYER = "buyer"
    TICKET = "ticket"  # an agent, in the helpdesk
    HERE = "here"  # an agent, on our side
    SYSTEM = "system"  # our answer to HELP


@dataclass
class Said:
    """A message that both sides must hold, once."""

    by: By
    body: str
    name: str = ""  # first name of the agent
    photos: int = 0
    ticket_id: int = 0  # where an agent wrote it
    comment_id: int = 0
    texts_seen: int = 0  # how many texts the buyer's phone showed before the buyer wrote this


@dataclass(frozen=True)
class Wrote:
    """The buyer wrote their so-and-so-many-th text."""

    number: int


@dataclass(frozen=True)
class Done:
    """Somebody took the matter for done, having seen so many of the buyer's texts."""

    by: By
    seen: int


@dataclass(frozen=True)
class Opened:
    by: By


@dataclass(frozen=True)
class Unsure:
    """What this does to the state is nobody's promise, but both sides must agree on it."""

    why: str


Mood = Wrote | Done | Opened | Unsure


@dataclass
class Story:
    """One buyer and all that happened about them."""

    number: int
    phone: str
    said: list[Said] = field(default_factory=list)
    quiet: dict[int, str] = field(default_factory=dict)  # comments that nobody may text, by id
    day: list[Mood] = field(default_factory=list)  # since the two sides last agreed
    was_done: bool = False  # what they agreed on then
    merged: set[int] = field(default_factory=set)  # tickets that were merged away
    told: list[str] = field(default_factory=list)

    def tell(self, line: str) -> None:
        self.told.append(line)

    def of(self, *by: By) -> Iterator[Said]:
        return (one for one in self.said if one.by in by)

    def texts_of_buyer(self) -> list[Said]:
        return list(self.of(By.BUYER))

    def must_be_done(self) -> bool | None:
        """Whether the matter is done, by what people did since the last calm; None: they may agree
        on either.

        A text that nobody had seen who took the matter for done must never lie in a closed ticket.
        Else the last word counts, unless both sides had one and neither knew of the other's.
        """
        wrote = [one.number for one in self.day if isinstance(one, Wrote)]
        if wrote and not any(isinstance(one, Done) and one.seen >= wrote[-1] for one in self.day):
            return False
        words = [one for one in self.day if not isinstance(one, Wrote)]
        if not words:
            return self.was_done
        if any(isinstance(one, Unsure) for one in words):
            return None
        if len({one.by for one in words if isinstance(one, Done | Opened)}) > 1:
            return None
        last = words[-1]
        if isinstance(last, Done) and wrote and last.seen < wrote[-1]:
            return None  # an earlier Done saw more than the last one: the sides agree, that is all
        return isinstance(last, Done)

    def __str__(self) -> str:
        return "\n    ".join([f"buyer {self.number}:", *self.told])
