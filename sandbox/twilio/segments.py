"""How many segments a text takes: GSM 03.38 septets, else UCS-2 code units."""

from __future__ import annotations

_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    "ÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENDED = frozenset("^{}\\[~]|€\f")


def count(text: str) -> int:
    """Segments of one text; an empty one (a photo alone) counts as one."""
    if not text:
        return 1
    if all(char in _BASIC or char in _EXTENDED for char in text):
        return _fit([2 if char in _EXTENDED else 1 for char in text], 160, 153)
    return _fit([2 if ord(char) > 0xFFFF else 1 for char in text], 70, 67)


def _fit(sizes: list[int], alone: int, joined: int) -> int:
    """Segments for characters of these sizes, none of which may straddle two segments."""
    if sum(sizes) <= alone:
        return 1
    segments, room = 1, joined
    for size in sizes:
        if size > room:
            segments, room = segments + 1, joined
        room -= size
    return segments
