"""How much a text sounds like those of people who leave, or who are in danger.

Called by `opt_out` and `crisis` for what no rule of theirs has recognised. Rules say why; they are
deaf to what nobody thought of. So the words of a text, and groups of up to three, carry weights
learnt from the labelled phrases of tests/evals (`scripts/train_likeness.py` writes them beside
this file). The sum says which of the two heaps of phrases the text is nearer to; the groups that
weighed most are named in the verdict.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence, Set
from dataclasses import dataclass
from math import sqrt
from pathlib import Path

_DATA = Path(__file__).parent / "data"
NAMED = 3  # how many of the weightiest groups a verdict names


@dataclass(frozen=True)
class Sound:
    score: float  # above 0: nearer to those who mean it; it grows with the number of witnesses
    found: Sequence[tuple[int, str]]  # the groups of words that weighed, and how much

    @property
    def because(self) -> str:
        """The weightiest groups, for people."""
        weightiest = sorted(self.found, key=lambda one: (-one[0], one[1]))[:NAMED]
        return ", ".join(f"“{group}”" for _, group in weightiest)


class Likeness:
    """Weights of one question, as read from `data/likeness_<name>.txt`."""

    def __init__(self, name: str) -> None:
        # Line by line, and each number kept once: a web process keeps these tables for good.
        numbers: dict[int, int] = {}
        self._weights: dict[str, int] = {}
        with (_DATA / f"likeness_{name}.txt").open(encoding="utf-8") as rows:
            for row in rows:
                if not row.startswith("#"):
                    weight, group = row.rstrip("\n").split(" ", 1)
                    self._weights[group] = numbers.setdefault(int(weight), int(weight))
        self._bias = self._weights.pop("(always)") / 100

    def of(self, groups: Set[str]) -> Sound:
        """How near a text of these `groups_in` is."""
        weights = self._weights
        found = [(weights[group], group) for group in groups & weights.keys()]
        score = self._bias + sum(weight for weight, _ in found) / 100 / sqrt(len(groups) + 1)
        return Sound(score, found)


def groups_in(said: Iterable[Sequence[str]]) -> set[str]:
    """`said`: runs of words (or of parts of speech), in which neighbours belong together."""
    groups: set[str] = set()
    for words in said:
        groups.update(*groups_of(words))
    return groups


def groups_of(words: Sequence[str]) -> Iterator[Iterable[str]]:
    """Single words, two and three in a row (with the clause's ends), and two around others."""
    edged = ("^", *words, "$")
    yield words
    yield [f"{a} {b}" for a, b in zip(edged, edged[1:], strict=False)]
    yield [f"{a} {b} {c}" for a, b, c in zip(edged, edged[1:], edged[2:], strict=False)]
    yield [f"{a} … {c}" for a, c in zip(words, words[2:], strict=False)]
    yield [f"{a} … {d}" for a, d in zip(words, words[3:], strict=False)]
