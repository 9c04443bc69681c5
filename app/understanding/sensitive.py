"""Card numbers, security codes, social security numbers and passwords, masked out of a text.

Called before a buyer's text is stored, shown to a model or mirrored to a helpdesk, and by whatever
else takes in free text. PCI DSS 4.2.2 wants no card number in texting; one that comes unasked must
be secured or deleted, so what is masked here is never kept.

A card number is 13 to 19 digits that pass Luhn, begin as a card network's numbers do and are
grouped as people group cards; where the text calls it a card, any beginning will do. What is called
an order, tracking, serial … number right before is left alone, unless it is grouped like a card.
One tracking number in some hundreds still looks like a card; those of the order can be passed in.

People send a card in pieces, and its code in the next text: `earlier` holds the texts of the same
turn, and what must be masked in them comes back with its place.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum


class SensitiveKind(StrEnum):
    CARD_NUMBER = "card_number"
    CARD_CODE = "card_code"
    SOCIAL_SECURITY_NUMBER = "social_security_number"
    PASSWORD = "password"


@dataclass(frozen=True)
class EarlierMask:
    """A piece of an earlier text that must be masked too, now that the rest of it came."""

    text: int  # index into `earlier`
    start: int
    end: int
    label: str


@dataclass(frozen=True)
class Masked:
    text: str
    kinds: frozenset[SensitiveKind]
    earlier: tuple[EarlierMask, ...] = ()


@dataclass(frozen=True)
class _Find:
    start: int
    end: int
    label: str
    kind: SensitiveKind


def mask_sensitive(
    text: str, *, tracking_numbers: Iterable[str] = (), earlier: Sequence[str] = ()
) -> Masked:
    """`text` without what must not be kept, and what kinds of it there were. Idempotent.

    Of a card its last four digits stay, so that a buyer and an agent can still name it.
    """
    known = {re.sub(r"\D", "", number) for number in tracking_numbers}
    turn = "\n".join((*earlier, text))
    here = len(turn) - len(text)
    finds = _find_all(turn, known)
    if earlier:  # the same as alone, and what only shows beside the earlier texts
        alone = [
            _Find(f.start + here, f.end + here, f.label, f.kind) for f in _find_all(text, known)
        ]
        finds = alone + [
            f for f in finds if all(f.end <= a.start or f.start >= a.end for a in alone)
        ]
        finds.sort(key=lambda find: find.start)
    masked = text
    pieces: list[EarlierMask] = []
    for find in reversed(finds):
        if find.end > here:
            start = max(find.start - here, 0)
            masked = masked[:start] + find.label + masked[find.end - here :]
        began = 0
        for index, one in enumerate(earlier):
            start, end = max(find.start - began, 0), min(find.end - began, len(one))
            if start < end:
                pieces.append(EarlierMask(index, start, end, find.label))
            began += len(one) + 1
    return Masked(masked, frozenset(find.kind for find in finds), tuple(reversed(pieces)))


# Every text comes by here. Some digits in a row, or as many in all as a card has, or a password.
_DIGITS_ENOUGH = re.compile(r"\d(?:\d\d|(?:\D*\d){11})")
_PASSWORD_WORDS = ("pass", "pwd", "pw", "clave", "contrase")


def _find_all(text: str, known: set[str]) -> list[_Find]:
    if not _DIGITS_ENOUGH.search(text):
        folded = text.casefold()
        if not any(word in folded for word in _PASSWORD_WORDS):
            return []
    finds = _find_cards(text, known)
    for kind, pattern, label in _PATTERNS:
        for match in pattern.finditer(text):
            start, end = match.span("secret")
            if all(end <= find.start or start >= find.end for find in finds):
                finds.append(_Find(start, end, label, kind))
    return sorted(finds, key=lambda find: find.start)


# Digits with at most three characters between any two of them.
_DIGITS = re.compile(
    r"\d[\ufe0f\u20e3]*(?:[ \t\u00a0\u2009\u202f.,/"
    r"|_()\-\u2010-\u2015\n]{0,3}\d[\ufe0f\u20e3]*){11,}"
)
_GROUP = re.compile(r"(?:\d[\ufe0f\u20e3]*)+")
_CARD_WORD = re.compile(
    r"(?:\b(?:card|visa|master ?card|amex|american express|discover|maestro|jcb|diners|cc|debit"
    r"|credit|tarjeta|carte)"
    r"(?: ?(?:card|number|no|num|is|was|es|#|n[uú]mero|ending|to|de|cr[eé]dito|d[eé]bito|on|used"
    r"|my|the)\b)*[\s:=#.\-]*)$",
    re.IGNORECASE,
)
_OTHER_WORD = re.compile(
    r"(?:\b(?:orders?|tracking|track|confirmation|conf|reference|ref|invoice|rma|serial|s/n|imei"
    r"|barcode|ean|gtin|isbn|upc|case|ticket|"
    r"receipt|sku|model|part|item|fedex|ups|usps|dhl|shipment|parcel|package|gid|id|pedido|orden"
    r"|rastreo|gu[ií]a|factura|return|authorization|account|acct|"
    r"phone|tel|call|text|product|lot|batch|transaction|booking|po)"
    r"(?:['’]?s)?(?:[ ]?(?:number|num|no|code|id|is|was|it|says?|es|n[uú]mero|de|authorization"
    r"|label|at|for)\b)*[\s.:=#\-]*"
    r"|(?:https?://|www\.|\w\.\w+/|/)\S*|#\s?)$",
    re.IGNORECASE,
)
_EXPIRY = (
    r"(?:(?:exp(?:iry|ires|iration)?(?: ?date)?|good thr[ou]+gh?|valid thru|vence|fecha)\W{0,3})?"
    r"(?:0?[1-9]|1[0-2])\s?[/\-. ]?\s?(?:20)?[2-4]\d\b"
)
# What may follow a card: expiry date, postcode and security code, with or without their names.
_CODE_AFTER = re.compile(
    rf"[\s,;/.|\-]*(?:{_EXPIRY}[\s,;/|\-]*)?(?:(?:and|with|y|the|code|cvv|cvc|sec(?:urity)?"
    rf"|is)[\s:#]*)*"
    r"(?P<secret>\d{3,4})(?![\w/\-]|\.\d)",
    re.IGNORECASE,
)
_MASKED_CARD = re.compile(r"\[card ending \d{4}\]")
_PARCEL = re.compile(r"(?:420\d{5}(?:\d{4})?)?9[1-6]\d{18,20}")


def _find_cards(text: str, known: set[str]) -> list[_Find]:
    finds: list[_Find] = []
    for run in _DIGITS.finditer(text):
        groups = [(m.start() + run.start(), m[0]) for m in _GROUP.finditer(run[0])]
        if _PARCEL.fullmatch(_ascii("".join(group for _, group in groups))):
            continue
        first = 0
        while first < len(groups):
            last = _card_end(text, groups, first, known)
            if last is None:
                first += 1
                continue
            end = groups[last - 1][0] + len(groups[last - 1][1])
            digits = _ascii("".join(group for _, group in groups[first:last]))
            label = f"[card ending {digits[-4:]}]"
            finds.append(_Find(groups[first][0], end, label, SensitiveKind.CARD_NUMBER))
            first = last
    ends = [find.end for find in finds] + [m.end() for m in _MASKED_CARD.finditer(text)]
    for end in ends:
        code = _CODE_AFTER.match(text, end)
        if code and all(
            code.start("secret") >= f.end or code.end("secret") <= f.start for f in finds
        ):
            finds.append(_Find(*code.span("secret"), "[card code]", SensitiveKind.CARD_CODE))
    return finds


def _card_end(text: str, groups: list[tuple[int, str]], first: int, known: set[str]) -> int | None:
    """Index after the last group of a card that begins with group `first`; longest first."""
    before = text[max(groups[first][0] - 60, 0) : groups[first][0]]
    called_card = _CARD_WORD.search(before) is not None
    called_other = not called_card and _OTHER_WORD.search(before) is not None
    if not called_card and before[-1:].isalnum():
        return None  # a piece of a longer word
    for last in range(len(groups), first, -1):
        shape = [len(_ascii(group)) for _, group in groups[first:last]]
        if not 13 <= sum(shape) <= 19:
            continue
        if not (_grouped_like_a_card(shape) or _mended(text, groups[first:last], shape)):
            continue
        end = groups[last - 1][0] + len(groups[last - 1][1])
        if text[end : end + 1].isalpha() and not text[end:].lower().startswith(
            ("exp", "cvv", "cvc")
        ):
            continue
        digits = _ascii("".join(group for _, group in groups[first:last]))
        if digits in known or not _luhn(digits):
            continue
        if called_other and (shape != [4, 4, 4, 4] or not text[groups[first][0] + 4].isspace()):
            continue
        if _split_over_texts(text, groups[first:last]) and _like_phone(groups[first:last], text):
            continue
        if called_card or _NETWORK.fullmatch(digits):
            return last
    return None


def _split_over_texts(text: str, groups: list[tuple[int, str]]) -> bool:
    return "\n" in text[groups[0][0] : groups[-1][0]]


def _mended(text: str, groups: list[tuple[int, str]], shape: list[int]) -> bool:
    """Grouped like a card once a group that the end of a text cut in two is whole again:
    "4111 1", then "111 1111 1111"."""
    for at in range(1, len(groups)):
        whole = shape[at - 1] + shape[at]
        cut = "\n" in text[groups[at - 1][0] : groups[at][0]]
        if cut and whole in (4, 5, 6):  # the groups of cards, American Express among them
            return _grouped_like_a_card([*shape[: at - 1], whole, *shape[at + 1 :]])
    return False


def _like_phone(groups: list[tuple[int, str]], text: str) -> bool:
    """A ten-digit phone number in one text and another number in the next are no card."""
    lines = text[groups[0][0] : groups[-1][0] + len(groups[-1][1])].split("\n")
    return any(
        re.fullmatch(r"\(?[2-9]\d\d\)?[ .-]{1,2}[2-9]\d\d[ .-]?\d{4}", line.strip())
        for line in lines
    )


def _grouped_like_a_card(shape: list[int]) -> bool:
    """In one piece, in even groups, or in groups of four and more; phones are 3-3-4."""
    body, tail = shape[:-1], shape[-1]
    if not body:
        return True
    even = len(set(body)) == 1 and body[0] in (1, 2, 4) and tail <= 4
    fours = all(group in (4, 2, 8, 12) for group in body[:-1]) and len(shape) > 2
    return even or min(body) >= 4 or fours


# Beginnings and lengths of the networks' numbers: Visa, Mastercard, American Express, Discover,
# Diners Club, JCB, UnionPay, Mir, RuPay, Maestro.
_NETWORK = re.compile(
    r"4(?:\d{12}|\d{15}|\d{18})|5[1-5]\d{14}|2(?:2[2-9]|[3-6]\d|7[01])\d{13}|2720\d{12}|3[47]\d{13}"
    r"|6(?:011|4[4-9]\d|5\d\d)\d{12}(?:\d{3})?|3(?:0[0-5]|[689]\d)\d{11}(?:\d{2})?|35\d{14}"
    r"|62\d{14,17}|220[0-4]\d{12}|(?:60|81|82)\d{14}|(?:50|5[6-9]|6[37])\d{14,17}"
    r"|(?:5018|5020|5038|5893|6304|6759|676[1-3])\d{9,15}"
)


def _ascii(digits: str) -> str:
    return "".join(str(int(digit)) for digit in digits if digit.isdigit())


def _luhn(digits: str) -> bool:
    total = 0
    for index, char in enumerate(reversed(digits)):
        value = int(char) * (2 if index % 2 else 1)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


# Words after "password is" that tell a story instead of the password.
_STORY = (
    r"(?:not|wrong|incorrect|invalid|expired|the|a|an|my|your|too|being|still|no|never|"
    r"broken|reset|required|needed|missing|lost|gone|correct|right|ok|okay|fine|in|on|for|what|"
    r"weak|short|long|different|same|unknown|sent|coming|working|locked|rejected|there|here|"
    r"correcta|incorrecta|muy|la|el|mi|que|para|olvidada|this|that|saved|case|sensitive)\b"
)
_IS = r"(?:\s+(?:is|es|was|number|no|code|are))*[\s:=#.\-]{0,4}"
_PATTERNS = tuple(
    (kind, re.compile(pattern, re.IGNORECASE), label)
    for kind, label, patterns in (
        (
            SensitiveKind.CARD_CODE,
            "[card code]",
            (
                rf"\b(?:cvv2?|cvc2?|cv2|cvn|csc|(?:card |card's )?(?:security|verification) code"
                rf"|card code|"
                rf"c[oó]digo de seguridad)\b{_IS}(?P<secret>\d{{3,4}})\b(?!%)",
                r"\b(?:3|4|three|four)[ -]?digit(?:s)?(?: code| number)?(?: on the (?:back|front))?"
                rf"(?: of (?:my|the) card)?{_IS}(?P<secret>\d{{3,4}})\b",
                rf"\b(?:code|number|digits) on (?:the )?(?:back|front)(?: of (?:my"
                rf"|the) card)?{_IS}(?P<secret>\d{{3,4}})\b",
                r"\b(?P<secret>\d{3,4})\s*(?:is|es|for|=|was)?\s*(?:the|my|el|mi)?\s*(?:cvv2?"
                r"|cvc2?|cv2)\b",
            ),
        ),
        (
            SensitiveKind.SOCIAL_SECURITY_NUMBER,
            "[social security number]",
            (
                r"(?<![\w-])(?P<secret>(?!000|666"
                r"|9\d\d)\d{3}([- .])(?!00)\d{2}\2(?!0000)\d{4})(?![\w]|-\d)",
                r"\b(?:ssn|social security(?: number| no\.?| #)?|my social|social|seguro social)"
                rf"{_IS}(?P<secret>(?!000|666|9)\d{{9}}|(?!000|666"
                rf"|9)\d{{3}}\D{{1,3}}\d{{2}}\D{{1,3}}\d{{4}})\b",
            ),
        ),
        (
            SensitiveKind.PASSWORD,
            "[password]",
            (
                rf"\b(?:password|passcode|passwd|passphrase|pwd|pw|pass|contrase[nñ]a|clave"
                rf"|mot de passe)\b"
                rf"(?:\s+(?:is|es|was)\b|\s*[:=]"
                rf"|\s+-)\s*(?!\[)(?!{_STORY})[\"'“‘]?(?P<secret>[^\s\"'“”‘’\[]{{3,}})",
                r"\b(?:password|passcode|passwd|pwd|pass|contrase[nñ]a|clave)\s+"
                r"(?!\[)(?P<secret>(?=[^\s]*\d)(?=[^\s]*[a-z])[^\s\[]{5,})",
                r"\bpasscode\s+(?P<secret>\d{4,8})\b",
                r"\b(?:(?:my|the|card|bank|debit|atm|mi|el) pin(?: code| number)?(?:\s+(?:is|es)"
                r"|\s*[:=])|\bpin(?: code| number)?\s*[:=])"
                r"\s*(?P<secret>\d{4,8})\b",
            ),
        ),
    )
    for pattern in patterns
)
