"""The Zendesk app's zip: reproducible, and as Zendesk's own validator wants it (zendesk_rules)."""

from __future__ import annotations

import json
import struct
import zipfile
from pathlib import Path
from typing import Any

import pytest

from scripts import zendesk_app
from scripts.screen import Problem
from tests.house.zendesk_rules import Files, problems


@pytest.fixture
def files() -> Files:
    return dict(zendesk_app.files("https://doorstep.example.com"))


def test_zendesks_validator_would_find_nothing(files: Files) -> None:
    assert problems(files) == []


def changed(files: Files, **changes: Any) -> Files:
    manifest = json.loads(files["manifest.json"]) | changes
    return {**files, "manifest.json": json.dumps(manifest).encode()}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"whatever": 1}, "whatever is not known"),
        ({"author": None}, "author is missing"),
        ({"signedUrls": "yes"}, "signedUrls must be true or false"),
        ({"version": 1}, "version must be text"),
        ({"termsConditionsURL": "here"}, "termsConditionsURL is no address"),
        ({"frameworkVersion": "1.0"}, "frameworkVersion is not served"),
        ({"noTemplate": True}, "noTemplate is a thing of framework 1"),
        ({"domainWhitelist": "a.example"}, "domainWhitelist must be a list of texts"),
        ({"location": {}}, "location is missing"),
        ({"location": {"mail": {}}}, "mail is no product"),
        (
            {"location": {"support": {"ticket_sidebar": {"url": "http://a.example"}}}},
            "ticket_sidebar has no https address",
        ),
        (
            {"location": {"support": {"ticket_sidebar": {"url": "assets/none.html"}}}},
            "ticket_sidebar has no https address",
        ),
        (
            {"location": {"support": {"attic": {"url": "https://a.example"}}}},
            "attic is no location",
        ),
        (
            {"location": {"support": {"modal": {"url": "https://a.example", "flexible": 1}}}},
            "modal.flexible must be true or false",
        ),
        ({"parameters": {}}, "parameters must be a list"),
        ({"parameters": [{"name": "a", "type": "password"}]}, "password is no type of parameter"),
        ({"parameters": [{"name": "name"}]}, "a parameter must not be called name"),
        ({"parameters": [{"name": "a"}, {"name": "a"}]}, "two parameters have one name"),
        (
            {"parameters": [{"name": "a", "secure": True}]},
            "a secure parameter says where it may be used",
        ),
        (
            {"parameters": [{"name": "a", "type": "hidden", "required": True}]},
            "nobody can fill in what is hidden",
        ),
        ({"oauth": {"client_id": "x"}}, "oauth needs its parameter"),
        ({"defaultLocale": "de"}, "the default locale has no translation"),
    ],
)
def test_each_rule_of_the_manifest_refuses_what_breaks_it(
    files: Files, changes: dict[str, Any], expected: str
) -> None:
    assert expected in problems(changed(files, **changes))


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("translations/en.json", b'{"app": {"name": "x"}}', "translations/en.json lacks long_desc"),
        ("translations/klingon.json", b"{}", "translations/klingon.json is of no locale"),
        ("translations/fr.json", b"[]", "translations/fr.json is not an object of JSON"),
        ("requirements.json", b"{", "requirements.json is not an object of JSON"),
        ("requirements.json", b'{"tickets": {}}', "tickets cannot be required"),
        ("requirements.json", b'{"ticket_fields": {"a": {}}}', "a has no title"),
        ("requirements.json", b'{"user_fields": {"a": {"title": "A"}}}', "a has no key"),
        ("app.js", b"", "app.js is code"),
        ("assets/x.svg", b"<svg onload='x()'/>", "assets/x.svg is not only a drawing"),
    ],
)
def test_each_rule_of_the_other_files_refuses_what_breaks_it(
    files: Files, name: str, content: bytes, expected: str
) -> None:
    assert any(one.startswith(expected) for one in problems({**files, name: content}))


def test_it_makes_nothing_in_zendesk_for_nothing_would_fill_it(files: Files) -> None:
    assert "requirements.json" not in files


def test_every_language_says_the_same_things(files: Files) -> None:
    texts = {
        name: json.loads(content)["app"].keys()
        for name, content in files.items()
        if name.startswith("translations/")
    }
    assert texts.keys() == {"translations/en.json", "translations/es.json"}
    assert len({frozenset(keys) for keys in texts.values()}) == 1


def test_the_page_is_the_deployments_own_and_signed(files: Files) -> None:
    manifest = json.loads(files["manifest.json"])
    sidebar = manifest["location"]["support"]["ticket_sidebar"]
    assert sidebar == {"url": "https://doorstep.example.com/desk/zendesk", "flexible": True}
    assert manifest["signedUrls"] is True


@pytest.mark.parametrize(("name", "size"), [("logo.png", 320), ("logo-small.png", 128)])
def test_the_logos_have_the_sizes_that_zendesk_asks_for(files: Files, name: str, size: int) -> None:
    picture = files[f"assets/{name}"]
    assert picture[:8] == b"\x89PNG\r\n\x1a\n"
    assert struct.unpack(">II", picture[16:24]) == (size, size)


def test_the_same_sources_make_the_same_zip(tmp_path: Path) -> None:
    for path in zendesk_app.SOURCES.rglob("*.json"):
        path.touch()  # when a file was written must not matter
    one, two = (
        zendesk_app.write_zip(tmp_path / name, "https://doorstep.example.com").read_bytes()
        for name in ("one.zip", "two.zip")
    )
    assert one == two
    with zipfile.ZipFile(tmp_path / "one.zip") as archive:
        assert archive.namelist() == sorted(archive.namelist())
        assert archive.testzip() is None


@pytest.mark.parametrize(
    "given",
    ["", "doorstep.example.com", "http://doorstep.example.com", "https://", "https://a.example/x"],
)
def test_without_the_deployments_https_address_there_is_no_zip(given: str) -> None:
    with pytest.raises(Problem, match="https address"):
        zendesk_app.address_of(given)
