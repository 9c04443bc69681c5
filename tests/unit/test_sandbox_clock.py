"""The sandbox's button to 10:30 leads to a moment at which a check-in is due."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from sandbox import clock

PORTLAND = ZoneInfo("America/Los_Angeles")


@pytest.mark.parametrize(
    ("here", "hours"),
    [
        ("2026-11-20T06:00", 4.5),
        ("2026-11-20T07:29", 3 + 1 / 60),
        ("2026-11-20T07:30", 27),
        ("2026-11-20T09:10", 25 + 1 / 3),
        ("2026-11-20T12:00", 22.5),
        ("2026-10-31T12:00", 23.5),  # clocks go back in the night
        ("2026-03-07T12:00", 21.5),  # and forward
    ],
)
def test_half_past_ten_is_some_hours_away(
    monkeypatch: pytest.MonkeyPatch, here: str, hours: float
) -> None:
    moment = datetime.fromisoformat(here).replace(tzinfo=PORTLAND).astimezone(UTC)
    monkeypatch.setattr(clock, "now", lambda: moment)
    seconds = clock.seconds_until(time(10, 30), PORTLAND)
    assert seconds == round(hours * 3600) + 1
    assert (moment + timedelta(seconds=seconds)).astimezone(PORTLAND).strftime("%H:%M") == "10:30"
