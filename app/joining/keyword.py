"""A shop's own word to join by text: which words it may be, and whether a text is it.

Pure, but for `save_keyword`, which the operator's command calls. A word has one meaning on a
number: what carriers obey (STOP, START, HELP and their relatives), what reads as an opt-out, and
what buyers say in an ordinary thread cannot join anybody.
"""

from __future__ import annotations

import re
import unicodedata
from datetime import datetime

from app.foundation.db import Session
from app.foundation.errors import Refused
from app.joining.sources import PRINTED, Source
from app.shops.configure import save_preferences
from app.understanding.keywords import classify

SHORTEST, LONGEST = 3, 20
# Whole messages that a buyer may send at any time and mean something else by.
_ORDINARY = frozenset(
    (
        *("yes", "yeah", "yep", "yup", "nope", "sure", "okay", "thanks", "thank you", "thx"),
        *("hello", "hey", "what", "who", "why", "when", "where", "how", "good", "great", "perfect"),
        *("fine", "received", "got it", "done", "wait", "return", "exchange", "refund", "order"),
        *("track", "status", "delivered", "late", "size", "call", "call me", "agent", "human"),
        *("person", "confirm", "confirmed", "continue", "remove", "delete", "finish", "exit"),
        *("leave", "pause", "never mind", "yes please", "no thanks", "all good", "good morning"),
        *("not yet", "on time", "i did", "i do", "it did", "my order", "text back", "please"),
    )
)
_WORD = re.compile(r"[A-Z0-9]+(?: [A-Z0-9]+)*")


def fold(text: str) -> str:
    """Letters and digits only, in one case: "Text  me!" and "TEXT ME" are one."""
    plain = unicodedata.normalize("NFKC", text).casefold()
    return " ".join(re.findall(r"[^\W_]+", plain))


def is_yes(text: str) -> bool:
    """A yes to "Reply Y to confirm", and nothing more than that."""
    return fold(text) in ("y", "yes", "yes please", "yeah", "yep", "yup")


def read_join(text: str, keyword: str) -> Source | None:
    """Where the buyer comes from if the whole text is the keyword, alone or with a source after it
    (as our prewritten texts have it: "TEXT ME qr"); else None."""
    said, wanted = fold(text), fold(keyword)
    if said == wanted:
        return Source.DIRECT
    for source in PRINTED:
        if said == f"{wanted} {source}":
            return source
    return None


def check_keyword(keyword: str) -> str:
    """The keyword as it is stored and advertised. Raises Refused with the fault and a remedy."""
    word = " ".join(keyword.upper().split())
    if not SHORTEST <= len(word) <= LONGEST or not _WORD.fullmatch(word):
        raise Refused(
            "join_keyword",
            f"a keyword has {SHORTEST} to {LONGEST} plain letters, digits and spaces, such as"
            " TEXT ME",
        )
    if classify(word) is not None:
        raise Refused(
            "join_keyword",
            f"{word} already means something to the carriers or reads as an opt-out; choose a word"
            " that buyers say for this alone, such as TEXT ME",
        )
    if fold(word) in _ORDINARY or not any(char.isalpha() for char in word):
        raise Refused(
            "join_keyword",
            f"{word} is what buyers write for other reasons; choose a word of your own, such as"
            " TEXT ME or your shop's name",
        )
    return word


def save_keyword(
    session: Session, *, now: datetime, shop_id: int, actor: str, keyword: str | None
) -> None:
    """Raises Refused. None: no text joins any more; who has joined stays."""
    save_preferences(
        session,
        now=now,
        shop_id=shop_id,
        actor=actor,
        changes={"join_keyword": None if keyword is None else check_keyword(keyword)},
    )
