"""Does this text opt out, opt in or ask for help, by its words alone?

Called by `understand` and by `messaging.receive` in the transaction that stores the text. A carrier
keyword: the whole message is one of the words that networks and the provider obey (STOP,
UNSUBSCRIBE, END, QUIT, STOPALL, REVOKE, OPTOUT, CANCEL; START, UNSTOP, YES; HELP, INFO). What the
carrier does with them happens whether we like it or not, so we do the same. Free text that revokes
(47 CFR 64.1200(a)(10)) is `opt_out`'s to see: the provider sees single words only.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from enum import StrEnum

from app.understanding.fold import plain
from app.understanding.opt_out import Verdict, read_opt_out


class KeywordKind(StrEnum):
    OPT_OUT = "opt_out"
    OPT_IN = "opt_in"
    HELP = "help"


class How(StrEnum):
    CARRIER_KEYWORD = "carrier keyword"
    YES = "yes"  # an opt-in only for a contact who is opted out; else an ordinary answer
    FREE_TEXT = "free text"


@dataclass(frozen=True)
class Keyword:
    kind: KeywordKind
    how: How


_OPT_OUT = Keyword(KeywordKind.OPT_OUT, How.CARRIER_KEYWORD)
_OPT_IN = Keyword(KeywordKind.OPT_IN, How.CARRIER_KEYWORD)
_HELP = Keyword(KeywordKind.HELP, How.CARRIER_KEYWORD)

_CARRIER = {
    **dict.fromkeys(("stop", "stopall", "stop all", "unsubscribe", "end", "quit"), _OPT_OUT),
    **dict.fromkeys(("revoke", "optout", "opt out", "opt-out", "cancel"), _OPT_OUT),
    **dict.fromkeys(("start", "unstop"), _OPT_IN),
    "yes": Keyword(KeywordKind.OPT_IN, How.YES),
    **dict.fromkeys(("help", "info", "ayuda", "aide"), _HELP),
}

_LONGEST = 60  # in characters: a keyword is all that is said


def carrier_keyword(text: str) -> Keyword | None:
    """The word that networks and providers obey, if `text` is nothing else."""
    if len(text) > _LONGEST:
        return None
    return _CARRIER.get(_all_said(text))


def classify(text: str) -> Keyword | None:
    """What the text does to consent by its own words, without a question that it may answer."""
    if found := carrier_keyword(text):
        return found
    revoked = read_opt_out(plain(text), asked=False).verdict is Verdict.YES
    return Keyword(KeywordKind.OPT_OUT, How.FREE_TEXT) if revoked else None


_QUOTES = str.maketrans("’‘`´ʼ", "'''''")
_BETWEEN_EDGES = re.compile(r"[^\W_](?:.*[^\W_])?", re.DOTALL)


def is_network_keyword(text: str) -> bool:
    """Whether toll-free networks answer this text themselves; the other keywords they ignore
    (support.twilio.com, article 360058144374)."""
    return len(text) <= _LONGEST and _all_said(text) in ("stop", "start", "unstop")


def _all_said(text: str) -> str:
    """What is left of a text without the signs around it."""
    found = _BETWEEN_EDGES.search(_fold(text))
    return found[0] if found else ""


def _fold(text: str) -> str:
    """Lower case, plain quotes, no invisible characters, emoji or doubled spaces."""
    if text.isascii():
        text = text.replace("`", "'").lower()
        if "  " in text or "\t" in text:
            text = re.sub(r"[ \t]+", " ", text)
        return text.strip()
    text = unicodedata.normalize("NFKC", text).translate(_QUOTES).casefold()
    kept = (
        ""
        if unicodedata.category(char) in ("Cf", "Mn", "Me", "Cn", "Co")
        else " "
        if unicodedata.category(char) in ("So", "Sk", "Zs", "Zl", "Zp")
        else char
        for char in text
    )
    return re.sub(r"[ \t]+", " ", "".join(kept)).strip()
