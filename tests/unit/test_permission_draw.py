"""Drawn cases over all places and three years: the engine against an oracle written otherwise.

The full million is `python -m tests.evals.permission_draw`.
"""

from __future__ import annotations

from datetime import date

import pytest

from app.consent.holidays import easter_sunday
from tests.evals import permission_oracle as oracle
from tests.evals.permission_draw import run


@pytest.mark.parametrize("seed", [11, 12])
def test_nothing_is_begun_outside_a_window_nor_held_inside_one(seed: int) -> None:
    tally = run(10_000, seed)
    assert not tally.faults, tally.faults[:3]
    assert min(tally.verdicts[kind] for kind in ("Allowed", "NotBefore")) > 1_000


def test_both_reckonings_of_easter_agree_and_are_right() -> None:
    known = {2024: date(2024, 3, 31), 2026: date(2026, 4, 5), 2027: date(2027, 3, 28)}
    for year in range(1970, 2200):
        assert easter_sunday(year) == oracle.easter(year) == known.get(year, easter_sunday(year))
