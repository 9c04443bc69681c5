"""When a text may go: DST, borders of zones, Sundays, states, shops."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from app.consent.quiet_hours import (
    OpenHours,
    _on_day,
    allowed_hours,
    latest_lawful_end,
    next_lawful,
    next_window,
    open_hours,
)
from app.consent.state_rules import load_rules
from app.consent.week_hours import WeekHours
from app.consent.zones import Places, locate
from app.orders.ports import Place

RULES = load_rules()
NEW_YORK = locate("+12125550142")
CALIFORNIA = locate("+14155550142")
RHODE_ISLAND = locate("+14015550142")
BOTH_COASTS = NEW_YORK | CALIFORNIA
ANYWHERE = locate("+18005550142")


def utc(text: str, zone: str = "UTC") -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


def eastern(text: str) -> datetime:
    return utc(text, "America/New_York")


@pytest.mark.parametrize(
    ("now", "lawful"),
    [
        ("2026-11-23T15:00", "2026-11-23T15:00"),  # Monday afternoon
        ("2026-11-23T10:00", "2026-11-23T10:00"),  # the opening is inside
        ("2026-11-23T09:59:59", "2026-11-23T10:00"),
        ("2026-11-23T19:59:59", "2026-11-23T19:59:59"),
        ("2026-11-23T20:00", "2026-11-24T10:00"),  # the closing is outside
        ("2026-11-23T23:30", "2026-11-24T10:00"),
        ("2026-11-21T20:30", "2026-11-22T12:00"),  # Saturday night: Sunday at noon
        ("2026-11-22T18:00", "2026-11-23T10:00"),  # Sunday evening
        ("2028-02-28T21:00", "2028-02-29T10:00"),  # leap day
        ("2028-02-29T21:00", "2028-03-01T10:00"),
        ("2026-12-31T22:00", "2027-01-01T10:00"),
        ("2026-03-07T23:00", "2026-03-08T12:00"),  # the clocks go forward this Sunday
        ("2026-10-31T23:00", "2026-11-01T12:00"),  # and back this one
    ],
)
def test_the_next_lawful_instant_in_new_york(now: str, lawful: str) -> None:
    assert next_lawful(eastern(now), NEW_YORK, RULES) == eastern(lawful)


def test_wall_time_holds_while_utc_moves_with_daylight_saving() -> None:
    before = next_lawful(utc("2026-03-07T05:00"), NEW_YORK, RULES)
    after = next_lawful(utc("2026-03-09T05:00"), NEW_YORK, RULES)
    assert before == utc("2026-03-07T15:00")
    assert after == utc("2026-03-09T14:00")


def test_arizona_keeps_its_hour_when_others_turn_the_clock() -> None:
    phoenix = locate("+16025550142")
    assert next_lawful(utc("2026-07-06T08:00"), phoenix, RULES) == utc("2026-07-06T17:00")
    assert next_lawful(utc("2026-12-07T08:00"), phoenix, RULES) == utc("2026-12-07T17:00")


def test_every_zone_must_be_open_at_once() -> None:
    # 10:00 in New York is 07:00 in California; 20:00 in New York closes for both.
    assert next_lawful(eastern("2026-11-23T10:00"), BOTH_COASTS, RULES) == eastern(
        "2026-11-23T13:00"
    )
    assert latest_lawful_end(eastern("2026-11-23T14:00"), BOTH_COASTS, RULES) == eastern(
        "2026-11-23T20:00"
    )


def test_gary_indiana_waits_for_chicago() -> None:
    gary = locate("+12195550142", Place(country="US", zip="46402"))
    assert next_lawful(eastern("2026-11-23T10:00"), gary, RULES) == eastern("2026-11-23T11:00")


@pytest.mark.parametrize(
    ("now", "lawful"),
    [
        ("2026-11-23T17:59", "2026-11-23T17:59"),
        ("2026-11-23T18:00", "2026-11-24T10:00"),
        ("2026-11-21T17:00", "2026-11-23T10:00"),  # Saturday ends at five, no Sunday
    ],
)
def test_rhode_island_narrows_the_day(now: str, lawful: str) -> None:
    assert next_lawful(eastern(now), RHODE_ISLAND, RULES) == eastern(lawful)


def test_canadian_weekends_end_at_six() -> None:
    toronto = locate("+14165550142")
    assert latest_lawful_end(eastern("2026-11-21T15:00"), toronto, RULES) == eastern(
        "2026-11-21T18:00"
    )


@pytest.mark.parametrize("month", range(1, 13))
def test_unknown_places_still_have_a_lawful_hour_within_two_days(month: int) -> None:
    now = datetime(2027, month, 15, tzinfo=UTC)
    window = next_window(now, ANYWHERE, RULES)
    assert window is not None
    assert window.start - now < timedelta(days=3)
    assert window.end - window.start >= timedelta(minutes=30)


def test_a_shop_narrows_and_never_widens() -> None:
    wish = WeekHours.parse({"mon_fri": "06:00-13:00", "sat": "12:00-23:00"})
    assert allowed_hours(NEW_YORK, RULES, wish).as_text() == {
        **dict.fromkeys(("mon", "tue", "wed", "thu", "fri"), "10:00-13:00"),
        "sat": "12:00-20:00",
    }
    assert next_lawful(eastern("2026-11-20T13:00"), NEW_YORK, RULES, wish) == eastern(
        "2026-11-21T12:00"
    )


def test_a_window_with_too_little_room_is_passed_over() -> None:
    room = timedelta(minutes=10)
    late = eastern("2026-11-23T19:50")
    assert next_lawful(late, NEW_YORK, RULES, room=room) == eastern("2026-11-24T10:00")
    assert next_lawful(late - timedelta(seconds=1), NEW_YORK, RULES, room=room) == (
        late - timedelta(seconds=1)
    )


def test_no_common_hour_within_a_week_is_none() -> None:
    never = WeekHours.parse({"mon": "19:00-20:00"})
    assert next_lawful(eastern("2026-11-23T10:00"), BOTH_COASTS, RULES, never) is None
    assert next_lawful(eastern("2026-11-23T10:00"), NEW_YORK, RULES, WeekHours((None,) * 7)) is None


def test_a_weekly_hour_is_found_up_to_seven_days_ahead() -> None:
    mondays = WeekHours.parse({"mon": "10:00-11:00"})
    assert next_lawful(eastern("2026-11-23T11:00"), NEW_YORK, RULES, mondays) == eastern(
        "2026-11-30T10:00"
    )


def test_abroad_there_is_no_lawful_hour() -> None:
    assert next_lawful(utc("2026-11-23T15:00"), locate("+447400000142"), RULES) is None


def test_outside_a_window_there_is_no_end() -> None:
    assert latest_lawful_end(eastern("2026-11-23T21:00"), NEW_YORK, RULES) is None


ZONES = [
    "America/New_York", "America/Chicago", "America/Denver", "America/Phoenix",
    "America/Los_Angeles", "America/Anchorage", "Pacific/Honolulu", "America/St_Johns",
    "America/Puerto_Rico", "America/Halifax", "America/Adak",
]  # fmt: skip
REGIONS = ["US", "US-RI", "US-TX", "US-FL", "US-AL", "US-KY", "CA"]

instants = st.datetimes(
    datetime.fromisoformat("2024-01-01"),
    datetime.fromisoformat("2032-12-31"),
    timezones=st.just(UTC),
)
spans = st.none() | st.tuples(st.integers(0, 1439), st.integers(1, 1440)).filter(
    lambda span: span[0] < span[1]
)
weeks = st.builds(WeekHours, st.tuples(*[spans] * 7))
places_st = st.builds(
    Places,
    st.just(frozenset({"US"})),
    st.frozensets(st.sampled_from(REGIONS)),
    st.frozensets(st.sampled_from(ZONES), min_size=1, max_size=4),
)


def inside(at: datetime, places: Places, hours: OpenHours) -> bool:
    """The definition, spelt out: every zone's wall clock is inside the hours of its day."""
    for zone in places.zones:
        wall = at.astimezone(ZoneInfo(zone))
        span = hours.on(wall.date())
        minute = wall.hour * 60 + wall.minute
        if span is None or not span[0] <= minute < span[1]:
            return False
    return True


@settings(deadline=None)
@given(instants, places_st, st.none() | weeks)
def test_a_window_is_lawful_throughout_and_closes_when_it_says(
    now: datetime, places: Places, shop: WeekHours | None
) -> None:
    window = next_window(now, places, RULES, shop)
    hours = open_hours(places, RULES, shop)
    if window is None:
        return
    assert window.start >= now
    length = window.end - window.start
    for share in (0.0, 0.25, 0.5, 0.75):
        assert inside(window.start + length * share, places, hours)
    assert inside(window.end - timedelta(microseconds=1), places, hours)
    assert latest_lawful_end(window.start, places, RULES, shop) == window.end


@settings(deadline=None)
@given(instants, places_st, st.none() | weeks)
def test_nothing_lawful_comes_earlier(
    now: datetime, places: Places, shop: WeekHours | None
) -> None:
    hours = open_hours(places, RULES, shop)
    found = next_lawful(now, places, RULES, shop)
    limit = found if found is not None else now + timedelta(days=7)
    step = timedelta(minutes=17)
    at = now
    while at < limit:
        assert not inside(at, places, hours)
        at += step


TURNS = [datetime(2026, 3, 8, tzinfo=UTC), datetime(2026, 11, 1, tzinfo=UTC)]


@settings(deadline=None)
@given(st.sampled_from(TURNS), st.integers(0, 2 * 24 * 60), places_st)
def test_the_day_the_clocks_turn_is_as_lawful_as_any(
    day: datetime, minutes: int, places: Places
) -> None:
    now = day + timedelta(minutes=minutes)
    found = next_lawful(now, places, RULES)
    assume(found is not None)
    assert found is not None and inside(found, places, open_hours(places, RULES))


@settings(deadline=None)
@given(
    st.sampled_from([day.date() for day in TURNS]),
    st.tuples(st.integers(0, 240), st.integers(1, 300)).filter(lambda span: span[0] < span[1]),
)
def test_an_edge_in_a_missing_or_doubled_hour_is_read_narrowly(
    day: date, span: tuple[int, int]
) -> None:
    # No window opens at two at night today; the arithmetic would be right if one did.
    tz = ZoneInfo("America/New_York")
    window = _on_day(span, day, tz)
    at = window.start
    while at < window.end:
        wall = at.astimezone(tz)
        assert wall.date() == day
        assert span[0] <= wall.hour * 60 + wall.minute < span[1] or _doubled(wall, span)
        at += timedelta(minutes=1)


def _doubled(wall: datetime, span: tuple[int, int]) -> bool:
    """In the hour that comes twice, a span around it holds both passes."""
    return wall.fold == 1 and span[0] <= 60 and span[1] >= 120
