"""Migrations are numbered and form one line; `.current-head` makes two new ones collide in git."""

from __future__ import annotations

import re

from alembic.script import ScriptDirectory

from tests.house.source_files import ROOT
from tests.servers import alembic_config

VERSIONS = ROOT / "migrations" / "versions"
NUMBERED = re.compile(r"^(\d{4})_[a-z0-9_]+\.py$")


def numbers() -> list[str]:
    found = []
    for path in sorted(VERSIONS.glob("*.py")):
        match = NUMBERED.match(path.name)
        assert match, f"{path.name} is not called NNNN_what_it_does.py"
        found.append(match[1])
    return found


def test_numbers_follow_each_other_from_one() -> None:
    assert numbers() == [f"{n:04}" for n in range(1, len(numbers()) + 1)]


def test_each_migration_continues_the_one_before() -> None:
    script = ScriptDirectory.from_config(alembic_config("postgresql://unused"))
    chain = [(revision.revision, revision.down_revision) for revision in script.walk_revisions()][
        ::-1
    ]
    expected_before = [None, *numbers()][:-1]
    assert chain == list(zip(numbers(), expected_before, strict=True))


def test_the_head_file_names_the_last_one() -> None:
    head = (ROOT / "migrations" / ".current-head").read_text()
    assert head == f"{numbers()[-1]}\n"


def test_sql_files_belong_to_a_migration() -> None:
    for path in VERSIONS.glob("*.sql"):
        assert path.name[:4] in numbers()
