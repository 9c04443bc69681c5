"""Does this text opt out, opt in or ask for help, by its words alone?

Called by `messaging.receive` in the transaction that stores the text. Two kinds of "yes":

- a carrier keyword: the whole message is one of the words that networks and the provider obey
  (STOP, UNSUBSCRIBE, END, QUIT, STOPALL, REVOKE, OPTOUT, CANCEL; START, UNSTOP, YES; HELP, INFO).
  What the carrier does with them happens whether we like it or not, so we do the same.
- free text that plainly revokes: any reasonable wording counts (47 CFR 64.1200(a)(10)), and the
  provider sees single words only.

The free-text part wants precision: CANCEL, END, YES and "no" are ordinary words in a delivery
thread. So every clause is matched whole, never searched for a word, and "stop by the store",
"cancel my order" or "no" are none of it. What it does not see, the assistant and people still do.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from enum import StrEnum


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
_REVOKED = Keyword(KeywordKind.OPT_OUT, How.FREE_TEXT)

_CARRIER = {
    **dict.fromkeys(("stop", "stopall", "stop all", "unsubscribe", "end", "quit"), _OPT_OUT),
    **dict.fromkeys(("revoke", "optout", "opt out", "opt-out", "cancel"), _OPT_OUT),
    **dict.fromkeys(("start", "unstop"), _OPT_IN),
    "yes": Keyword(KeywordKind.OPT_IN, How.YES),
    **dict.fromkeys(("help", "info"), _HELP),
}

# Nothing longer is a bare request, in characters: a buyer's story is for the assistant.
_LONGEST = 400
_LONGEST_CLAUSE = 120


def classify(text: str) -> Keyword | None:
    """The keyword in `text`, or None for an ordinary message. Under 0.2 ms."""
    folded = _fold(text[:_LONGEST])
    bare = _EDGES.sub("", folded)
    if found := _CARRIER.get(bare):
        return found
    if len(text) > _LONGEST or not _HINT.search(folded):
        return None
    clauses = [_without_courtesy(clause) for clause in _CLAUSE_END.split(folded)]
    spoken = [clause for clause in clauses if clause]
    if any(len(c) <= _LONGEST_CLAUSE and _REVOCATION.fullmatch(c) for c in spoken):
        return _REVOKED
    # A lone "stop" beside anything but courtesy may be about something else: "Stop, that tickles".
    if spoken and all(_LONE_WORD.fullmatch(clause) for clause in spoken):
        return _REVOKED
    return None


_QUOTES = str.maketrans("’‘`´ʼ", "'''''")
_EDGES = re.compile(r"^[\W_]+|[\W_]+$")
_CLAUSE_END = re.compile(
    r"[.!?;,:\n\r()\"“”…–—]+|\s-+\s|\s+(?:and|but)\s+(?=i\b|do\b|don't\b|take\b)"
)


def is_network_keyword(text: str) -> bool:
    """Whether toll-free networks answer this text themselves; the other keywords they ignore
    (support.twilio.com, article 360058144374)."""
    return len(text) <= _LONGEST and _EDGES.sub("", _fold(text)) in ("stop", "start", "unstop")


def _fold(text: str) -> str:
    """Lower case, plain quotes, no invisible characters, emoji or doubled spaces."""
    if text.isascii():
        return re.sub(r"[ \t]+", " ", text.translate(_QUOTES).lower()).strip()
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


# A text without any of these cannot revoke; most messages end here.
_HINT = re.compile(
    r"sto+p|uns|opt|quit|cease|end|remov|delete|tak|text|txt|messag|msg|sms|contact|alone|lose|revok"
    r"|cancel|spam|bother|list|alto|arr[eê]t"
)

# Words around a request that change nothing of it, in front and behind.
_COURTESY_BEFORE = re.compile(
    r"^(?:(?:please|pls|plz|pl|plse|kindly|just|hi|hey|hello|ok|okay|so|and|but|thanks|thank you|"
    r"thx|no(?! (?:more|longer|need))|nope|yeah|sorry|omg|seriously|again|now|sir|dear sir|guys|"
    r"i said|i told you to|i am asking you to|i'm asking you to|you need to|you must|"
    r"(?:can|could|would|will) (?:you|u|yall|y'all|we)|would you mind|"
    r"i (?:want|need|would like) you to|i'd like you to|you guys need to)\b ?)+"
)
_COURTESY_AFTER = re.compile(
    r"(?: ?\b(?:please|pls|plz|thanks|thank you|thank u|ty|thx|thanx|now|right now|already|"
    r"immediately|asap|at once|today|for good|forever|ok|okay|sir|guys|so much|very much|"
    r"thank you so much|thank you very much))+$"
)


def _without_courtesy(clause: str) -> str:
    clause = re.sub(r"[^\w' -]+", " ", clause)
    clause = " ".join(clause.split())
    clause = _COURTESY_BEFORE.sub("", clause)
    return _COURTESY_AFTER.sub("", clause).strip(" -'")


_LONE_WORD = re.compile(
    r"sto+p+|(?:sto+p ?)+|stop ?all|opt[ -]?out|revoke|unsub(?:scribe)?|quit|alto|arr[eê]t"
)

_TEXTS = (
    r"(?:(?:all|any|any more|anymore|more|the|these|this|those|that|your|ur|of|such|spam|"
    r"unwanted|annoying|automated|future|further|sms|text|txt|phone|marketing) )*"
    r"(?:texts?|txts?|texting|txting|text messages?|messages?|messaging|messaging me|msgs?|sms|"
    r"spam|notifications?|alerts?|communications?|reminders?)"
)
_ME = r"(?:me|us|this number|my number|my phone|here|this phone)"
_FROM_YOU = (
    r"(?: (?:from|by|to|at|on) (?:you|u|your company|your store|your shop|this number|this company|"
    r"y'all|them|my phone|my number|me|us))?"
)
_EVER = (
    r"(?: (?:again|anymore|any more|ever again|ever|any longer|all the time|every day|so much))?"
)
_LIST = (
    r"(?:(?:your|ur|the|this|that|all|any|these|those|you) )*"
    r"(?:(?:text|texting|sms|mailing|messaging|message|contact|phone|call|marketing) )*"
    r"(?:lists?|database|system|records|distribution(?: list)?|texts?|text messages|messages|sms|"
    r"here|there|this)"
)
_UNSUBSCRIBE = r"(?:unsub|unsubscribe|unsubcribe|unsuscribe|unsubscibe|unscribe|unsubscribed)"
_LEAVE = (
    rf"(?:{_UNSUBSCRIBE}(?: me| us| this number| my number)?|opt(?: me| us)?[ -]out|"
    rf"be (?:unsubscribed|removed|taken off|opted out)|"
    rf"(?:revoke|withdraw)(?: my)? (?:consent|permission))"
    rf"(?: (?:of|from|to|for) (?:{_LIST}|{_TEXTS}|receiving {_TEXTS}|everything|this number))?"
)
_WISH = (
    r"(?:i (?:want|wish|would like|need|wanna|have) to |i'd like to |i'd love to |let me |"
    r"how (?:do|can|to|would) (?:i |you )?|i am trying to |i'm trying to |want to |trying to )"
)
_DO_NOT = r"(?:do not|don't|dont|do n't|never|no need to)(?: you)?(?: ever)?"
_TEXTING = (
    r"(?:texting|txting|messaging|messagin|contacting|spamming|bothering|harassing|pestering)"
)
_TEXT = r"(?:text|txt|message|msg|contact|sms)"
_I_DO_NOT = r"i (?:do not|don't|dont|no longer)"

_REVOCATION = re.compile(
    "|".join(
        (
            # "stop texting me", "stop with the messages", "quit spamming this number"
            rf"(?:sto+p|quit|cease)(?: with)? {_TEXTING}(?: {_ME})?{_EVER}{_FROM_YOU}",
            rf"(?:sto+p|quit|cease|end|cancel|discontinue|no more)(?: with)?"
            rf"(?: (?:sending|the sending of|sendin))?(?: {_ME})? {_TEXTS}{_FROM_YOU}{_EVER}",
            rf"sto+p send(?:ing)?(?: {_ME})?(?: (?:these|this|those|anything|stuff))?{_EVER}",
            r"sto+p (?:this|these|all of this|all this|all of these|now)",
            # "do not text me again", "don't send me any more messages"
            rf"{_DO_NOT} (?:{_TEXT}|bother|spam) {_ME}{_EVER}{_FROM_YOU}",
            rf"{_DO_NOT} {_TEXT} (?:again|anymore|any more|ever again)",
            rf"{_DO_NOT} send(?: {_ME})? {_TEXTS}{_FROM_YOU}{_EVER}",
            rf"(?:{_I_DO_NOT}|i didn't|i never) (?:want|wish|need|agreed?|consent(?:ed)?|asked?|"
            rf"sign(?:ed)? up)(?: to| for)?(?: (?:get|receive|be)(?:t?ing)?)?(?: receiving)? "
            rf"{_TEXTS}{_FROM_YOU}{_EVER}",
            rf"{_I_DO_NOT} (?:want|wish) to be "
            rf"(?:texted|contacted|messaged|bothered){_FROM_YOU}{_EVER}",
            # "remove me from your list", "take my number off"
            rf"(?:remove|delete|drop|erase) (?:me|us|my number|this number|my phone number|"
            rf"my phone)(?: (?:from|off|off of|out of) {_LIST})?",
            rf"take (?:me|us|my number|this number|my phone number|my name) off"
            rf"(?: (?:of )?{_LIST})?",
            rf"get (?:me|my number) off (?:of )?{_LIST}",
            r"lose (?:my|this) number",
            r"leave (?:me|us) alone",
            # "unsubscribe me", "how do I opt out of these texts"
            rf"(?:{_WISH}|i )?{_LEAVE}",
            rf"{_WISH}(?:stop|quit|end|cancel)(?: (?:getting|receiving))? {_TEXTS}{_FROM_YOU}",
            # the line that opts out, sent back
            r"(?:reply |text |send )?sto+p to (?:end|opt[ -]?out|unsubscribe|cancel|quit|stop)",
            r"(?:reply|text|texting|send|sending) stop",
        )
    )
)
