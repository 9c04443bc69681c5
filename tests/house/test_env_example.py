"""`.env.example` and `app/settings.py` name the same settings, with the same defaults."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from app.settings import Settings
from tests.house.source_files import ROOT

LINE = re.compile(r"^([A-Z][A-Z0-9_]*)=(\S*)\s*(#.*)?$")


def example() -> dict[str, str]:
    lines = (ROOT / ".env.example").read_text().splitlines()
    return {m[1]: m[2] for m in map(LINE.match, lines) if m}


def names_in_settings() -> dict[str, object]:
    """Environment variable -> default; None where there is none or it is empty."""
    found = {}
    for field, info in Settings.model_fields.items():
        alias = info.validation_alias if isinstance(info.validation_alias, str) else field
        found[alias.upper()] = None if info.is_required() else info.default
    return found


def test_example_names_exactly_the_settings() -> None:
    assert sorted(example()) == sorted(names_in_settings())


def test_every_line_of_the_example_is_a_setting_or_a_comment() -> None:
    for line in (ROOT / ".env.example").read_text().splitlines():
        assert not line or line.startswith("#") or LINE.match(line), line


@pytest.mark.parametrize(("name", "default"), sorted(names_in_settings().items()))
def test_example_shows_the_real_default(name: str, default: object) -> None:
    shown = example().get(name, "")
    expected = str(default) if isinstance(default, Path | int | str) and default else ""
    assert shown == expected
