"""Is somebody in danger? Self-harm, violence, a medical emergency; English, Spanish, French.

Called by `understand`. A yes silences the assistant, raises an urgent flag and names the help
organisation of the buyer's country (`help_lines`). People who love their shoes speak of death all
day ("dying to wear it", "these heels are killing me"), and their lamps die, leak and burn: so a
rule asks who is meant, and laughter takes a match away. The rules are data, beside this file.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from app.understanding.fold import KeyWords, plain
from app.understanding.likeness import Likeness, Sound, groups_in
from app.understanding.pleasantry import is_farewell, is_pleasantry
from app.understanding.shortlist import Shortlist

_TABLE: dict[str, Any] = tomllib.loads(
    (Path(__file__).parent / "data" / "crisis.toml").read_text(encoding="utf-8")
)


class CrisisKind(StrEnum):
    SELF_HARM = "self_harm"
    VIOLENCE = "violence"
    MEDICAL = "medical"


@dataclass(frozen=True)
class Crisis:
    kind: CrisisKind
    rule: str


# A group's lines are alternatives too; a group may be made of others.
_GROUPS = {name: words.strip().replace("\n", "|") for name, words in _TABLE["words"].items()}
_NAMED = re.compile(r"\{([A-Z_]+)\}")


def _written_out(pattern: str) -> str:
    while _NAMED.search(pattern):
        pattern = _NAMED.sub(lambda named: f"(?:{_GROUPS[named[1]]})", pattern)
    return pattern


def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(_written_out(pattern))


_HINT, _IN_FUN, _MEANT, _CORE = (
    _compiled(f"{{{name}}}") for name in ("HINT", "IN_FUN", "MEANT", "CORE")
)
_UNLESS = {name: _compiled(pattern) for name, pattern in _TABLE["unless"].items()}
_SENTENCE = re.compile(r"[.!?;\n]+")
_SPELT = KeyWords(
    _TABLE["misspelt"].split(), misspelt=_TABLE["misspelt"], real=_TABLE["real"], glued="-"
)
_RULES = tuple(
    (Crisis(kind, name), _compiled(pattern))
    for kind in CrisisKind
    for name, patterns in _TABLE[kind].items()
    for pattern in patterns
)
_SHORTLIST = Shortlist(pattern for _, pattern in _RULES)

# What no rule has recognised, and yet sounds like danger (`likeness`): from where on, beside a word
# of danger and without any.
SOUNDS_LIKE_DANGER = 0.5
SOUNDS_WITHOUT_A_WORD = 0.8
_DANGERS = tuple((kind, Likeness(kind)) for kind in CrisisKind)
_LONG_WORD = re.compile(r"[a-z*]{5,}")
_WORD = re.compile(r"[a-z0-9]+")


def words_of_danger(text: str) -> list[list[str]]:
    """What `likeness` reads, and learns from: the words, sentence by sentence."""
    return _runs(as_meant(plain(text)))


def as_meant(text: str) -> str:
    """Without apostrophes and hyphens, and the words of danger spelt as they were meant."""
    text = text.replace("'", "").replace("-", " ")
    return _LONG_WORD.sub(lambda word: " ".join(_SPELT.meant(word[0])), text)


def _runs(text: str) -> list[list[str]]:
    return [_WORD.findall(sentence) for sentence in _SENTENCE.split(text) if sentence]


def read_crisis(text: str, *, original: str = "") -> Crisis | None:
    """The danger in `text` (as `fold.plain` gives it), self-harm first, or None.

    `original` is the text with its emoji: laughter takes away what words alone would say, unless
    the writer adds that it is none.
    """
    text = as_meant(text)
    if (_IN_FUN.search(text) or _IN_FUN.search(original)) and not _MEANT.search(text):
        return None
    return crisis_by_rule(text) or _by_sound(text)


def crisis_by_rule(text: str) -> Crisis | None:
    """What the rules alone say of `text` as `as_meant` gives it."""
    tried = _SHORTLIST.worth_trying(text)
    if not tried:
        return None
    said = "\n".join(sentence for sentence in _SENTENCE.split(text) if _HINT.search(sentence))
    for crisis, pattern in (_RULES[number] for number in tried):
        unless = _UNLESS.get(crisis.rule)
        if pattern.search(said) and not (unless and unless.search(text)):
            return crisis
    return None


def _by_sound(text: str) -> Crisis | None:
    runs = _runs(text)
    said = " ".join(word for words in runs for word in words)
    if is_pleasantry(said) and not is_farewell(said):
        return None
    groups = groups_in(runs)
    kind, sound = max(((k, likeness.of(groups)) for k, likeness in _DANGERS), key=_loudness)
    if sound.score < (SOUNDS_LIKE_DANGER if _CORE.search(text) else SOUNDS_WITHOUT_A_WORD):
        return None
    return Crisis(kind, f"sounds like {kind}: {sound.because}")


def _loudness(heard: tuple[CrisisKind, Sound]) -> float:
    return heard[1].score
