"""What docs/threat-model.md promises is shown by tests that exist."""

from __future__ import annotations

import re

from tests.house.source_files import ROOT

PAGE = (ROOT / "docs" / "threat-model.md").read_text()
NAMED = re.compile(r"`(tests/[\w/]+\.py)(?:::(\w+))?`")


def test_every_test_that_is_named_is_there() -> None:
    named = NAMED.findall(PAGE)
    assert len(named) > 30
    for file, test in named:
        path = ROOT / file
        assert path.is_file(), file
        assert not test or f"def {test}(" in path.read_text(), f"{file} has no {test}"


def test_every_attack_names_a_test_or_says_that_it_is_not_shown() -> None:
    rows = [
        line for line in PAGE.splitlines() if line.startswith("| ") and "| What pro" not in line
    ]
    assert len(rows) > 25
    for row in rows:
        assert NAMED.search(row) or "not shown" in row, row


def test_table_of_roles_is_the_one_in_the_code() -> None:
    from app.shops.roles import MAY, Permission, Role

    page = (ROOT / "docs" / "roles.md").read_text()
    for permission in Permission:
        [row] = [line for line in page.splitlines() if f"(`{permission}`)" in line]
        cells = [cell.strip() == "yes" for cell in row.strip("|").split("|")[1:]]
        order = (Role.OWNER, Role.ADMIN, Role.AGENT, Role.ANALYST)
        assert cells == [permission in MAY[role] for role in order], row
