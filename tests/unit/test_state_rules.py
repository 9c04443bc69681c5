"""The table of state rules: what it says, and that a damaged one is refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.consent.state_rules import PRODUCT_HOURS, Confidence, load_rules, read_rules
from app.consent.week_hours import WeekHours
from app.foundation.errors import Misconfigured


@pytest.mark.parametrize(
    ("region", "day", "hours"),
    [
        ("US", "mon", "08:00-21:00"),
        ("US-FL", "sun", "08:00-20:00"),
        ("US-CT", "sat", "09:00-20:00"),
        ("US-TX", "sat", "09:00-21:00"),
        ("US-TX", "sun", "12:00-21:00"),
        ("US-RI", "fri", "09:00-18:00"),
        ("US-RI", "sat", "10:00-17:00"),
        ("US-RI", "sun", None),
        ("US-KY", "mon", "10:00-21:00"),
        ("CA", "fri", "09:00-21:30"),
        ("CA", "sat", "10:00-18:00"),
    ],
)
def test_the_table_says(region: str, day: str, hours: str | None) -> None:
    assert load_rules().rules[region].hours.as_text().get(day) == hours


def test_all_rows_of_a_region_apply_and_unconfirmed_ones_too() -> None:
    applying = load_rules().applying({"US-RI", "US", "US-NY"})
    assert [rule.region for rule in applying] == ["US", "US-RI"]
    assert applying[1].confidence is Confidence.CONFIRMED
    assert applying[1].evidence == "rule:US-RI@2026-11-28"
    assert load_rules().rules["US-PA"].confidence is Confidence.UNCONFIRMED


def test_no_state_allows_more_than_the_federal_hours_do() -> None:
    rules = load_rules().rules
    for region, rule in rules.items():
        if region.startswith("US-"):
            assert rule.hours.narrowed_by(rules["US"].hours) == rule.hours, region


def test_only_these_states_narrow_our_own_hours() -> None:
    narrowing = {
        region
        for region, rule in load_rules().rules.items()
        if PRODUCT_HOURS.narrowed_by(rule.hours) != PRODUCT_HOURS
    }
    assert narrowing == {
        "CA", "CA-BC", "US-AL", "US-LA", "US-MS", "US-PA", "US-RI", "US-SD", "US-UT",
    }  # fmt: skip


GOOD = """
[US]
name = "United States"
mon_sat = "08:00-21:00"
source = "statute"
as_of = 2026-11-23
confidence = "confirmed"
[CA]
name = "Canada"
mon_sat = "09:00-21:00"
source = "statute"
as_of = 2026-11-23
confidence = "confirmed"
"""


@pytest.mark.parametrize(
    ("good", "bad"),
    [
        ("[CA]", "[XX]"),
        ("[CA]", "[CA-ontario]"),
        ('mon_sat = "09:00-21:00"', 'mon_sat = "21:00-09:00"'),
        ('mon_sat = "09:00-21:00"', 'mon_sat = "9-21"'),
        ('mon_sat = "09:00-21:00"', 'monday = "09:00-21:00"'),
        ('mon_sat = "09:00-21:00"', 'mon_sat = "09:00-21:00"\nmon = "09:00-10:00"'),
        ('mon_sat = "09:00-21:00"', "mon_sat = 9"),
        ('mon_sat = "09:00-21:00"', ""),
        ('mon_sat = "09:00-21:00"', 'mon_sat = "09:00-24:30"'),
        ('source = "statute"', 'source = ""'),
        ("as_of = 2026-11-23", 'as_of = "yesterday"'),
        ('confidence = "confirmed"', 'confidence = "likely"'),
        ("[CA]", "[CA"),
        (GOOD, "US = 1"),
    ],
)
def test_a_damaged_table_is_refused(good: str, bad: str) -> None:
    assert read_rules(GOOD).rules.keys() == {"US", "CA"}
    with pytest.raises(Misconfigured):
        read_rules(GOOD.replace(good, bad, 1) if good != GOOD else bad)


spans = st.none() | st.tuples(st.integers(0, 1439), st.integers(1, 1440)).filter(
    lambda span: span[0] < span[1]
)
weeks = st.builds(WeekHours, st.tuples(*[spans] * 7))


@given(weeks, weeks)
def test_narrowing_takes_only_away(one: WeekHours, other: WeekHours) -> None:
    both = one.narrowed_by(other)
    assert both == other.narrowed_by(one)
    assert both.narrowed_by(one) == both
    for day, span in enumerate(both.days):
        if span is not None:
            a, b = one.days[day], other.days[day]
            assert a is not None and b is not None
            assert a[0] <= span[0] < span[1] <= a[1] and b[0] <= span[0] < span[1] <= b[1]


@given(weeks)
def test_hours_survive_writing_and_reading(week: WeekHours) -> None:
    assert WeekHours.parse(week.as_text()) == week
