"""Names that say nothing are refused, and so is what belongs to one machine and no other."""

from __future__ import annotations

import re

import pytest

from tests.house.source_files import committed_files, texts

EMPTY_NAMES = {"util", "utils", "helper", "helpers", "common", "manager", "managers", "misc"}
# Put together here, so that this file may hold them.
HOSTS = ("pypi" + ".org", "pythonhosted" + ".org", "registry.npm" + "js", "npm" + "js.org",
         "deb.debian" + ".org")  # fmt: skip
MACHINE_PATHS = re.compile(r"(?<![\w.$}/~-])/(?:" + "work" + "|" + "root" + r")/[\w.]")


def test_no_module_has_a_name_that_says_nothing() -> None:
    guilty = [
        path.as_posix()
        for path in committed_files()
        if path.suffix in {".py", ".ts", ".tsx", ".js"}
        and EMPTY_NAMES
        & {word for part in (*path.parts[:-1], path.stem) for word in part.split("_")}
    ]
    assert not guilty, f"name them by what they do: {guilty}"


@pytest.mark.parametrize("host", HOSTS)
def test_no_file_names_a_package_registry(host: str) -> None:
    guilty = [path.as_posix() for path, text in texts() if host in text]
    assert not guilty, f"{host}: which registry to use is the machine's business"


def test_no_file_names_a_folder_of_one_machine() -> None:
    guilty = {
        path.as_posix(): found[0] for path, text in texts() if (found := MACHINE_PATHS.search(text))
    }
    assert not guilty


def test_nothing_generated_or_secret_is_committed() -> None:
    guilty = [
        path.as_posix()
        for path in committed_files()
        if path.name in {".env", "dev.env"}
        or {".venv", ".doorstep", "node_modules"} & {*path.parts}
    ]
    assert not guilty
