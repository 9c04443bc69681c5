"""What a check-in says: the default copy, the merchant's own, and the text that results.

`validate_copy` is called when a merchant saves copy, `render` when a check-in is sent. Whatever
passed the first is never refused by the second.

Three rules bind every check-in. A buyer's first text from a shop says who writes and how to opt
out (CTIA messaging principles; the carriers' campaign rules). It is care, not marketing: an offer
would need written consent of its own (47 CFR 64.1200(f)(9)). And it never prompts a buyer to send
CANCEL, END or YES, which carriers obey as opt-out and opt-in.

Length: the default copy always renders to one segment of 160. A merchant's copy may take two and
is warned that each text then costs double; what would need three is refused. To stay inside one
segment a text gives up, in this order: part of the item's name, size and order number, the whole
item, the buyer's name.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from app.checkins import template as tpl
from app.messaging.segments import count_segments, is_gsm7, repair_gsm7

DEFAULT_OPENER = (
    "Hey {{ first_name }}, it's {{ shop_name }}, just checking in. Did your {{ item }} arrive okay?"
)
# Nobody scanned this parcel as delivered: we ask, we do not claim.
DEFAULT_SOFT_OPENER = (
    "Hey {{ first_name }}, it's {{ shop_name }}. Your {{ item }} should be there by now. "
    "Has it all arrived?"
)
DEFAULT_FOLLOW_UP = (
    "Hey {{ first_name }}, quick check from {{ shop_name }}: "
    "did you get a chance to try your {{ item }}?"
)
OPT_OUT_LINE = "Reply STOP to opt out."


class CopyKind(StrEnum):
    OPENER = "opener"
    SOFT_OPENER = "soft_opener"  # the arrival is estimated
    FOLLOW_UP = "follow_up"


DEFAULT_COPY: Mapping[CopyKind, str] = {
    CopyKind.OPENER: DEFAULT_OPENER,
    CopyKind.SOFT_OPENER: DEFAULT_SOFT_OPENER,
    CopyKind.FOLLOW_UP: DEFAULT_FOLLOW_UP,
}

# What stands in for a missing value. A missing size leaves the word: "the size M", "the size". A
# missing first name is "there" after a greeting; elsewhere it goes, with its comma.
FALLBACKS: Mapping[str, str] = {
    "first_name": "\x00",
    "shop_name": "the shop",
    "item": "order",
    "size": "",
    "order_name": "",
}


@dataclass(frozen=True)
class CopyProblem:
    code: str
    text: str  # for the merchant
    blocking: bool = True  # else a warning: the copy may be saved


def render(
    template: str,
    variables: Mapping[str, str | None],
    *,
    kind: CopyKind = CopyKind.OPENER,
    first_contact: bool = False,
) -> str:
    """The text to send: never empty, GSM-7 wherever possible, one segment wherever possible.

    `variables` are Shopify's raw values by the names in `template.VARIABLES`; any may be missing.
    `first_contact` says that this buyer has not heard from this shop on this line: the text then
    names the shop and ends with the opt-out line. A template that is broken gives way to the
    default copy of its kind.
    """
    pieces = tpl.parse(repair_gsm7(template.replace("\x00", "")))
    if any(isinstance(piece, tpl.Broken) for piece in pieces) or not _has_words(pieces):
        pieces = tpl.parse(DEFAULT_COPY[kind])
    values = _clean(variables)
    if all(is_gsm7(piece.text) for piece in pieces if isinstance(piece, tpl.Literal)):
        # One name in another script would turn 160 characters into 70. The shop's name stays:
        # a text must say who writes.
        values = {k: v if is_gsm7(v) or k == "shop_name" else "" for k, v in values.items()}
    longer = []
    for reduced in _reductions(values):
        text = _assemble(pieces, reduced, first_contact)
        if count_segments(text).segments == 1:
            return text
        longer.append(text)
    return min(longer, key=lambda t: count_segments(t).units)


def validate_copy(
    template: str, *, kind: CopyKind = CopyKind.OPENER, shop_name: str | None = None
) -> list[CopyProblem]:
    """What is wrong with a merchant's copy, when it is saved; empty when all is well.

    Judged at its worst: the longest values that may appear, to a buyer who has never heard from
    the shop. `shop_name` is the shop's own, if known, else the longest possible is assumed.
    """
    pieces = tpl.parse(repair_gsm7(template))
    broken = (_broken(piece) for piece in pieces if isinstance(piece, tpl.Broken))
    problems = list(dict.fromkeys(broken))
    if not problems and not _has_words(pieces):
        problems.append(CopyProblem("empty", "Write a few words: a variable alone says nothing."))
    if problems:
        return problems
    if "?" not in template:
        problems.append(
            CopyProblem("no_question", "Ask something: a check-in invites the buyer to reply.")
        )
    problems += [
        CopyProblem(code, text)
        for code, pattern, text in _FORBIDDEN
        if pattern.search(_PERMITTED_OPT_OUT.sub(" ", template))
    ]
    longest = {
        "first_name": "W" * tpl.FIRST_NAME_MAX,
        "shop_name": shop_name or "W" * tpl.SHOP_NAME_MAX,
        "item": "W" * tpl.ITEM_MAX,
        "size": "W" * tpl.SIZE_MAX,
        "order_name": "W" * tpl.ORDER_NAME_MAX,
    }
    counted = count_segments(render(template, longest, kind=kind, first_contact=True))
    if counted.segments > 2:
        problems.append(
            CopyProblem(
                "too_long",
                f"Shorten the copy: with your shop's name and “{OPT_OUT_LINE}” it takes "
                f"{counted.segments} segments, and two are the most.",
            )
        )
    elif counted.segments == 2:
        problems.append(
            CopyProblem("two_segments", "A text this long costs double.", blocking=False)
        )
    if not all(is_gsm7(piece.text) for piece in pieces if isinstance(piece, tpl.Literal)):
        problems.append(
            CopyProblem(
                "special_characters",
                "An emoji or special character leaves room for 70 characters instead of 160.",
                blocking=False,
            )
        )
    return problems


_KEYWORDS = "stop|stopall|unsubscribe|end|quit|cancel|revoke|optout|opt-out|yes|start|unstop"
# The line that carriers require, in the merchant's own words, is no prompt in the sense below.
_PERMITTED_OPT_OUT = re.compile(
    r"\b(?:reply|text|send)\s+stop\s+to\s+(?:opt[ -]?out|unsubscribe|end|quit|stop|cancel)\b",
    re.IGNORECASE,
)
_FORBIDDEN = (
    (
        "keyword_prompt",
        re.compile(
            r"\b(?:(?i:reply|respond|answer|text|send|type|say|write)\s+"
            r"(?i:(?:us|back|with|just|only|a|the\s+word)\s+){0,3}"
            rf"[\"'“‘]?(?i:{_KEYWORDS})\b|(?:CANCEL|END|YES|QUIT|REVOKE)\b"
            r"|(?i:yes\s*(?:/|or)\s*no)\b)"
        ),
        "Do not ask for words such as YES, CANCEL or END: the phone network takes them as "
        "sign-up or opt-out. Ask an open question instead.",
    ),
    (
        "promotion",
        re.compile(
            r"%\s*off|\$\s?\d+\s+off|\b(?:discount|coupon|promo(?:tion)?(?:\s+code)?|"
            r"leave\s+(?:us\s+)?a\s+review|refer\s+a\s+friend|free\s+gift)\b",
            re.IGNORECASE,
        ),
        "Leave offers and review requests out: buyers agreed to care texts, not to marketing.",
    ),
    (
        "public_shortener",
        re.compile(r"\b(?:bit\.ly|tinyurl\.com|goo\.gl|t\.co|ow\.ly|is\.gd)\b", re.IGNORECASE),
        "Use no public link shortener: carriers filter such texts.",
    ),
)


def _broken(piece: tpl.Broken) -> CopyProblem:
    if piece.unknown_variable:
        names = ", ".join(tpl.VARIABLES)
        return CopyProblem(
            "unknown_variable", f"“{piece.text}” is no variable. There are: {names}."
        )
    return CopyProblem("braces", f"“{piece.text}” is not closed: write {{{{ item }}}}.")


def _has_words(pieces: list[tpl.Piece]) -> bool:
    return any(
        isinstance(piece, tpl.Literal) and any(map(str.isalnum, piece.text)) for piece in pieces
    )


def _clean(variables: Mapping[str, str | None]) -> dict[str, str]:
    return {
        "first_name": tpl.first_name(variables.get("first_name")),
        "shop_name": tpl.shop_name(variables.get("shop_name")),
        "item": tpl.item(variables.get("item")),
        "size": tpl.size(variables.get("size")),
        "order_name": tpl.order_name(variables.get("order_name")),
    }


def _reductions(values: dict[str, str]) -> list[dict[str, str]]:
    """The values in full, then with less and less of what a text can do without."""
    short = {**values, "item": tpl.shorten(values["item"], 20)}
    bare = {**short, "size": "", "order_name": ""}
    plain = {**bare, "item": ""}
    return [values, short, bare, plain, {**plain, "first_name": ""}]


def _assemble(pieces: list[tpl.Piece], values: dict[str, str], first_contact: bool) -> str:
    text = _fill(pieces, values)
    if not first_contact:
        return text
    shop = values["shop_name"]
    if shop and shop.casefold() not in text.casefold():
        text = f"{shop}: {text}"
    if not _PERMITTED_OPT_OUT.search(text):
        text = f"{text} {OPT_OUT_LINE}"
    return text


# `\x00` marks a missing first name until the sentence around it is known. Nothing else holds it.
_WITHOUT_NAME: tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], str]], ...] = (
    (re.compile(r"\b(hi|hey|hello|hiya|dear)\s+\x00", re.IGNORECASE), lambda m: f"{m[1]} there"),
    (re.compile(r"\x00's\b"), lambda m: "your"),
    (re.compile(r"(^|[.!?:]\s+)\x00[,:]?\s*(\w)"), lambda m: m[1] + m[2].upper()),
    (re.compile(r",?\s*\x00"), lambda m: ""),
)


def _fill(pieces: list[tpl.Piece], values: dict[str, str]) -> str:
    out = ""
    for piece in pieces:
        if isinstance(piece, tpl.Variable):
            value = values[piece.name] or FALLBACKS[piece.name]
            if piece.name == "size":
                # "the size M", "size M" and, where it is not known, "the size".
                after_word = re.search(r"\bsize\s*$", out, re.IGNORECASE)
                value = values["size"] if after_word else f"size {values['size']}"
            out += value
        else:
            out += piece.text
    for pattern, replace in _WITHOUT_NAME:
        out = pattern.sub(replace, out)
    return _tidy(out)


def _tidy(text: str) -> str:
    lines = (" ".join(line.split()) for line in text.strip().splitlines())
    return re.sub(r" +([,.!?;:])", r"\1", "\n".join(lines)).strip(" ,")
