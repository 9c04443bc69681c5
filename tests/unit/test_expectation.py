"""When a person answers, over hours, week ends, holidays and changes of clocks; how it is said."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from app.consent.week_hours import WeekHours
from app.conversations.expectation import AgentHours, Expectation, expect, in_words

NY, LA = "America/New_York", "America/Los_Angeles"
OFFICE = {"mon_fri": "08:00-18:00", "sat": "10:00-14:00"}
ALWAYS = dict.fromkeys(("mon", "tue", "wed", "thu", "fri", "sat", "sun"), "00:00-24:00")


def at(text: str, zone: str = NY) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


def hours(week: dict[str, str], *closed: str, minutes: int = 10) -> AgentHours:
    days = frozenset(date.fromisoformat(one) for one in closed)
    return AgentHours(WeekHours.parse(week), NY, days, minutes)


@pytest.mark.parametrize(
    ("now", "due"),
    [
        ("2026-11-19T11:00", "2026-11-19T11:10"),
        ("2026-11-19T08:00", "2026-11-19T08:10"),
        ("2026-11-19T17:50", "2026-11-19T18:00"),
    ],
)
def test_in_hours_it_is_minutes(now: str, due: str) -> None:
    assert expect(hours(OFFICE), now=at(now)) == Expectation(at(due), 10, None)


@pytest.mark.parametrize(
    ("now", "opens"),
    [
        ("2026-11-19T17:51", "2026-11-20T08:00"),  # they would be gone by then
        ("2026-11-19T18:00", "2026-11-20T08:00"),
        ("2026-11-19T23:59", "2026-11-20T08:00"),
        ("2026-11-20T07:59", "2026-11-20T08:00"),
        ("2026-11-20T18:30", "2026-11-21T10:00"),  # Friday night, Saturday is shorter
        ("2026-11-21T15:00", "2026-11-23T08:00"),  # the week end
        ("2026-11-22T12:00", "2026-11-23T08:00"),
        ("2026-11-25T20:00", "2026-11-27T08:00"),  # Thanksgiving
        ("2026-11-26T11:00", "2026-11-27T08:00"),
        ("2026-12-24T19:00", "2026-12-28T08:00"),  # Christmas, then a closed Saturday
    ],
)
def test_after_hours_it_is_the_next_opening(now: str, opens: str) -> None:
    found = expect(hours(OFFICE, "2026-11-26", "2026-12-25", "2026-12-26"), now=at(now))
    assert found is not None and found.opens_at == at(opens)
    assert (found.due_at - at(opens)).total_seconds() == 600


@pytest.mark.parametrize(
    ("now", "opens_utc"),
    [
        ("2026-03-06T20:00", "2026-03-07T15:00"),  # Saturday, still winter
        ("2026-03-07T20:00", "2026-03-09T12:00"),  # the clocks went forward on Sunday
        ("2026-10-30T20:00", "2026-10-31T14:00"),
        ("2026-10-31T20:00", "2026-11-02T13:00"),  # and back
    ],
)
def test_wall_clock_opens_whatever_the_clocks_do(now: str, opens_utc: str) -> None:
    found = expect(hours(OFFICE), now=at(now))
    assert found is not None
    assert found.opens_at == datetime.fromisoformat(opens_utc).replace(tzinfo=UTC)


def test_opening_in_the_hour_that_is_skipped_is_the_hour_after() -> None:
    found = expect(hours({"sun": "02:30-06:00"}), now=at("2026-03-08T01:00"))
    assert found is not None and found.opens_at == datetime(2026, 3, 8, 7, 30, tzinfo=UTC)


@pytest.mark.parametrize("now", ["2026-11-19T23:55", "2026-11-22T00:00", "2026-11-01T01:30"])
def test_open_all_day_knows_no_midnight(now: str) -> None:
    found = expect(hours(ALWAYS), now=at(now))
    assert found is not None and found.opens_at is None


def test_nobody_for_weeks_promises_nothing() -> None:
    assert expect(hours({}), now=at("2026-11-19T11:00")) is None


@pytest.mark.parametrize(
    ("minutes", "said"),
    [
        (10, "A person answers within 10 minutes."),
        (60, "A person answers within an hour."),
        (90, "A person answers within 90 minutes."),
        (120, "A person answers within 2 hours."),
    ],
)
def test_minutes_in_words(minutes: int, said: str) -> None:
    now = at("2026-11-19T11:00")
    assert words(now, hours(OFFICE, minutes=minutes), {NY}) == said


@pytest.mark.parametrize(
    ("now", "zones", "said"),
    [
        ("2026-11-19T19:00", {NY}, "A person answers at 8am tomorrow (your time)."),
        ("2026-11-20T05:00", {NY}, "A person answers at 8am today (your time)."),
        ("2026-11-19T19:00", {LA}, "A person answers at 5am tomorrow (your time)."),
        ("2026-11-20T01:00", {LA}, "A person answers at 5am tomorrow (your time)."),  # still today
        ("2026-11-20T19:00", {"America/Chicago"}, "A person answers at 9am tomorrow (your time)."),
        ("2026-11-21T15:00", {NY}, "A person answers at 8am on Monday (your time)."),
        ("2026-11-19T19:00", {NY, LA}, "A person answers at 8am tomorrow (New York time)."),
        (
            "2026-11-19T19:00",
            {NY, "America/Detroit"},
            "A person answers at 8am tomorrow (your time).",
        ),
        ("2026-11-19T19:00", set(), "A person answers at 8am tomorrow (New York time)."),
        ("2026-11-20T19:00", {"Pacific/Honolulu"}, "A person answers at 5am tomorrow (your time)."),
        ("2026-11-20T19:00", {"Asia/Kolkata"}, "A person answers at 8:30pm today (your time)."),
        ("2026-11-20T19:00", {"America/Noronha"}, "A person answers at 1pm tomorrow (your time)."),
    ],
)
def test_opening_in_the_buyers_words(now: str, zones: set[str], said: str) -> None:
    assert words(at(now), hours(OFFICE), zones) == said


def test_far_opening_is_a_date_and_noon_is_noon() -> None:
    shut = hours({"mon_fri": "12:00-18:00"}, *[f"2026-12-{day:02}" for day in range(21, 31)])
    said = words(at("2026-12-19T10:00"), shut, {NY})
    assert said == "A person answers at noon on December 31 (your time)."


def test_spanish_and_the_shop_that_says_nothing() -> None:
    night = at("2026-11-19T19:00")
    open_ = hours(OFFICE)
    assert (
        words(night, open_, {NY}, "es") == "Una persona te responderá mañana a las 8:00 (tu hora)."
    )
    saturday = at("2026-11-21T15:00")
    assert words(saturday, open_, set(), "es") == (
        "Una persona te responderá el lunes a las 8:00 (hora de New York)."
    )
    noon = at("2026-11-19T12:00")
    assert words(noon, open_, {NY}, "es") == "Una persona te responderá en 10 minutos."
    assert in_words(None, now=noon, shop_zone=NY, buyer_zones={NY}) == (
        "A person reads this and answers here."
    )


def words(now: datetime, open_: AgentHours, zones: set[str], language: str = "en") -> str:
    return in_words(
        expect(open_, now=now),
        now=now,
        shop_zone=NY,
        buyer_zones=zones,
        language=language,  # type: ignore[arg-type]
    )
