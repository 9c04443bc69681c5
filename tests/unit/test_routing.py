"""Which of a shop's rules decides where a ticket goes; which rules are none."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from pydantic import ValidationError

from app.helpdesk.ports import Priority, Routing
from app.helpdesk.routing.rules import MOST_RULES, RULES, Facts, route

VIP = {"group": "7"}
MAYA = Facts(
    said=["It came, thanks!", "But I'd like a REFUND for the jacket"],
    skus=["TRJ-PINE-M", "SOCK-1"],
    country="US",
    order_value=Decimal("188.00"),
)


def routed(*whens: dict[str, Any], facts: Facts = MAYA) -> str | None:
    """Number of the rule that decides."""
    rules = [{"when": when, "then": {"group": str(number)}} for number, when in enumerate(whens)]
    found = route(RULES.validate_python(rules), facts)
    return found.group_id if found else None


@pytest.mark.parametrize(
    ("when", "holds"),
    [
        ({"keyword": "refund"}, True),
        ({"keyword": "Refund for"}, True),
        ({"keyword": "fund"}, False),
        ({"keyword": "ref"}, False),
        ({"keyword": "warranty"}, False),
        ({"keyword": ".*"}, False),
        ({"sku": "TRJ"}, True),
        ({"sku": "trj-pine-m"}, True),
        ({"sku": "PINE"}, False),
        ({"country": "US"}, True),
        ({"country": "CA"}, False),
        ({"order_value_at_least": 188}, True),
        ({"order_value_at_least": "188.01"}, False),
        ({"urgent": True}, False),
        ({"keyword": "refund", "country": "US"}, True),
        ({"keyword": "refund", "country": "CA"}, False),
    ],
)
def test_conditions(when: dict[str, Any], holds: bool) -> None:
    assert (routed(when) is not None) is holds


def test_first_rule_that_fits_decides() -> None:
    assert routed({"country": "CA"}, {"sku": "TRJ"}, {"keyword": "refund"}) == "1"


def test_accents_and_case_do_not_matter() -> None:
    said = Facts(said=["¿Cuándo llega mi DEVOLUCIÓN?"])
    assert routed({"keyword": "devolución"}, facts=said) == "0"


def test_nothing_known_fits_nothing_but_danger() -> None:
    assert (
        routed({"sku": "T"}, {"country": "US"}, {"order_value_at_least": 1}, facts=Facts()) is None
    )
    assert routed({"urgent": True}, facts=Facts(urgent=True)) == "0"


def test_everything_that_a_rule_names_is_told() -> None:
    then = {"group": "7", "assignee": "42", "priority": "high", "tags": ["vip"]}
    rules = RULES.validate_python([{"when": {"country": "US"}, "then": then}])
    assert route(rules, MAYA) == Routing("7", "42", Priority.HIGH, ("vip",))


@pytest.mark.parametrize(
    "rule",
    [
        {"when": {}, "then": VIP},
        {"when": {"country": "US"}, "then": {}},
        {"when": {"country": "us"}, "then": VIP},
        {"when": {"keyword": "  "}, "then": VIP},
        {"when": {"order_value_at_least": -1}, "then": VIP},
        {"when": {"order_value_at_least": "NaN"}, "then": VIP},
        {"when": {"urgent": False}, "then": VIP},
        {"when": {"weather": "rain"}, "then": VIP},
        {"when": {"country": "US"}, "then": {"group": "sales"}},
        {"when": {"country": "US"}, "then": {"priority": "asap"}},
        {"when": {"country": "US"}, "then": {"tags": ["two words"]}},
        {"when": {"country": "US"}, "then": {"tags": ["doorstep-ai-on"]}},
        {"when": {"country": "US"}},
        "US",
    ],
)
def test_what_is_no_rule_is_refused(rule: Any) -> None:
    with pytest.raises(ValidationError):
        RULES.validate_python([rule])


def test_there_is_an_end_to_them() -> None:
    with pytest.raises(ValidationError):
        RULES.validate_python([{"when": {"country": "US"}, "then": VIP}] * (MOST_RULES + 1))
