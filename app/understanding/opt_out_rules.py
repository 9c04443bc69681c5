"""What leaving sounds like: rules over the parts of speech that `opt_out_words` gives each word.

Read by `opt_out`; the rules themselves are data, beside this file. As words have become parts,
one rule holds for every synonym, typing error and language. A rule has a name and patterns, each
with a score (how sure it is by itself), written over one clause word by word:

    A|B     one of these           A|B?    or none           A|B*3    up to three of them
    ..3     up to three words      !A|B    but not one of these       ~A|B*3  three, none of these
    ^  $    the clause's ends      >       its end, or a word after which all texts are still meant
                                           ("text me at work"; but "text me the code" means one)

A guard reads what stands before a match: "don't stop texting", "my ex won't stop texting me".
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PLAIN = 0.8  # a text with this score opts out; from PLAUSIBLE on it deserves a question
PLAUSIBLE = 0.4

_TABLE: dict[str, Any] = tomllib.loads(
    (Path(__file__).parent / "data" / "opt_out_rules.toml").read_text(encoding="utf-8")
)
_GOES_ON = "|".join(_TABLE["goes_on"].split())
_USUAL = frozenset(
    [
        "NOT",
        "NO",
        "ME",
        "D",
        "i",
        "you",
        "u",
        "to",
        "WANT",
        "RECEIVE",
        "SEND",
        "he",
        "she",
        "they",
        "how",
        "que",
        "TXT",
        "de",
    ]
)


def _written_out(pattern: str) -> str:
    pattern = re.sub(r"\bTALK\b", "TXT|CONTACT|BOTHER|SPAM", pattern)
    pattern = re.sub(r"\bD\b", "D|BAD", pattern)  # "these texts", "unwanted texts"
    return re.sub(r"\bNOT\b", "NOT|NO", pattern)  # "don't"; Spanish and haste say "no"


def compiled(pattern: str) -> re.Pattern[str]:
    """A pattern as a regular expression over words that each end with a space."""
    made = ["" if pattern.startswith("^") else r"(?<!\S)"]
    for element in pattern.split():
        words, _, most = element.lstrip("~!").partition("*")
        if element in "^$":
            made.append(r"\A" if element == "^" else r"\Z")
        elif element == ">":
            made.append(rf"(?=\Z|(?:{_GOES_ON}) )")
        elif element.startswith(".."):
            made.append(rf"(?:\S+ ){{0,{element[2:]}}}?")
        elif element.startswith("!"):
            made.append(rf"(?!(?:{words}) )")
        elif element.startswith("~"):
            made.append(rf"(?:(?!(?:{words}) )\S+ ){{{'0,' + most if most else 1}}}")
        elif most:
            made.append(rf"(?:(?:{words}) ){{0,{most}}}")
        elif element.endswith("?"):
            made.append(rf"(?:(?:{words[:-1]}) )?")
        else:
            made.append(rf"(?:{words}) ")
    return re.compile("".join(made))


@dataclass(frozen=True)
class Rule:
    name: str
    score: float
    pattern: re.Pattern[str]
    needs: tuple[frozenset[str], ...]  # of each of these sets one word must occur

    @property
    def telling(self) -> frozenset[str]:
        """The least usual of the words that it cannot do without."""
        return min(self.needs, key=lambda need: (bool(need & _USUAL), len(need)))


def _rule(name: str, score: float, pattern: str) -> Rule:
    pattern = _written_out(pattern)
    needs = tuple(
        frozenset(element.split("|"))
        for element in pattern.split()
        if element[0] not in "^$>!.~" and "*" not in element and "?" not in element
    )
    return Rule(name, score, compiled(pattern), needs)


RULES = tuple(
    _rule(row["name"], score, pattern)
    for row in _TABLE["rule"]
    for score, pattern in row["patterns"]
)
_BY_WORD: dict[str, list[int]] = {}
for _at, _one in enumerate(RULES):
    for _word in _one.telling:
        _BY_WORD.setdefault(_word, []).append(_at)


def worth_trying(words: set[str]) -> list[Rule]:
    """The rules that could match a clause of these words, in their order."""
    tried = sorted({at for word in words for at in _BY_WORD.get(word, ())})
    return [RULES[at] for at in tried if not any(words.isdisjoint(n) for n in RULES[at].needs)]


@dataclass(frozen=True)
class Guard:
    name: str
    of: tuple[str, ...]
    before: re.Pattern[str]

    def takes(self, match: str, before: str) -> bool:
        # "How can I stop getting texts", "what must I do to stop these"; not "I must stop texting".
        wish = self.name == "myself" and (
            "RECEIVE" in match or " D " in match or "how" in before or "what" in before
        )
        return match.startswith(self.of) and not wish and self.before.search(before) is not None


GUARDS = tuple(
    Guard(row["name"], tuple(row["of"].split()), compiled(row["before"])) for row in _TABLE["guard"]
)
