"""The front end's packages are pinned as Python's are, and it is made anew only when it changed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from scripts import frontend, node
from tests.house.source_files import ROOT

MANIFEST = json.loads((ROOT / "frontend" / "package.json").read_text())
LOCK = json.loads((ROOT / "frontend" / "package-lock.json").read_text())


def test_every_package_is_pinned_to_one_version_and_hashed() -> None:
    for group in ("dependencies", "devDependencies"):
        for name, version in MANIFEST[group].items():
            assert version[0].isdigit(), f"{name} is {version}"
            assert LOCK["packages"][f"node_modules/{name}"]["version"] == version
    for name, package in LOCK["packages"].items():
        assert not name or package["integrity"].startswith("sha512-"), name


def test_the_lockfile_names_no_place_to_fetch_from() -> None:
    assert not [name for name, package in LOCK["packages"].items() if "resolved" in package]


def test_the_lockfile_knows_all_that_its_packages_need() -> None:
    """Else `npm ci` refuses it; npm leaves out of it what it could not find."""
    known = {name.rpartition("node_modules/")[2] for name in LOCK["packages"]}
    for name, package in LOCK["packages"].items():
        needed = package.get("dependencies", {}) | package.get("optionalDependencies", {})
        assert not needed.keys() - known, name


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "src" / "desk").mkdir(parents=True)
    (tmp_path / "src" / "desk" / "main.tsx").write_text("one")
    (tmp_path / "package.json").write_text("{}")
    monkeypatch.setattr(frontend, "FOLDER", tmp_path)
    return tmp_path


def test_the_build_is_told_apart_by_its_sources_and_not_by_what_it_made(folder: Path) -> None:
    before = frontend.fingerprint()
    for made in ("node_modules/react/index.js", "dist/desk/index.html"):
        (folder / made).parent.mkdir(parents=True)
        (folder / made).write_text("made")
    assert frontend.fingerprint() == before
    (folder / "src" / "desk" / "main.tsx").write_text("two")
    assert frontend.fingerprint() != before


def test_a_renamed_source_is_another_source(folder: Path) -> None:
    before = frontend.fingerprint()
    (folder / "src" / "desk" / "main.tsx").rename(folder / "src" / "desk" / "other.tsx")
    assert frontend.fingerprint() != before


@pytest.mark.parametrize(
    ("said", "enough"),
    [
        ("v20.19.0", True), ("v24.1.0", True), ("v20.18.3", False), ("v18.20.0", False),
        ("20.19.0", False), ("snap not installed", False),
    ],
)  # fmt: skip
def test_an_old_node_is_not_taken(tmp_path: Path, said: str, enough: bool) -> None:
    pretend = tmp_path / "node"
    pretend.write_text(f"#!/bin/sh\necho '{said}'\n")
    pretend.chmod(0o755)
    assert node._new_enough(pretend) is enough


def test_no_node_at_all_is_not_taken(tmp_path: Path) -> None:
    assert not node._new_enough(tmp_path / "node")
