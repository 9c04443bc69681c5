"""Finds Node.js with npm: the system's, if it is new enough, else those that a Python wheel brings.

The wheel is pinned and hashed like every package (requirements-browser.txt). Used by
scripts/frontend and, where Chromium has to be fetched, by scripts/chromium.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

from scripts.install import NODE
from scripts.places import LOGS, ROOT, VENV_BIN
from scripts.screen import Problem, step

OLDEST = (20, 19)
LOG = LOGS / "node.log"


def ensure() -> Path:
    """The folder that holds node and npm."""
    found = _system()
    if found:
        return found
    if not _new_enough(VENV_BIN / "node") or not (VENV_BIN / "npm").exists():
        with step("Installing Node.js from a Python wheel"), LOG.open("ab") as log:
            done = subprocess.run(
                [str(VENV_BIN / "python"), "-m", "pip", "install", "--require-hashes",
                 "--no-input", "-r", str(ROOT / NODE)],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, check=False,
            )  # fmt: skip
            if done.returncode != 0:
                raise Problem(
                    "Node.js is needed, and neither the system nor the package index has it.",
                    f"install Node.js {OLDEST[0]}.{OLDEST[1]} or newer with npm"
                    " (macOS: brew install node).",
                    LOG,
                )
    return VENV_BIN


def environment(folder: Path) -> dict[str, str]:
    """The system's, with this Node before others."""
    return {**os.environ, "PATH": f"{folder}{os.pathsep}{os.environ.get('PATH', os.defpath)}"}


def _system() -> Path | None:
    node, npm = shutil.which("node"), shutil.which("npm")
    return Path(npm).parent if node and npm and _new_enough(Path(node)) else None


def _new_enough(node: Path) -> bool:
    if not node.exists():
        return False
    try:
        asked = subprocess.run(
            [str(node), "--version"], capture_output=True, text=True, timeout=30, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    said = re.match(r"v(\d+)\.(\d+)", asked.stdout)
    return bool(said) and (int(said[1]), int(said[2])) >= OLDEST
