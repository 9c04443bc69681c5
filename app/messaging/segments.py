"""How many segments a text costs, how to make it cheaper, and where to cut a long one.

Called by `messaging.send` (cost, splitting), by `checkins.wording` (the length a merchant's copy
may have) and by whatever shows a price. Carriers bill by segment: 160 septets of the GSM-7
alphabet (GSM 03.38), or 153 each when several are joined; one character outside that alphabet
makes the whole text UCS-2, with 70 and 67 code units. An extension character costs two septets
and a surrogate pair two units; neither may straddle two segments, so counting packs greedily
instead of dividing.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from enum import StrEnum

_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENSION = frozenset("\f^{}\\[~]|€")
_GSM7 = _BASIC | _EXTENSION


class Encoding(StrEnum):
    GSM7 = "GSM-7"
    UCS2 = "UCS-2"


@dataclass(frozen=True)
class Segmentation:
    encoding: Encoding
    units: int  # septets for GSM-7, UTF-16 code units for UCS-2; joining overhead not included
    segments: int  # 0 only for the empty text


def is_gsm7(text: str) -> bool:
    return _GSM7.issuperset(text)


def count_segments(text: str) -> Segmentation:
    """What the carrier will bill for `text`, sent as it stands."""
    if is_gsm7(text):
        costs = [2 if char in _EXTENSION else 1 for char in text]
        encoding, alone, joined = Encoding.GSM7, 160, 153
    else:
        costs = [2 if ord(char) > 0xFFFF else 1 for char in text]
        encoding, alone, joined = Encoding.UCS2, 70, 67
    units = sum(costs)
    if units <= alone:
        return Segmentation(encoding, units, 1 if units else 0)
    segments, used = 1, 0
    for cost in costs:
        if used + cost > joined:
            segments, used = segments + 1, 0
        used += cost
    return Segmentation(encoding, units, segments)


# Look-alikes that word processors and phones put in unasked; nothing of the meaning is lost.
_LOOK_ALIKES = str.maketrans(
    {
        **dict.fromkeys("‘’‚‛′‵ʼʹ`´＇", "'"),
        **dict.fromkeys("“”„‟″‶«»＂", '"'),
        **dict.fromkeys("‹›", "'"),
        **dict.fromkeys("‐‑‒–—―−﹣－•‣·◦", "-"),
        **dict.fromkeys("\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007", " "),
        **dict.fromkeys("\u2008\u2009\u200a\u202f\u205f\u3000\t\v", " "),
        **dict.fromkeys("\u2028\u2029\x85", "\n"),
        **dict.fromkeys("\u200b\u2060\ufeff\u00ad\u200e\u200f\u202a\u202b\u202c\u202d\u202e", ""),
        **dict.fromkeys("\u2066\u2067\u2068\u2069", ""),
        "…": "...",
        "⁄": "/",
        "×": "x",
        "©": "(C)",
        "®": "(R)",
        "¢": "c",
    }
)
_JOINERS = frozenset("\u200c\u200d\ufe0e\ufe0f")
_UNCOMBINED = {"ł": "l", "Ł": "L", "đ": "d", "Đ": "D", "ı": "i", "œ": "oe", "Œ": "OE"}


def repair_gsm7(text: str) -> str:
    """The same text with look-alikes replaced, so that it stays GSM-7 where that is possible.

    Accents go (`ç`, `ê`, `í`) only where that makes the whole text GSM-7: beside an emoji or
    another script the text is UCS-2 anyway, and spoiling a name would buy nothing. What cannot
    be repaired is kept. Idempotent.
    """
    text = text.replace("\r\n", "\n").translate(_LOOK_ALIKES)
    if is_gsm7(text):
        return text
    plain = "".join(char if char in _GSM7 else _plainer(char) for char in text)
    return plain if is_gsm7(plain) else text


def _plainer(char: str) -> str:
    """The nearest GSM-7 spelling of one character, or the character itself."""
    if char in _JOINERS or unicodedata.combining(char):
        return ""
    if char in _UNCOMBINED:
        return _UNCOMBINED[char]
    compatible = unicodedata.normalize("NFKC", char).translate(_LOOK_ALIKES)
    if is_gsm7(compatible):
        return compatible
    base = "".join(c for c in unicodedata.normalize("NFKD", char) if not unicodedata.combining(c))
    return base if base and is_gsm7(base) else char


_SENTENCE_END = re.compile(r"(?:[.!?…][\"')\]]*(?=\s)|\n)")
_SPACE = re.compile(r"\s")


def split_text(text: str, limit: int = 1600, max_segments: int | None = None) -> list[str]:
    """`text` in order as pieces of at most `limit` UTF-16 units and `max_segments` segments.

    Cuts after a sentence, else between words, else (one endless word) between characters. The
    limit is the provider's for one message (1600). No piece is empty; only white space at the
    cuts is lost.
    """
    pieces: list[str] = []
    rest = text.strip()
    while rest:
        longest = _longest_fitting(rest, limit, max_segments)
        cut = longest if longest == len(rest) else _best_cut(rest, longest)
        pieces.append(rest[:cut].rstrip())
        rest = rest[cut:].lstrip()
    return pieces


def _longest_fitting(text: str, limit: int, max_segments: int | None) -> int:
    """Length of the longest prefix that fits, at least 1; both limits grow with the prefix."""
    low, high = 1, min(len(text), limit)
    while low < high:
        middle = (low + high + 1) // 2
        prefix = text[:middle]
        fits = len(prefix) + sum(ord(char) > 0xFFFF for char in prefix) <= limit
        if fits and max_segments is not None:
            fits = count_segments(prefix).segments <= max_segments
        low, high = (middle, high) if fits else (low, middle - 1)
    return low


def _best_cut(text: str, longest: int) -> int:
    # One character more, so that a sentence or word that ends exactly at the limit is seen.
    window = text[: longest + 1]
    ends = [match.end() for match in _SENTENCE_END.finditer(window) if match.end() <= longest]
    # A sentence end in the first third would leave a stub of a text; a word's end is better.
    if ends and ends[-1] * 3 >= longest:
        return ends[-1]
    spaces = [match.start() for match in _SPACE.finditer(window) if match.start() > 0]
    if spaces:
        return spaces[-1]
    cut = longest
    while cut > 1 and (
        text[cut] in _JOINERS or unicodedata.combining(text[cut]) or text[cut - 1] == "\u200d"
    ):
        cut -= 1
    return cut if cut > 1 else longest
