"""What the proof needs from outside the database: a place to which heads are only ever added."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from app.foundation.jobs import Tools


@dataclass(frozen=True)
class Anchor:
    """The head of a shop's chain, as it stood then."""

    at: datetime
    shop_id: int
    number: int
    hash: str


class Anchors(Protocol):
    """Kept apart from the database, so that whoever can change one cannot change both."""

    @property
    def where(self) -> str:
        """For people: the place where they lie."""
        ...

    def add(self, anchors: Sequence[Anchor]) -> None:
        """Add, durably. Nothing that was there is touched."""
        ...

    def of_shop(self, shop_id: int) -> Iterator[Anchor]:
        """All that were ever written for a shop, oldest first."""
        ...


class Needs(Tools, Protocol):
    @property
    def anchors(self) -> Anchors: ...
