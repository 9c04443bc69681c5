"""The table of help lines: complete, and refused when damaged."""

from __future__ import annotations

from pathlib import Path

import pytest

import app.understanding.help_lines as help_lines
from app.foundation.errors import Misconfigured
from app.understanding.crisis import CrisisKind
from app.understanding.help_lines import help_line, load_help_lines, read_help_lines

TABLE = (Path(help_lines.__file__).parent / "data" / "help_lines.toml").read_text()


@pytest.mark.parametrize("kind", CrisisKind)
@pytest.mark.parametrize("country", ["US", "CA"])
def test_every_served_country_has_a_line_of_its_own(country: str, kind: CrisisKind) -> None:
    assert help_line(country, kind) is load_help_lines()[country][kind]


def test_any_other_country_gets_the_default() -> None:
    assert help_line("SE", CrisisKind.MEDICAL) is help_line(None, CrisisKind.MEDICAL)


def test_self_harm_names_988_where_it_answers() -> None:
    for country in ("US", "CA"):
        assert "988" in help_line(country, CrisisKind.SELF_HARM).words


@pytest.mark.parametrize(
    ("good", "bad"),
    [
        ("[CA.medical]", "[CA.fire]"),
        ("[CA.medical]", "[CAN.medical]"),
        ("[CA.medical]", "[CA.medical"),
        ('source = "988.ca; CRTC 2022-234"', 'source = ""'),
        ('source = "988.ca; CRTC 2022-234"', ""),
        ("as_of = 2026-11-28", 'as_of = "today"'),
        ('confidence = "confirmed"', 'confidence = "likely"'),
        ('reach = "112"', 'reach = "112"\nfax = "1"'),
        ("You matter,", "You matter \N{EM DASH}"),
        ("You matter,", "You matter, " * 30),
        (TABLE, "US = 1"),
        (TABLE, ""),
    ],
)
def test_a_damaged_table_is_refused(good: str, bad: str) -> None:
    assert good in TABLE
    with pytest.raises(Misconfigured):
        read_help_lines(TABLE.replace(good, bad, 1))
