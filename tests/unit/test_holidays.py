"""Days that laws close: found by rule, observed beside, proclaimed, and refused when damaged."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

import app.consent
from app.consent.holidays import read_calendar
from app.consent.state_rules import load_rules, read_rules
from app.foundation.errors import Misconfigured
from tests.unit.test_state_rules import GOOD

TABLE = Path(app.consent.__file__).parent / "data" / "legal_holidays.toml"


@pytest.mark.parametrize(
    ("region", "day", "name"),
    [
        ("US-RI", date(2026, 1, 1), "New Year's Day"),
        ("US-RI", date(2026, 1, 19), "Martin Luther King Jr. Day"),
        ("US-RI", date(2026, 5, 4), "Rhode Island Independence Day"),
        ("US-RI", date(2026, 5, 25), "Memorial Day"),
        ("US-RI", date(2026, 7, 6), "Independence Day (observed)"),  # the 4th is a Saturday
        ("US-RI", date(2026, 8, 10), "Victory Day"),
        ("US-RI", date(2026, 11, 3), "Election Day"),
        ("US-RI", date(2026, 11, 26), "Thanksgiving Day"),
        ("US-RI", date(2026, 11, 27), None),
        ("US-AL", date(2026, 2, 17), "Mardi Gras"),
        ("US-AL", date(2026, 4, 27), "Confederate Memorial Day"),
        ("US-AL", date(2026, 6, 1), "Jefferson Davis' Birthday"),
        ("US-AL", date(2027, 12, 31), "New Year's Day (observed)"),  # of the year after
        ("US-LA", date(2026, 4, 3), "Good Friday"),
        ("US-LA", date(2026, 11, 2), "All Saints' Day (observed)"),
        ("US-LA", date(2026, 11, 27), "the day after Thanksgiving"),
        ("US-MS", date(2026, 4, 27), "Confederate Memorial Day"),
        ("US-UT", date(2026, 7, 24), "Pioneer Day"),
        ("US-UT", date(2026, 6, 15), "Juneteenth"),
        ("US-PA", date(2026, 6, 15), "Flag Day (observed)"),  # the 14th is a Sunday
        ("US-TX", date(2026, 12, 25), None),
        ("CA-BC", date(2026, 5, 18), "Victoria Day"),
        ("CA-BC", date(2027, 5, 24), "Victoria Day"),
        ("CA-BC", date(2026, 8, 3), "British Columbia Day"),
        ("CA-BC", date(2026, 10, 12), "Thanksgiving"),
        ("CA", date(2026, 12, 25), None),
    ],
)
def test_a_place_closes_its_days(region: str, day: date, name: str | None) -> None:
    assert load_rules().rules[region].closures.on(day) == name


def test_these_states_close_sundays_and_holidays() -> None:
    closing = {region for region, rule in load_rules().rules.items() if not rule.closures.none}
    assert closing == {"CA-BC", "US-AL", "US-LA", "US-MS", "US-PA", "US-RI", "US-UT"}
    for region in closing - {"CA-BC"}:
        assert load_rules().rules[region].hours.days[6] is None


def test_a_proclaimed_day_is_closed() -> None:
    book = read_rules(GOOD.replace("[CA]", "closed_days = [2026-12-24]\n[CA]"))
    assert book.rules["US"].closures.on(date(2026, 12, 24)) == "a proclaimed day"
    assert book.rules["US"].closures.on(date(2026, 12, 23)) is None


def test_any_change_of_either_table_changes_the_version() -> None:
    holidays = TABLE.read_text()
    one = read_rules(GOOD, holidays).version
    assert one == read_rules(GOOD, holidays).version
    assert one.startswith("2026-11-23.")
    assert (
        len(
            {
                one,
                read_rules(GOOD + "\n", holidays).version,
                read_rules(GOOD, holidays + "\n").version,
            }
        )
        == 3
    )


@pytest.mark.parametrize(
    "row",
    [
        'holidays = ["labour_day"]',
        'holidays = "federal"',
        "holidays = [7]",
        'observed = ["fri_thu"]',
        'closed_days = ["2026-12-24"]',
        "cap_24h = 0",
        "cap_24h = true",
        'cap_24h = "3"',
    ],
)
def test_a_damaged_row_is_refused(row: str) -> None:
    with pytest.raises(Misconfigured):
        read_rules(GOOD.replace("[CA]", f"{row}\n[CA]"))


@pytest.mark.parametrize(
    "rule",
    [
        "month = 1",
        'name = "A"\nmonth = 13\nday = 1',
        'name = "A"\nmonth = 2\nday = 30',
        'name = "A"\nmonth = 2\nday = 29',  # three years out of four it would be no day
        'name = "A"\nmonth = 1\nweekday = "monday"\non_or_after = 1',
        'name = "A"\nmonth = 1\nday = 1\neaster = 1',
        'name = "A"\neaster = "1"',
        'name = ""\neaster = 1',
        "name = 7\neaster = 1",
    ],
)
def test_a_damaged_rule_is_refused(rule: str) -> None:
    with pytest.raises(ValueError):
        read_calendar(f"[feast]\n{rule}\n")


def test_a_group_names_holidays_only() -> None:
    feast = '[feast]\nname = "A"\neaster = 1\n'
    with pytest.raises(ValueError):
        read_calendar(f'[groups]\nall = ["fast"]\n{feast}')
    with pytest.raises(ValueError):
        read_calendar(f'[groups]\nfeast = ["feast"]\n{feast}')
