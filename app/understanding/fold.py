"""A text as plain words: without case, accents, disguises, emoji and most typing errors.

Called by everything in this room before it reads. People opt out in a hurry and in anger: "STPO",
"S T O P", "st0p", "unsubsribe", "stoptexting". Here all of these become the word that was meant,
so that the rules above need to know only one spelling.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache

LONGEST = 1600  # characters: Twilio's limit for one text; what lies beyond is not read

_QUOTES = str.maketrans("’‘`´ʼ′", "''''''")
# Cyrillic and Greek letters that are typed, or chosen, for the Latin ones they look like.
_LOOKALIKES = str.maketrans("ѕоретасхіуорԛкմν", "sopetacxiyopqkuv")
_STOP_SIGNS = re.compile("[🛑⛔🚫✋🤚🖐🙅🖕🚷📵]")
_ELISION = re.compile(r"\b([dlmnst])'(?=[aehiouy]\w\w)")  # m'écrire; not I'm, not don't
_JOINT = frozenset(
    ["and", "but", "because", "bc", "cuz", "since", "however", "pero", "y", "aunque", "mais"]
)
_APOSTROPHE = re.compile(r"(?<=[a-z])'(?=[a-z])")
_CLAUSE_END = re.compile(r"[.!?;,:\n\r()\[\]\"“”«»…–—¡¿]+|\s(?:-+|/|\|)\s")
_TEXT_AND_DRIVE = re.compile(r"\btext(?:ing)? (?:and|&|n|while) driv\w+")
_NUMBER_SIGN = re.compile(r"#(?!\s*\w*\d)")
_WORD = re.compile(r"[a-z0-9$@*'!|]+")
_SPACED = re.compile(r"(?<![a-z0-9])[a-z0-9](?:[ .\-_*·,]{1,3}[a-z0-9]){2,}(?![a-z0-9])")
_HIDDEN = {"Cf", "Mn", "Me", "Cn", "Co", "Cs"}
_BLANK = {"So", "Sk", "Zs", "Zl", "Zp", "Cc"}


def plain(text: str) -> str:
    """Lower case ASCII letters as far as possible, plain quotes; a stop sign becomes a word."""
    text = text[:LONGEST]
    if not text.isascii():
        text = _STOP_SIGNS.sub(" stopsign ", text.replace("ı", "i"))
        text = unicodedata.normalize("NFKD", text.translate(_QUOTES)).casefold()
        text = text.translate(_LOOKALIKES)
        text = "".join(map(_shown, text))
    text = text.replace("`", "'") if text.isascii() else text.translate(_QUOTES)
    text = _NUMBER_SIGN.sub(" number ", text.lower())
    if "  " in text or "\t" in text:
        text = re.sub(r"[ \t]+", " ", text)
    return text.strip()


def _shown(char: str) -> str:
    if char < "\x7f":
        return char
    kind = unicodedata.category(char)
    if kind in _HIDDEN:
        return ""
    return " " if kind in _BLANK else char


def clauses(text: str, *, keys: KeyWords) -> list[list[str]]:
    """The words of `text` (as `plain` gives it), clause by clause, spelt as they were meant."""
    # Every text comes by here, so what a pattern cannot do without is looked for first.
    if "driv" in text:
        text = _TEXT_AND_DRIVE.sub("drive", text)
    text = _SPACED.sub(lambda m: _together(m, keys), text)
    if "." in text:
        text = re.sub(r"(?<=[a-z])\.(?=[a-z])", " ", text)  # stop.texting.me
    if "'" in text:
        text = _APOSTROPHE.sub("", _ELISION.sub(r"\1 ", text))
    found = []
    for clause in _CLAUSE_END.split(text):
        words: list[str] = []
        for raw in _WORD.findall(clause.replace("-", " ")):
            if raw in _JOINT:
                found.append(words)
                words = []
            else:
                words += keys.meant(raw)
        found.append(words)
    return [words for words in found if words]


def _together(spaced: re.Match[str], keys: KeyWords) -> str:
    """S T O P is one word, but "size 8 9 0" and "p.s." are not."""
    joined = re.sub(r"[^a-z0-9]", "", spaced[0])
    return " ".join(keys.split_glued(joined) or [spaced[0]]) if joined[0] not in "69" else spaced[0]


_LEET = str.maketrans("013457$@!|", "oieastsaii")


class KeyWords:
    """Known words; those worth recognising misspelt; real words that only look misspelt; and the
    parts that people run together."""

    def __init__(self, words: Iterable[str], *, misspelt: str, real: str, glued: str) -> None:
        self.words = frozenset(words)
        self._real = frozenset(real.split())
        self._near: dict[str, set[str]] = {}
        for word in misspelt.split():
            for piece in {word, *_without_one(word)}:
                self._near.setdefault(piece, set()).add(word)
        part = "|".join(sorted(glued.split(), key=len, reverse=True))
        self._glued = re.compile(rf"(?:{part})+")
        self._part = re.compile(part)
        self.meant = lru_cache(maxsize=8192)(self._meant)

    def _meant(self, raw: str) -> tuple[str, ...]:
        word = raw.strip("'!*|@").replace("'", "")
        if not word or word in self.words or word in self._real or word.isdigit():
            return (word,) if word else ()
        letters = word if word.isalpha() else word.translate(_LEET)
        if "*" in letters:
            letters = self._fill_stars(letters)
        for tried in dict.fromkeys((letters, _unrepeated(letters, 2), _unrepeated(letters, 1))):
            if tried in self.words and (word.isalpha() or len(tried) > 3):
                return (tried,)
            if tried in self._real:
                return (tried,)
        if parts := self.split_glued(letters):
            return tuple(parts)
        if not (word.isalpha() or "*" in word) and len(re.sub(r"[a-z]", "", word)) > 2:
            return (word,)
        close = self._closest(_unrepeated(letters, 2))
        return (close or word,)

    def split_glued(self, letters: str) -> list[str]:
        letters = letters.translate(_LEET)
        if letters in self.words:
            return [letters]
        if len(letters) >= 6 and self._glued.fullmatch(letters):
            return self._part.findall(letters)
        return []

    def _fill_stars(self, word: str) -> str:
        shape = re.compile(word.replace("*", "."))
        return next((key for key in sorted(self.words) if shape.fullmatch(key)), word)

    def _closest(self, word: str) -> str | None:
        """The key word one slip of the finger away, the longest and first-letter-true first."""
        if not 3 <= len(word) <= 16:
            return None
        tried = {word, *_without_one(word)}
        near = {key for piece in tried for key in self._near.get(piece, ())}
        fitting = [key for key in near if _one_slip(word, key)]
        return min(fitting, key=lambda key: (key[0] != word[0], -len(key), key), default=None)


def _without_one(word: str) -> set[str]:
    return {word[:i] + word[i + 1 :] for i in range(len(word))}


def _unrepeated(word: str, most: int) -> str:
    return re.sub(r"(.)\1{2,}", lambda m: m[1] * most, word)


def _one_slip(typed: str, key: str) -> bool:
    """One letter too many, missing, wrong or swapped with its neighbour."""
    if len(key) < 4 or (len(key) == 4 and typed[:1] != key[:1] and len(typed) < 4):
        return False
    shorter, longer = sorted((typed, key), key=len)
    if len(longer) - len(shorter) > 1:
        return False
    if len(shorter) < len(longer):
        return shorter in _without_one(longer)
    wrong = [i for i, (a, b) in enumerate(zip(typed, key, strict=True)) if a != b]
    if len(wrong) == 2:
        i, j = wrong
        return j == i + 1 and typed[i] == key[j] and typed[j] == key[i]
    return len(wrong) <= 1
