"""The front end: its packages, its build, its checks.

What is there already is not made again: `node_modules` remembers the lockfile that it was installed
from, `dist` the sources that it was built from. `make run` builds, `make test` tests and builds for
the browser tests, `make check` checks the types.
"""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
from collections.abc import Iterable, Sequence
from pathlib import Path

from scripts import node
from scripts.places import LOGS, ROOT
from scripts.screen import Problem, step

FOLDER = ROOT / "frontend"
PACKAGES = FOLDER / "node_modules"
BUILT = FOLDER / "dist"
PACKAGES_STAMP = PACKAGES / ".installed-from"
BUILT_STAMP = BUILT / ".built-from"
NOT_SOURCES = {PACKAGES.name, BUILT.name}
LOG = LOGS / "frontend.log"
UNREACHABLE = re.compile(r"EAI_AGAIN|ENOTFOUND|ECONNREFUSED|ETIMEDOUT|ECONNRESET|CERT_|E40[34]")


def ensure_built() -> None:
    """Bring `frontend/dist` to what the sources say."""
    wanted = fingerprint()
    if _read(BUILT_STAMP) == wanted:
        return
    ensure_packages()
    with step("Building the front end") as line:
        shutil.rmtree(BUILT, ignore_errors=True)
        _run(["npm", "run", "build"], "The front end could not be built.", "the log says why.")
        BUILT_STAMP.write_text(wanted)
        line.show(f"{sum(one.stat().st_size for one in BUILT.rglob('*.*')) / 1e3:.0f} kB")


def ensure_packages() -> None:
    """Bring `node_modules` to what the lockfile pins, each package checked against its hash."""
    wanted = _hash([FOLDER / "package.json", FOLDER / "package-lock.json"])
    if _read(PACKAGES_STAMP) == wanted:
        return
    with step("Installing the front end's packages"):
        _run(
            ["npm", "ci", "--prefer-offline"],
            "npm could not install the front end's packages.",
            "see the end of the log; run the command again.",
        )
        PACKAGES_STAMP.write_text(wanted)


def npm(*words: str) -> tuple[list[str], dict[str, str]]:
    """An npm command, to be run in FOLDER, and its environment."""
    ensure_packages()
    folder = node.ensure()
    return [str(folder / "npm"), *words], node.environment(folder)


def fingerprint() -> str:
    """Of all that the build reads."""
    return _hash(
        path
        for top in sorted(FOLDER.iterdir())
        if top.name not in NOT_SOURCES
        for path in ([top] if top.is_file() else sorted(top.rglob("*")))
        if path.is_file()
    )


def _hash(paths: Iterable[Path]) -> str:
    seen = hashlib.sha256()
    for path in paths:
        content = path.read_bytes()
        seen.update(f"{path.relative_to(FOLDER)}\0{len(content)}\0".encode() + content)
    return seen.hexdigest()


def _read(stamp: Path) -> str:
    return stamp.read_text() if stamp.exists() else ""


def _run(words: Sequence[str], what: str, remedy: str) -> None:
    folder = node.ensure()
    with LOG.open("wb") as log:
        done = subprocess.run(
            [str(folder / words[0]), *words[1:]], cwd=FOLDER, env=node.environment(folder),
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, check=False,
        )  # fmt: skip
    if done.returncode != 0:
        if UNREACHABLE.search(LOG.read_text(errors="replace")):
            what = "The npm registry cannot be reached, or lacks a pinned package."
            remedy = "check the network, the proxy and `npm config get registry`, then try again."
        raise Problem(what, remedy, LOG)
