"""What gets installed is pinned, hashed, and comes from pyproject.toml by `make requirements`."""

from __future__ import annotations

import re
import tomllib

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from tests.house.source_files import ROOT

FILES = ("requirements.txt", "requirements-sandbox.txt", "requirements-dev.txt",
         "requirements-browser.txt")  # fmt: skip
EXTRAS: dict[str, tuple[str, ...]] = {
    "requirements.txt": (),
    "requirements-sandbox.txt": ("sandbox",),
    "requirements-dev.txt": ("sandbox", "dev"),
}
PIN = re.compile(r"^([a-z0-9][a-z0-9._-]*)==(\S+?)(?: ; [^\\]+)? \\$")


def blocks(name: str) -> list[str]:
    text = "\n".join(
        line for line in (ROOT / name).read_text().splitlines() if not line.strip().startswith("#")
    )
    return [block for block in re.split(r"^(?=\S)", text, flags=re.MULTILINE) if block.strip()]


def pins(name: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for block in blocks(name):
        match = PIN.match(block.splitlines()[0])
        assert match, f"{name}: not pinned to one version: {block.splitlines()[0]}"
        found[canonicalize_name(match[1])] = match[2]
    return found


@pytest.mark.parametrize("name", FILES)
def test_every_package_is_pinned_and_hashed(name: str) -> None:
    assert pins(name)
    for block in blocks(name):
        lines = block.strip().splitlines()
        assert len(lines) > 1, f"no hash: {lines[0]}"
        for line in lines[1:]:
            assert re.fullmatch(r"\s+--hash=sha256:[0-9a-f]{64}( \\)?", line), line


@pytest.mark.parametrize("name", FILES)
def test_no_address_and_no_index_is_named(name: str) -> None:
    text = (ROOT / name).read_text()
    assert "://" not in text
    assert not re.search(r"^\s*--(?!hash)", text, flags=re.MULTILINE)


@pytest.mark.parametrize("name", EXTRAS)
def test_pins_are_those_that_pyproject_asks_for(name: str) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    asked = [*project["dependencies"]]
    for extra in EXTRAS[name]:
        asked += project["optional-dependencies"][extra]
    pinned = pins(name)
    for text in asked:
        wanted = Requirement(text)
        version = pinned.get(canonicalize_name(wanted.name))
        assert version, f"{wanted.name} is not in {name}: run `make requirements`"
        assert SpecifierSet(str(wanted.specifier)).contains(version), f"{text}, but {version}"


def test_the_smaller_files_agree_with_the_developers() -> None:
    everything = pins("requirements-dev.txt")
    for name in ("requirements.txt", "requirements-sandbox.txt"):
        assert pins(name).items() <= everything.items()
