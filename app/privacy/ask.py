"""Does this text ask for the buyer's data, or to have it deleted?

Called by `privacy.answer` with every text that comes in, so it must be quick and precise: a clause
is matched whole, never searched for a word. What it starts is a legal matter with a date, so "send
me my tracking info", "delete my card" and "did you delete my data?" are none of it. What it does
not see, people still do.

No form is prescribed to the buyer (GDPR article 12, recital 59; 11 CCR 7020-7028), and many of them
write Spanish.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import Literal

Kind = Literal["export", "erase"]
Language = Literal["en", "es"]


@dataclass(frozen=True)
class Ask:
    kind: Kind
    language: Language


@dataclass(frozen=True)
class Confirmation:
    """The text that we asked for before an erasure: the word, and the code of that one request."""

    code: str
    language: Language


_LONGEST = 400  # in characters: a buyer's story is for people
_LONGEST_CLAUSE = 160
_HINT = re.compile(
    r"dat[ao]|info|detail|record|history|forgotten|delet|erasure|access request|"
    r"\b(?:about|on|of) me\b|borr|elimin|\b(?:sobre|de) mi\b"
)
_CONFIRM = re.compile(r"(?P<word>delete|borrar)\W{1,3}(?P<code>\d{6})")
_CLAUSE_END = re.compile(r"[.!?;:\n\r()\"“”…–—¿¡]+|\s-+\s|,\s*|\s+(?:and|but|y|pero)\s+")
_QUOTES = str.maketrans("’‘`´ʼ", "'''''")


def read_ask(text: str) -> Ask | Confirmation | None:
    """What the text asks for, or None for an ordinary one. Erasing wins over exporting: whoever
    asks for both is asked again before anything is deleted."""
    if len(text) > _LONGEST:
        return None
    folded = _fold(text)
    if not _HINT.search(folded):
        return None
    if found := _CONFIRM.fullmatch(folded.strip(" .!\"'")):
        return Confirmation(found["code"], "en" if found["word"] == "delete" else "es")
    asks = [ask for clause in _CLAUSE_END.split(folded) if (ask := _read_clause(clause))]
    return next((ask for ask in asks if ask.kind == "erase"), asks[0] if asks else None)


def _read_clause(clause: str) -> Ask | None:
    bare = " ".join(re.sub(r"[^\w' ]+", " ", clause).split())
    if not bare or len(bare) > _LONGEST_CLAUSE:
        return None
    bare = _BEFORE.sub("", bare, count=1)
    bare = _AFTER.sub("", bare, count=1).strip()
    for pattern, kind, language in _PATTERNS:
        if pattern.fullmatch(bare):
            return Ask(kind, language)
    return None


def _fold(text: str) -> str:
    """Lower case, full-width made plain, accents and invisible characters gone."""
    if text.isascii():
        return text.replace("`", "'").lower()
    spread = unicodedata.normalize("NFKD", text.translate(_QUOTES))
    return "".join(
        c for c in spread.casefold() if unicodedata.category(c) not in ("Mn", "Cf")
    ).translate(_QUOTES)


_BEFORE = re.compile(
    r"^(?:(?:please|pls|plz|hi|hello|hey|ok|okay|so|also|then|now|just|kindly|"
    r"(?:can|could|would|will) (?:you|u)|would you mind|i'd like you to|i (?:want|need) you to|"
    r"i would like you to|you need to|you must|i am asking you to|i'm asking you to|"
    r"i (?:hereby )?(?:request|demand) that you|tell me|let me know|"
    r"por favor|hola|oye|oigan|ok|"
    r"(?:pueden?|podrian?|puedes|podrias)|quiero que|quisiera que|necesito que|me gustaria que|"
    r"diganme|dime|digame) )+"
)
_AFTER = re.compile(
    r"(?: (?:please|pls|plz|thanks|thank you|now|right now|immediately|asap|at once|today|"
    r"permanently|completely|for good|forever|por favor|gracias|ya|ahora|ahora mismo|"
    r"inmediatamente|para siempre))+$"
)

_ALL = r"(?:(?:all|any|any and all|all of|every bit of|the) )*"
_DATA = r"(?:data|info|information|details|personal details|records|history)"
_ABOUT = (
    r"(?: (?:that )?(?:you|u|y'all|you guys)(?: all)?(?: may| might|'ve)?(?: have| hold| keep|"
    r" store| got| collected| saved)*)?"
    r"(?: (?:about|on|of|for) (?:me|my number|this number))?"
    r"(?: (?:from|in|out of) (?:your|the|ur)(?: \w+)? (?:system|systems|database|records|files|"
    r"servers?|platform))?(?: on file)?"
)
_DELETE = r"(?:delete|erase|wipe|destroy|purge|remove|get rid of)"
_WISH = (
    r"(?:i (?:want|need|wish|would like) to |i'd like to |i want |i need |i would like |"
    r"i'd like |i request |i am requesting |i'm requesting |how (?:do|can) i |can i |could i |"
    r"may i |where (?:do|can) i )?"
)
_MY_DATA = rf"{_ALL}my (?:personal |own |private )*{_DATA}{_ABOUT}"
_EVERYTHING = rf"(?:everything|whatever|anything|{_ALL}(?:personal )?{_DATA}){_ABOUT}"
# Bare "info" may be about the order: for an export it has to be personal, or about the buyer.
_MY_COPY = (
    rf"(?:{_ALL}my (?:personal |own |private )*data{_ABOUT}|"
    rf"{_ALL}my (?:personal |private )+{_DATA}{_ABOUT}|"
    rf"(?:{_ALL}(?:my |the )?(?:personal )?{_DATA}|everything) (?:that )?(?:you|u) "
    rf"(?:have|hold|keep|store|collected) (?:about|on|of) me)"
)
_COPY_OF = r"(?:a copy of |copies of |a download of )?"

_D = r"(?:datos|informacion|info)(?: personal(?:es)?)?"
_MIS = rf"(?:todos |toda |todas )?(?:mis |mi |los |la )?{_D}"
_TIENEN = (
    r"(?: que (?:ustedes )?(?:tienen?|tienes|guardan?|guardas|saben?|sabes))?"
    r"(?: (?:de|sobre) mi)?(?: de (?:su|sus|tu) (?:sistema|base de datos|registros|archivos))?"
)
_MIS_DATOS = (
    rf"(?:(?:todos |toda |todas )?(?:mis |mi ){_D}{_TIENEN}|"
    rf"(?:todo|{_MIS}) (?:lo )?que (?:ustedes )?(?:tienen?|tienes|guardan?|saben?|sabes) "
    r"(?:de|sobre) mi)"
)

_PATTERNS: tuple[tuple[re.Pattern[str], Kind, Language], ...] = (
    # "delete my data", "erase everything you have on me", "I want my data deleted"
    (re.compile(rf"{_WISH}{_DELETE} {_MY_DATA}"), "erase", "en"),
    (re.compile(rf"{_WISH}{_DELETE} {_EVERYTHING}(?<=me)"), "erase", "en"),
    (
        re.compile(
            rf"{_WISH}(?:have |get )?{_MY_DATA} (?:to be )?(?:deleted|erased|wiped|removed|purged)"
            r"(?: from (?:your|the) (?:system|database|records|files|servers?))?"
        ),
        "erase",
        "en",
    ),
    (
        re.compile(
            rf"{_WISH}(?:to )?(?:use|exercise|invoke) my right to (?:be forgotten|erasure|deletion|"
            r"delete)|i want to be forgotten|"
            r"(?:this is )?an? (?:data )?(?:erasure|deletion) request"
        ),
        "erase",
        "en",
    ),
    # "what do you know about me", "send me my data", "can I get a copy of my personal information"
    (
        re.compile(
            r"(?:what|which)(?: kind of)?(?: personal)?(?: data| info| information| details|"
            r" records| stuff)? (?:do|does|did) (?:you|u|y'all|you guys|your company|this company)"
            r"(?: all| even)? (?:have|know|hold|keep|store|collect|got|save)(?: stored| saved)?"
            r" (?:about|on|of) me"
        ),
        "export",
        "en",
    ),
    (
        re.compile(
            rf"{_WISH}(?:send me|give me|show me|email me|get me|get|have|see|access|download|"
            rf"export|request|receive) {_COPY_OF}{_MY_COPY}"
        ),
        "export",
        "en",
    ),
    (re.compile(rf"{_WISH}a copy of {_MY_COPY}"), "export", "en"),
    (
        re.compile(
            r"(?:this is )?an? (?:data )?(?:subject )?access request|"
            r"(?:this is )?a (?:subject )?data request"
        ),
        "export",
        "en",
    ),
    # "borren mis datos", "quiero eliminar toda mi información"
    (
        re.compile(
            r"(?:quiero |quisiera |necesito |deseo |como puedo )?"
            r"(?:borr(?:a|ar|e|en|ad|as)|elimin(?:a|ar|e|en|as)|suprim(?:a|an|e|ir)|"
            rf"quit(?:a|ar|e|en)) {_MIS_DATOS}"
        ),
        "erase",
        "es",
    ),
    # "¿qué saben de mí?", "mándenme mis datos", "quiero una copia de mis datos"
    (
        re.compile(
            rf"que (?:{_D} )?(?:saben?|sabes|tienen?|tienes|guardan?|guardas)(?: ustedes)?"
            r" (?:de|sobre) mi"
        ),
        "export",
        "es",
    ),
    (
        re.compile(
            r"(?:(?:envi|mand|d)(?:a|e|en|ar|eme|enme|ame|arme)(?: a)?|muestr[ea]n?me|"
            r"(?:quiero|quisiera|necesito|deseo)(?: ver| recibir| tener| descargar)?|"
            rf"(?:puedo|podria) (?:ver|recibir|tener)) (?:una copia de )?{_MIS_DATOS}"
        ),
        "export",
        "es",
    ),
)
