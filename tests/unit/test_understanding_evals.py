"""The labelled phrases of tests/evals keep being understood as well as the targets demand."""

from __future__ import annotations

import pytest

from tests.evals.measure import Rate, all_rates

RATES = list(all_rates())


@pytest.mark.parametrize("rate", RATES, ids=[rate.name for rate in RATES])
def test_the_target_is_met(rate: Rate) -> None:
    assert rate.total > 0
    assert rate.met, f"{rate.shown}, target {rate.target}:\n" + "\n".join(rate.missed)
