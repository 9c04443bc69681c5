"""Which of many patterns could match a text at all, found without trying each.

Used by the readers of this room: their tables are long, and most texts are about shoes. From every
pattern the strings are taken of which one must stand in whatever it matches: "killed him", "killed
her" and so on for `\\bkill(?:ed|ing) (?:him|her)`. A text is cut into pieces of three characters,
and only patterns of which such a piece occurs are looked at. So nobody keeps a list of hints beside
each table, and a pattern that this cannot see through is always tried.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

# The standard library's own parser of patterns: private, so everything unknown means "cannot say".
from re import _constants as op  # type: ignore[attr-defined]
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any

_MOST = 32  # strings that are told apart before they are taken as they are
# What people write about parcels, so that a piece of every other text is not what is looked for.
_EVERYDAY = """hi there thank you so much it came today and the size fits great love the colour
but the waist is a little tight when i sit down is that normal for this one yes got it havent
tried it on yet what would you take if you are between a 6 and an 8 can i exchange them where is
my order it was supposed to be here on monday they said it was delivered but nothing arrived could
you check please how do i return this i will send it back tomorrow my daughter wants another pair
in white or red all good everything was perfect we like these shoes more than the others who can
help me with that hola gracias por todo me quedo muy bien pero la talla es grande como puedo
cambiar el vestido que compre para mi hija ya lo tengo en casa cuando llega mi pedido no esta mal"""

Needs = list[frozenset[str]]
"""Of each of these sets one string must occur."""


Piece = tuple[str, str, str]
"""Three characters in a row: `zip` makes tuples faster than anything makes strings."""


def pieces(text: str) -> Iterable[Piece]:
    return zip(text, text[1:], text[2:], strict=False)


_EVERYDAY_PIECES = Counter(pieces(_EVERYDAY))


class Shortlist:
    """Patterns by number, as they were given."""

    def __init__(self, patterns: Iterable[re.Pattern[str]]) -> None:
        self._always: list[int] = []
        self._by_piece: dict[Piece, dict[str, list[int]]] = {}  # strings, and their patterns
        self._needs: dict[int, Needs] = {}  # beyond the one by which a pattern is found
        for number, pattern in enumerate(patterns):
            needs = must_occur(pattern)
            if not needs:
                self._always.append(number)
                continue
            rarest = min(needs, key=_cost)
            if others := [need for need in needs if need is not rarest]:
                self._needs[number] = others
            for string in rarest:
                strings = self._by_piece.setdefault(_rarest_piece(string), {})
                strings.setdefault(string, []).append(number)
        self._pieces = frozenset(self._by_piece)

    def worth_trying(self, text: str) -> Sequence[int]:
        """Numbers of the patterns that may match `text`, in their order."""
        found = self._pieces.intersection(pieces(text))
        if not found:
            return self._always
        hit = {
            number
            for piece in found
            for string, numbers in self._by_piece[piece].items()
            if string in text
            for number in numbers
        }
        return sorted((*self._always, *(n for n in hit if _all_met(self._needs.get(n, ()), text))))


def _all_met(needs: Iterable[frozenset[str]], text: str) -> bool:
    return all(any(string in text for string in need) for need in needs)


def must_occur(pattern: re.Pattern[str]) -> Needs:
    """Sets of strings, of each of which one occurs wherever `pattern` matches; none if unknown."""
    if pattern.flags & (re.IGNORECASE | re.VERBOSE):
        return []
    strings, needs = _read(parser.parse(pattern.pattern, pattern.flags))
    return [*needs, *_need(strings)]


def _telling(need: frozenset[str]) -> tuple[int, int]:
    return min(len(string) for string in need), -len(need)


def _rarest_piece(string: str) -> Piece:
    return min(pieces(string), key=lambda piece: (_EVERYDAY_PIECES[piece], piece))


def _cost(need: frozenset[str]) -> tuple[int, int]:
    """How often one would look in vain for these."""
    return sum(_EVERYDAY_PIECES[_rarest_piece(string)] for string in need), len(need)


def _need(strings: frozenset[str]) -> Needs:
    """Strings that hold another of them say nothing more; too short ones say too little."""
    if not strings or min(map(len, strings)) < 3:
        return []
    return [frozenset(s for s in strings if not any(t != s and t in s for t in strings))]


_NOTHING = frozenset(("",))
_Read = tuple[frozenset[str], Needs]
"""All that a part may be exactly (empty if that cannot be said), and what else it needs."""


def _read(parts: Iterable[Any]) -> _Read:
    """Of a sequence: the strings it may end with are carried along as long as they are few."""
    so_far, needs, from_start = _NOTHING, Needs(), True
    for part in parts:
        strings, more = _read_one(*part)
        needs += more
        if strings and len(strings) * len(so_far) <= _MOST:
            so_far = frozenset(a + b for a in so_far for b in strings)
            continue
        needs += _need(so_far)
        from_start = False
        last = {string[-1:] for string in so_far}
        so_far = frozenset(char + string for char in last for string in strings) or _NOTHING
    if from_start:
        return so_far, needs
    return frozenset(), [*needs, *_need(so_far)]


def _read_one(kind: Any, value: Any) -> _Read:
    if kind is op.LITERAL:
        return frozenset((chr(value),)), []
    if kind in (op.AT, op.ASSERT, op.ASSERT_NOT):
        return _NOTHING, []
    if kind is op.IN:
        return frozenset(_characters(value)), []
    if kind is op.SUBPATTERN and not value[1]:
        return _read(value[3])
    if kind is op.BRANCH:
        return _read_branch([_read(one) for one in value[1]])
    if kind in (op.MAX_REPEAT, op.MIN_REPEAT):
        least, most, inner = value
        strings, needs = _read(inner)
        if (least, most) == (1, 1):
            return strings, needs
        if (least, most) == (0, 1) and strings:
            return strings | _NOTHING, []
        return frozenset(), ([*needs, *_need(strings)] if least else [])
    return frozenset(), []


def _characters(members: Sequence[Any]) -> Iterator[str]:
    if all(kind is op.LITERAL for kind, _ in members):
        yield from (chr(value) for _, value in members)


def _read_branch(branches: Sequence[_Read]) -> _Read:
    if all(strings for strings, _ in branches):
        return frozenset().union(*(strings for strings, _ in branches)), []
    best = []
    for strings, needs in branches:
        own = [*needs, *_need(strings)]
        if not own:
            return frozenset(), []
        best.append(max(own, key=_telling))
    return frozenset(), _need(frozenset().union(*best))
