"""Where a buyer met the invitation, so that each can be counted (a link's `?s=`, a code's source).

A closed list: whatever else a request names counts as `other`, so nobody fills a merchant's report
with invented names.
"""

from __future__ import annotations

from enum import StrEnum


class Source(StrEnum):
    BANNER = "banner"
    POPUP = "popup"
    EMAIL = "email"
    QR = "qr"
    PACKAGING = "packaging"
    SOCIAL = "social"
    COUNTER = "counter"  # beside the till
    DIRECT = "direct"  # no source was named
    OTHER = "other"


PRINTED = tuple(one for one in Source if one not in (Source.DIRECT, Source.OTHER))
"""Those for which the kit makes links and codes."""


def source_of(named: str | None) -> Source:
    """The source that a link or a text names."""
    if not named:
        return Source.DIRECT
    try:
        return Source(named.strip().lower())
    except ValueError:
        return Source.OTHER
