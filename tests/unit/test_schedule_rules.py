"""When a check-in falls due."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.checkins.schedule_rules import (
    SPREAD,
    TOO_LATE,
    Due,
    NotDue,
    due_at,
    schedule_reason_text,
)
from app.consent.quiet_hours import latest_lawful_end
from app.consent.state_rules import load_rules
from app.consent.verdicts import Reason
from app.consent.week_hours import WeekHours
from app.consent.zones import locate

RULES = load_rules()
PHONES = ["+12125550142", "+14155550142", "+14015550142", "+18005550142", "+14165550142"]
NEW_YORK = locate(PHONES[0])
TWO_HOURS = timedelta(hours=2)


def eastern(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo("America/New_York")).astimezone(UTC)


def due(
    arrived: datetime,
    *,
    now: datetime | None = None,
    seed: str = "7:1042",
    delay: timedelta = TWO_HOURS,
    shop: WeekHours | None = None,
) -> Due | NotDue:
    return due_at(
        arrived,
        now=now or arrived,
        delay=delay,
        jitter_seed=seed,
        places=NEW_YORK,
        rules=RULES,
        shop_window=shop,
    )


def test_in_lawful_hours_it_is_arrival_plus_delay_to_the_second() -> None:
    assert due(eastern("2026-11-23T13:07:31")) == Due(
        eastern("2026-11-23T15:07:31"), eastern("2026-11-23T20:00")
    )


def test_an_evening_arrival_is_spread_over_the_next_mornings_opening() -> None:
    found = due(eastern("2026-11-23T19:00"))
    assert isinstance(found, Due)
    opening = eastern("2026-11-24T10:00")
    assert opening <= found.at < opening + SPREAD
    assert found.window_end == eastern("2026-11-24T20:00")
    assert due(eastern("2026-11-23T19:00")) == found
    assert due(eastern("2026-11-23T19:00"), seed="7:1043") != found


def test_ten_thousand_do_not_fall_on_one_second() -> None:
    times = Counter()  # type: ignore[var-annotated]
    for order in range(10_000):
        found = due(eastern("2026-11-23T22:00"), seed=f"7:{order}")
        assert isinstance(found, Due)
        times[found.at.replace(microsecond=0)] += 1
    assert max(times.values()) < 40
    assert len(times) > 1_100


def test_a_due_time_that_has_passed_is_now_and_spread() -> None:
    now = eastern("2026-11-23T15:00")
    found = due(eastern("2026-11-23T09:00"), now=now)
    assert isinstance(found, Due) and now <= found.at < now + SPREAD


def test_a_short_window_is_not_overrun_by_the_spread() -> None:
    shop = WeekHours.parse({"mon_fri": "12:00-12:10"})
    for seed in range(50):
        found = due(eastern("2026-11-23T20:00"), shop=shop, seed=str(seed))
        assert isinstance(found, Due)
        assert eastern("2026-11-24T12:00") <= found.at <= eastern("2026-11-24T12:05")


@pytest.mark.parametrize(
    ("found", "reason"),
    [
        (due(eastern("2026-11-02T12:00"), now=eastern("2026-11-23T12:00")), TOO_LATE),
        (due(eastern("2026-11-24T12:00"), shop=WeekHours.parse({"mon": "10:00-11:00"})), TOO_LATE),
        (
            due(eastern("2026-11-24T12:00"), shop=WeekHours((None,) * 7)),
            Reason.QUIET_HOURS_TOO_LONG,
        ),
    ],
)
def test_what_would_come_too_late_is_skipped_with_a_reason(
    found: Due | NotDue, reason: str
) -> None:
    assert found == NotDue(reason)
    assert schedule_reason_text(reason).endswith(".")


def test_a_long_delay_is_not_lateness() -> None:
    found = due(eastern("2026-11-02T12:00"), delay=timedelta(days=14))
    assert isinstance(found, Due) and found.at == eastern("2026-11-16T12:00")


@settings(deadline=None)
@given(
    st.datetimes(
        datetime.fromisoformat("2026-01-01"),
        datetime.fromisoformat("2028-12-31"),
        timezones=st.just(UTC),
    ),
    st.timedeltas(timedelta(0), timedelta(days=5)),
    st.timedeltas(timedelta(days=-2), timedelta(days=6)),
    st.sampled_from(PHONES),
    st.text(max_size=10),
)
def test_a_due_time_is_lawful_in_time_and_never_past(
    arrived: datetime, delay: timedelta, later: timedelta, phone: str, seed: str
) -> None:
    now, places = arrived + later, locate(phone)
    found = due_at(arrived, now=now, delay=delay, jitter_seed=seed, places=places, rules=RULES)
    if isinstance(found, Due):
        assert max(now, arrived + delay) <= found.at < found.window_end
        assert latest_lawful_end(found.at, places, RULES) == found.window_end
