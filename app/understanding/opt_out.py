"""Does this text ask us to stop texting? Yes, no, or so unclear that one question is due.

Called by `understand` after the carriers' words are ruled out. Any reasonable wording revokes
(47 CFR 64.1200(a)(10)), yet STOP, END, CANCEL and "no" are ordinary words in a delivery thread.
So a text becomes clauses, a clause becomes parts of speech (`opt_out_words`), and rules with
scores read those (`opt_out_rules`). Scores of several rules add up as independent witnesses do.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from app.understanding.fold import clauses, plain
from app.understanding.likeness import Likeness, groups_in
from app.understanding.opt_out_rules import GUARDS, PLAIN, PLAUSIBLE, Rule, worth_trying
from app.understanding.opt_out_words import KEYS, is_telling, parts_of_speech
from app.understanding.pleasantry import is_pleasantry


class Verdict(StrEnum):
    YES = "yes"
    NO = "no"
    AMBIGUOUS = "ambiguous"


@dataclass(frozen=True)
class OptOut:
    verdict: Verdict
    rule: str  # what decided, for people: names of rules, or why not
    score: float  # 0 to 1
    soft: bool = False  # rests on "not interested" alone, which may answer an offer
    by_sound: bool = False  # no rule, but it sounds like leaving, whatever was asked
    marketing: bool = (
        False  # revokes consent to marketing by another channel: e-mails, a newsletter
    )


# What no rule has recognised, and yet sounds like leaving (`likeness`): from where on it is obeyed,
# and from where on one question is due. The second is low: to ask once costs little.
SOUNDS_PLAIN = 2.5
SOUNDS_PLAUSIBLE = 0.3
_LEAVING = Likeness("opt_out")

# "Delete my data", and the code that confirms it, have an answer of their own (`privacy`), which
# ends the texts too. What plainly asks for no texts beside it is a rule's.
_ABOUT_DATA = re.compile(
    r"\b(?:my|mis) (?:\w+ )?(?:data|datos)\b|^\W*(?:delete|borrar)\W{1,3}\d{6}\b"
)
NOT_AT_ALL = OptOut(Verdict.NO, "nothing asks us to stop", 0.0)


def read_opt_out(text: str, *, asked: bool, about_texting: bool = False) -> OptOut:
    """The verdict on `text` as `fold.plain` gives it; `asked`: it may answer a question of ours;
    `about_texting`: whether we should go on texting, to which “please” is an answer."""
    spoken = [Clause(words) for words in clauses(text, keys=KEYS)]
    if not about_texting and all(is_pleasantry(clause.words) for clause in spoken):
        return NOT_AT_ALL
    found: dict[str, float] = {}
    blocked = ""
    marketing = False
    for clause in spoken:
        for rule, guard in clause.matches():
            if guard:
                blocked = f"{rule.name}, but {guard}"
            elif clause.about_mail and rule.name in MAIL_TOO:
                marketing = True
            else:
                found[rule.name] = max(found.get(rule.name, 0.0), rule.score)
        marketing = marketing or clause.ends_mail
    if "wrong number" in found and _ASTRAY.search(text):
        del found["wrong number"]
        blocked = "wrong number, but it was theirs"
    if _whole_message(spoken):
        found["whole message"] = 0.9
    if lone := _lone_stop(spoken):
        if lone[1]:
            found.setdefault(*lone)
        else:
            blocked = blocked or "stop, but said in delight"
    if not (found or asked) and _unclear_alone(spoken):
        found["unclear alone"] = 0.5
    score = 1.0
    for one in found.values():
        score *= 1 - one
    score = round(1 - score, 3)
    names = ", ".join(sorted(found, key=lambda name: (-found[name], name)))
    if score >= PLAIN:
        return OptOut(
            Verdict.YES, names, score, found.keys() == {"not interested"}, marketing=marketing
        )
    if score >= PLAUSIBLE:
        return OptOut(Verdict.AMBIGUOUS, names, score, marketing=marketing)
    if not (blocked or marketing or _ABOUT_DATA.search(text)):
        sound = _LEAVING.of(groups_in(_runs(spoken)))
        if sound.score >= SOUNDS_PLAUSIBLE:
            plainly = sound.score >= SOUNDS_PLAIN
            return OptOut(
                Verdict.YES if plainly else Verdict.AMBIGUOUS,
                f"sounds like leaving: {sound.because}",
                PLAIN if plainly else PLAUSIBLE,
                by_sound=True,
            )
    return OptOut(Verdict.NO, blocked or NOT_AT_ALL.rule, score, marketing=marketing)


def words_of_leaving(text: str) -> list[list[str]]:
    """What `likeness` reads, and learns from: each clause as it was said and as parts of speech."""
    return _runs([Clause(words) for words in clauses(plain(text), keys=KEYS)])


def _runs(spoken: list[Clause]) -> list[list[str]]:
    return [run.split() for clause in spoken for run in {clause.words, clause.parts.strip()}]


# The buyer's own text went astray: "oops wrong number, that was for my sister".
_ASTRAY = re.compile(r"\bmeant (?:to|for|it)\b|\b(?:that|this)(?: \w+)? was (?:meant )?for\b")
MAIL_TOO = frozenset(
    {"unsubscribe", "remove me", "stop texting", "do not send", "no texts", "unwanted"}
)
# All that is said, apart from courtesy: carriers' words misspelt, and what is obeyed in Spanish.
WHOLE_MESSAGES = frozenset(
    (
        *("stop", "unsubscribe", "cancel", "end", "quit", "revoke", "discontinue"),
        *("cancell", "no more", "nomore"),
        *("baja", "solicito la baja", "salir", "fuera", "cancelar", "remover"),
        *("nomas", "no mas", "ya no mas", "ne plus"),
    )
)
_BARE_ONLY = frozenset(("cancel", "end", "cancelar"))
_COURTESY = re.compile(
    r"\b(?:please|pls|plz|thanks|thank you|thx|ty|por favor|porfa|gracias|svp|merci|now)\b"
)
_ENDS_MAIL = re.compile(
    r"(?<!\S)(?:STOP|UNSUB|END|REMOVE|NOMORE|NOT (?:\S+ )?(?:WANT|SEND)) (?:\S+ ){0,6}?MAIL "
)


class Clause:
    """One clause, as it was meant and as parts of speech; each part ends with a space."""

    def __init__(self, words: list[str]) -> None:
        self.words = " ".join(words)
        self.telling = is_telling(words)
        self.parts = parts_of_speech(words) if self.telling else self.words + " "
        if self.words == "discontinue" or self.parts in (
            "STOPS ",
            "STOPS ME ",
            "STOPS D ",
            "para ",
            "deja ",
        ):
            self.parts = "STOP "

    @property
    def about_mail(self) -> bool:
        return "MAIL " in self.parts and "TXT " not in self.parts

    @property
    def ends_mail(self) -> bool:
        return bool(self.about_mail and _ENDS_MAIL.search(self.parts))

    def matches(self) -> Iterable[tuple[Rule, str]]:
        """Rules that match, each with the name of the guard that takes it away, or "" for none."""
        if not self.telling:
            return
        for rule in worth_trying(set(self.parts.split())):
            if match := rule.pattern.search(self.parts):
                before = self.parts[: match.start()]
                taken = (g.name for g in GUARDS if before and g.takes(match[0], before))
                yield rule, next(taken, "")


def _unclear_alone(spoken: list[Clause]) -> bool:
    return all(_UNCLEAR.fullmatch(clause.words) for clause in spoken)


def _whole_message(spoken: list[Clause]) -> bool:
    if len(spoken) != 1:
        return False
    said = spoken[0].words
    bare = " ".join(_COURTESY.sub(" ", said).split())
    if bare in _BARE_ONLY:  # "please cancel" may well be the order
        return bare == said
    return bare in WHOLE_MESSAGES or said.replace(" ", "") == "stop"


# A lone "stop" among other sentences is about us, unless the rest is delight: "Stop! I love it".
_DELIGHT = re.compile(
    r"\b(?:love|loving|lov|cute|sweet|amazing|gorgeous|beautiful|perfect|kind|funny|laughing|lol"
    r"|haha|ha|adorable|"
    r"best|great|awesome|wow|obsessed|crying|dying|tickles|blushing|drooling|shouldnt have|happy"
    r"|pretty|nice|cutest|prettiest|softest|sweetest|nicest|fabulous|stunning|encanta|jadore|adore|adoro|genial|lindo|hermoso)\b"
)
_ORDER = re.compile(r"\bTHING\b|\bwrong\b|\baddress\b")


_LONE = re.compile(r"(?:you |u )?(?:STOP )+(?:(?:D|STUFF|everything|you|u) )*")


def _lone_stop(spoken: list[Clause]) -> tuple[str, float] | None:
    """What a "stop" that is a clause of its own says: a rule and its score, 0.0 for nothing."""
    lone = [clause for clause in spoken if _LONE.fullmatch(clause.parts)]
    if not lone:
        return None
    rest = [clause for clause in spoken if clause not in lone and clause.parts]
    if rest and all(clause.words in ("alto", "para", "deja", "pare") for clause in lone):
        return ("", 0.0)  # ordinary words in Spanish
    if any(_DELIGHT.search(clause.words) for clause in rest):
        return ("", 0.0)
    if any(_ORDER.search(clause.parts) for clause in rest) and spoken[-1] not in lone:
        return ("stop beside an order matter", 0.5)
    return ("stop", 0.95 if not rest else 0.85)


# Alone and unasked for, these may mean the texts or anything else.
_UNCLEAR = re.compile(
    r"(?:(?:no|nope|nah|n|nop|non|pass|hard pass|no way|nah|please|pls|thanks|thank you|ty|gracias"
    r"|merci|im good|i am good|"
    r"por favor|no need|not for me|its not for me|this isnt for me|not me|this isnt me"
    r"|thats not me|im not the one who (?:ordered|bought|placed|got|sent)(?: it| this)?|"
    r"(?:i )?(?:dont|do not|no longer) (?:want|need) (?:it|this|these|that|anything)(?: anymore)?"
    r"|dont do (?:that|it|this)|(?:dont|do not)(?! cancel| end| stop)|"
    r"im done(?: here| with (?:this|it|you))?|i am done(?: here)?|thats it|over it|im over it|"
    r"(?:thats |thats quite )?enough|too much|suficiente|ya (?:fue|es) suficiente|ya estuvo|ya no"
    r"|ya no quiero(?: nada)?|no quiero(?: nada)?|"
    r"no necesito(?: nada)?|(?:please )?(?:cancel|end)(?: (?:it|this|that|all|everything))?"
    r"|quiero cancelar|cancelar|cancelalo|cancelala|"
    r"cancelenlo|cancelen|stop it|"
    r"i decline|lawyer|attorney|(?:can |could )?(?:you|u|yall)(?: guys)? not"
    r"|off|off please|i said no|no means no|ya les dije que no|annoying"
    r"|take a hint|dont want em"
    r"|(?:i )?dont want any of (?:this|that|it|these)|shut up|screw (?:you|u)|fuck (?:you|u)|i quit"
    r"|not my number|no soy yo|nevermind|never mind"
    r"|that is enough)(?: |$))+"
)
