"""Slate itself, in memory: boards, cards, lines. It knows nothing of Doorstep."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar

from app.foundation.clock import Clock

T = TypeVar("T")
ROBOT, PRIYA = "1", "2"


class Busy(Exception):
    def __init__(self, seconds: int) -> None:
        self.seconds = seconds


class LineBroke(Exception):
    """The answer was lost; the work was done."""


class NoSuchCard(Exception):
    pass


class Archived(Exception):
    pass


@dataclass
class Line:
    number: str
    writer: str
    words: str
    open_to_all: bool
    at: datetime
    files: list[tuple[str, str, str]] = field(default_factory=list)  # name, kind, address


@dataclass
class Card:
    number: str
    label: str  # whatever an app wants to find it by
    made_of: object  # kept for the app that made it
    labels: list[str]
    lines: list[Line] = field(default_factory=list)
    born_with: int = 0  # lines
    state: str = "open"  # open | done | archived
    owner: str | None = None
    weight: str | None = None  # low | normal | high | urgent
    moved_to: str | None = None


@dataclass
class Board:
    clock: Clock
    cards: dict[str, Card] = field(default_factory=dict)
    people: dict[str, tuple[str, str, str | None, str]] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)
    hooks: dict[str, str] = field(default_factory=dict)  # number -> address
    busy_for: int = 0
    loses_answer: bool = False
    _numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(10))

    def visit(self, work: Callable[[Board], T], *, writes: bool = False) -> T:
        if self.busy_for:
            seconds, self.busy_for = self.busy_for, 0
            raise Busy(seconds)
        result = work(self)
        if writes and self.loses_answer:
            self.loses_answer = False
            raise LineBroke
        return result

    def number(self) -> str:
        return str(next(self._numbers))

    def card(self, number: str, *, to_change: bool = False) -> Card:
        if number not in self.cards:
            raise NoSuchCard
        if to_change and self.cards[number].state == "archived":
            raise Archived
        return self.cards[number]

    def write(
        self,
        card: Card,
        writer: str,
        words: str,
        *,
        open_to_all: bool = True,
        at: datetime | None = None,
        files: tuple[tuple[str, str, bytes], ...] = (),
    ) -> Line:
        line = Line(self.number(), writer, words, open_to_all, at or self.clock.now())
        for name, kind, content in files:
            address = f"https://files.slate.invalid/{self.number()}"
            self.files[address] = content
            line.files.append((name, kind, address))
        card.lines.append(line)
        if writer in self.people and card.state == "done":
            card.state = "open"
        return line
