"""Influence travels downward by import, and upward only as events: see pyproject.toml."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

from tests.house.source_files import ROOT


def contracts() -> list[dict[str, object]]:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    return list(settings["contracts"])


def test_no_import_goes_against_the_contracts() -> None:
    asked = subprocess.run(
        [str(Path(sys.executable).parent / "lint-imports"), "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert asked.returncode == 0, asked.stdout[-6000:] + asked.stderr[-2000:]


def test_every_room_of_the_product_has_its_layer() -> None:
    layers = next(c for c in contracts() if c.get("containers") == ["app"])
    assert layers["exhaustive"] is True
    assert "exhaustive_ignores" not in layers


def test_the_sms_port_is_protected() -> None:
    protected = next(c for c in contracts() if c["type"] == "protected")
    assert protected["protected_modules"] == ["app.messaging.ports"]
    assert set(map(str, protected["allowed_importers"])) == {  # type: ignore[call-overload]
        "app.messaging",
        "app.vendors",
        "app.bootstrap",
    }
