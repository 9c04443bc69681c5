"""Card numbers, security codes, social security numbers and passwords, masked out of a text.

Called by `messaging.receive` before a buyer's text is stored, shown to a model or mirrored to a
helpdesk, and by whatever else takes in free text. PCI DSS 4.2.2 wants no card number in texting;
one that comes unasked must be secured or deleted, so what is masked here is never kept.

A card number is 13 to 19 digits that pass Luhn, begin as a card network's numbers do and are
grouped as people group cards: order, phone and tracking numbers are left alone. One tracking
number in some hundreds still looks like a card; those of the order at hand can be passed in.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class SensitiveKind(StrEnum):
    CARD_NUMBER = "card_number"
    CARD_CODE = "card_code"
    SOCIAL_SECURITY_NUMBER = "social_security_number"
    PASSWORD = "password"


@dataclass(frozen=True)
class Masked:
    text: str
    kinds: frozenset[SensitiveKind]


def mask_sensitive(text: str, *, tracking_numbers: Iterable[str] = ()) -> Masked:
    """`text` without what must not be kept, and what kinds of it there were. Idempotent.

    Of a card its last four digits stay, so that a buyer and an agent can still name it.
    """
    kinds: set[SensitiveKind] = set()
    known = {re.sub(r"\D", "", number) for number in tracking_numbers}
    text = _mask_cards(text, known, kinds)
    for kind, pattern, label in _PATTERNS:
        text, found = pattern.subn(label, text)
        if found:
            kinds.add(kind)
    return Masked(text, frozenset(kinds))


# Digits with at most two characters between any two of them; never a piece of a longer word.
_DIGITS = re.compile(
    r"(?<![^\W_])\d(?:[ \t\u00a0\u2009\u202f.\-\u2010-\u2015\n]{0,2}\d){12,}(?![^\W_])"
)
_GROUP = re.compile(r"\d+")
# What may follow a card: expiry date and security code, with or without their names.
_CODE_AFTER = re.compile(
    r"(?P<between>[\s,;/]*(?:(?:exp(?:iry|ires|iration)?(?: date)?[:. ]*)?"
    r"(?:0?[1-9]|1[0-2])\s?[/-]\s?(?:20)?\d\d)[\s,;]*)(?P<code>\d{3,4})(?!\d)",
    re.IGNORECASE,
)


def _mask_cards(text: str, known: set[str], kinds: set[SensitiveKind]) -> str:
    out: list[str] = []
    at = 0
    for run in _DIGITS.finditer(text):
        groups = [(m.start() + run.start(), m[0]) for m in _GROUP.finditer(run[0])]
        first = 0
        while first < len(groups):
            last = _card_end(groups, first, known)
            if last is None:
                first += 1
                continue
            end = groups[last - 1][0] + len(groups[last - 1][1])
            digits = _ascii("".join(group for _, group in groups[first:last]))
            out += [text[at : groups[first][0]], f"[card ending {digits[-4:]}]"]
            kinds.add(SensitiveKind.CARD_NUMBER)
            at, first = end, last
            if code := _CODE_AFTER.match(text, at):
                out += [code["between"], "[card code]"]
                kinds.add(SensitiveKind.CARD_CODE)
                at = code.end()
                while first < len(groups) and groups[first][0] < at:
                    first += 1
    return "".join([*out, text[at:]])


def _card_end(groups: list[tuple[int, str]], first: int, known: set[str]) -> int | None:
    """Index after the last group of a card that begins with group `first`; longest first."""
    for last in range(len(groups), first, -1):
        shape = [len(group) for _, group in groups[first:last]]
        if not 13 <= sum(shape) <= 19 or not _grouped_like_a_card(shape):
            continue
        digits = _ascii("".join(group for _, group in groups[first:last]))
        if digits not in known and _NETWORK.fullmatch(digits) and _luhn(digits):
            return last
    return None


def _grouped_like_a_card(shape: list[int]) -> bool:
    """In one piece, in even groups, or in groups of four and more; phones are 3-3-4."""
    body, tail = shape[:-1], shape[-1]
    if not body:
        return True
    even = len(set(body)) == 1 and body[0] in (1, 2, 4) and tail <= 4
    return even or min(body) >= 4


# Beginnings and lengths of the networks' numbers: Visa, Mastercard, American Express, Discover,
# Diners Club, JCB, UnionPay, Maestro.
_NETWORK = re.compile(
    r"4(?:\d{12}|\d{15}|\d{18})|5[1-5]\d{14}|2(?:2[2-9]|[3-6]\d|7[01])\d{13}|2720\d{12}|3[47]\d{13}"
    r"|6(?:011|4[4-9]\d|5\d\d)\d{12}(?:\d{3})?|3(?:0[0-5]|[689]\d)\d{11}(?:\d{2})?|35\d{14}"
    r"|62\d{14,17}|(?:50|5[6-9]|6[37])\d{14,17}"
)


def _ascii(digits: str) -> str:
    return "".join(str(int(digit)) for digit in digits)


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
    r"weak|short|long|different|same|unknown|sent|coming|working|locked|rejected|there|here)\b"
)
_PATTERNS = (
    (
        SensitiveKind.CARD_CODE,
        re.compile(
            r"\b((?:cvv2?|cvc2?|cv2|csc|(?:card |card's )?(?:security|verification) code|card code)"
            r"\b(?:\s*(?:is|was|number|no|code))?[\s:=#.\-]{0,4})\d{3,4}\b",
            re.IGNORECASE,
        ),
        r"\1[card code]",
    ),
    (
        SensitiveKind.SOCIAL_SECURITY_NUMBER,
        re.compile(
            r"(?<![\w-])(?!000|666|9\d\d)\d{3}([- .])(?!00)\d{2}\1(?!0000)\d{4}(?![\w]|-\d)"
        ),
        "[social security number]",
    ),
    (
        SensitiveKind.SOCIAL_SECURITY_NUMBER,
        re.compile(
            r"\b(?:(ssn|social security(?: number| no\.?| #)?|my social)"
            r"(?:\s*(?:is|was|number))?[\s:=#]{0,3})(?!000|666|9)\d{9}\b",
            re.IGNORECASE,
        ),
        r"\1 [social security number]",
    ),
    (
        SensitiveKind.PASSWORD,
        re.compile(
            r"\b((?:password|passcode|passwd|passphrase|pwd|pw)\b(?:\s+is|\s*[:=]|\s+-)\s*)"
            rf"(?!\[password\])(?!{_STORY})[\"'“‘]?[^\s\"'“”‘’]{{3,}}[\"'”’]?",
            re.IGNORECASE,
        ),
        r"\1[password]",
    ),
    (
        SensitiveKind.PASSWORD,
        re.compile(
            r"\b((?:password|passcode|passwd|pwd)\s+)(?!\[)(?=[^\s]*\d)(?=[^\s]*[a-z])[^\s]{5,}",
            re.IGNORECASE,
        ),
        r"\1[password]",
    ),
    (
        SensitiveKind.PASSWORD,
        re.compile(
            r"\b((?:my|the|card|bank|debit) pin(?: code| number)?(?:\s+is|\s*[:=])\s*)\d{4,8}\b",
            re.IGNORECASE,
        ),
        r"\1[password]",
    ),
)
