"""Hours of the week in local wall time, and what remains where several apply.

Used for the law's hours, the product's own and a shop's wish; `quiet_hours` lays them on real
days and zones.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_GROUPS = {"mon_fri": DAYS[:5], "mon_sat": DAYS[:6], **{day: (day,) for day in DAYS}}
_SPAN = re.compile(r"([01]\d|2[0-4]):([0-5]\d)-([01]\d|2[0-4]):([0-5]\d)")

# Minutes after local midnight, from (inclusive) and to (exclusive).
Span = tuple[int, int]


@dataclass(frozen=True)
class WeekHours:
    """One span for each day from Monday on; None is a day without texts."""

    days: tuple[Span | None, ...]

    def __post_init__(self) -> None:
        if len(self.days) != 7:
            raise ValueError("hours need seven days")
        for span in self.days:
            if span is not None and not 0 <= span[0] < span[1] <= 24 * 60:
                raise ValueError(f"no span of a day: {span}")

    @classmethod
    def parse(cls, hours: Mapping[str, str]) -> WeekHours:
        """From `{"mon_fri": "09:00-18:00", "sat": "10:00-17:00"}`.

        Groups are mon_fri and mon_sat; a day named twice or not at all is an error and a day
        without texts. Raises ValueError.
        """
        days: dict[str, Span] = {}
        for group, text in hours.items():
            match = _SPAN.fullmatch(text.strip())
            if group not in _GROUPS or match is None:
                raise ValueError(f"no hours: {group} = {text!r}")
            h1, m1, h2, m2 = map(int, match.groups())
            for day in _GROUPS[group]:
                if day in days:
                    raise ValueError(f"{day} is given twice")
                days[day] = (h1 * 60 + m1, h2 * 60 + m2)
        return cls(tuple(days.get(day) for day in DAYS))

    def narrowed_by(self, other: WeekHours) -> WeekHours:
        """The hours inside both."""
        return WeekHours(tuple(map(_overlap, self.days, other.days)))

    @property
    def never(self) -> bool:
        return not any(self.days)

    def as_text(self) -> dict[str, str]:
        """`{"mon": "10:00-20:00", …}`, what `parse` reads; days without texts are left out."""
        return {
            day: f"{span[0] // 60:02}:{span[0] % 60:02}-{span[1] // 60:02}:{span[1] % 60:02}"
            for day, span in zip(DAYS, self.days, strict=True)
            if span is not None
        }


def _overlap(one: Span | None, other: Span | None) -> Span | None:
    if one is None or other is None:
        return None
    start, end = max(one[0], other[0]), min(one[1], other[1])
    return (start, end) if start < end else None
