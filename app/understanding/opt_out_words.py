"""The vocabulary of leaving: each word by the part it plays, whatever its language or spelling.

Read by `opt_out`. The words themselves are data, beside this file, checked when they are first
read. A clause becomes parts of speech in three steps: groups of words as they were said, fillers
fall away, what is left becomes parts ("dejen de mandarme tantos mensajes" is "STOP SEND ME TXT").
"""

from __future__ import annotations

import re
import tomllib
from functools import lru_cache
from pathlib import Path
from typing import Any

from app.understanding.fold import KeyWords
from app.understanding.shortlist import Shortlist

_TABLE: dict[str, Any] = tomllib.loads(
    (Path(__file__).parent / "data" / "opt_out_words.toml").read_text(encoding="utf-8")
)
_FILLERS = frozenset(_TABLE["fillers"].split())
_THINGS = frozenset(_TABLE["things"].split())
_PART = {word: part for part, words in _TABLE["parts"].items() for word in words.split()}
_PART |= {f"{name}s": "NAME" for name in _TABLE["parts"]["NAME"].split()}  # Susan's phone
_STEMS = [(re.compile(stem), parts) for stem, parts in _TABLE["stems"].items()]


class _Replacements:
    """Patterns and what stands for them, one after the other; each sees what those before made."""

    def __init__(self, rows: list[tuple[str, str]]) -> None:
        self._rows = [(re.compile(rf"\b(?:{pattern})\b"), part) for pattern, part in rows]
        self._shortlist = Shortlist(pattern for pattern, _ in self._rows)

    def made_in(self, said: str) -> str:
        done = -1
        tried = list(self._shortlist.worth_trying(said))
        while tried:
            done, before = tried.pop(0), said
            pattern, part = self._rows[done]
            said = pattern.sub(part, said)
            if said != before:
                tried = [at for at in self._shortlist.worth_trying(said) if at > done]
        return said


_PHRASES, _GROUPS = (_Replacements(_TABLE[name]) for name in ("phrases", "groups"))
_TELLING = frozenset(_TABLE["telling_words"].split()) | {
    word for word, part in _PART.items() if part in _TABLE["telling"].split()
}
_SAID_TWICE = frozenset({"TXT", "STOP", "NOT", "ME"})  # "text messages": once is enough

KEYS = KeyWords(
    {*_PART, *_FILLERS, *_THINGS, "alone", "interested", "leave", "off", "step", "take", "wrong"},
    misspelt=_TABLE["misspelt"],
    real=_TABLE["real"],
    glued=_TABLE["glued"],
)


def is_telling(words: list[str]) -> bool:
    """Whether a clause has a word without which nobody leaves."""
    return not _TELLING.isdisjoint(words) or any(_stem(word) != word for word in words)


def parts_of_speech(words: list[str]) -> str:
    """The clause in parts, each followed by a space; a word that plays none stays as it is."""
    said = _PHRASES.made_in(" ".join(words))
    said = _GROUPS.made_in(" ".join(word for word in said.split() if word not in _FILLERS))
    parts: list[str] = []
    for word in said.split():
        for part in (_PART.get(word) or ("THING" if word in _THINGS else _stem(word))).split():
            if not (part in _SAID_TWICE and parts and parts[-1] == part):
                parts.append(part)
    return "".join(part + " " for part in parts)


@lru_cache(maxsize=8192)
def _stem(word: str) -> str:
    return next((parts for stem, parts in _STEMS if stem.fullmatch(word)), word)
