"""How large the fault tests are: full by `make test-faults`, small within `make test`."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Size:
    threads: int  # of the one run in which everything fails
    waves: int  # in which those threads begin
    turn: float  # seconds that each act of a wave lasts at least
    few: int  # threads of a test about one fault
    bulk: int  # rows of the flood
    outage_seconds: float  # of Redis
    postgres_away: float  # seconds
    patience: float  # seconds until a house that fell behind must be quiet
    blows: tuple[float, float]  # seconds between two blows
    rounds: int  # of killing the worker at every step
    conversations: int  # that phone and helpdesk must agree on
    days: int  # after each of which they must

    @classmethod
    def full(cls) -> Size:
        return cls(
            threads=2000,
            waves=8,
            turn=20.0,
            few=200,
            bulk=6000,
            outage_seconds=30.0,
            postgres_away=10.0,
            patience=900.0,
            blows=(1.5, 5.0),
            rounds=4,
            conversations=1000,
            days=1,
        )

    @classmethod
    def small(cls) -> Size:
        return cls(
            threads=60,
            waves=2,
            turn=5.0,
            few=20,
            bulk=1500,
            outage_seconds=5.0,
            postgres_away=5.0,
            patience=120.0,
            blows=(1.0, 3.0),
            rounds=1,
            conversations=10,
            days=2,
        )
