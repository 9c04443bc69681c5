"""`make test`: every kind of test, and a table of counts at the end.

A kind is a folder of tests/. Each runs in a pytest of its own (scripts/kinds.py), so that one that
hangs or crashes is named and the others still run. Nothing is skipped silently: skipped tests are
counted, a kind without tests says so, and a run without any test fails.
"""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Sequence

from scripts import chromium, frontend
from scripts.install import DEVELOP, ensure_installed
from scripts.kinds import ALONE, BESIDE_EACH_OTHER, FRONTEND, Tally, run_all, run_one
from scripts.places import ROOT, VENV_BIN, VENV_PYTHON, check_disk
from scripts.screen import Problem, say, step

NO_SUITES = {"evals", "factories", "fixtures"}  # `make eval`, and material for the others


def test(arguments: Sequence[str]) -> int:
    """All kinds, or with paths among `arguments` only those; the rest goes to pytest."""
    check_disk()
    ensure_installed(DEVELOP)
    environment = test_environment(faults="small")
    began = time.monotonic()
    if any((ROOT / word.split("::")[0]).exists() for word in arguments if word[:1] != "-"):
        tallies = [run_one("chosen", arguments, environment)]
    else:
        kinds = kinds_present()
        if arguments:  # are pytest's, and mean nothing to the front end's runner
            kinds.remove(FRONTEND)
        if "browser" in kinds:
            frontend.ensure_built()
            environment["CHROMIUM_PATH"] = str(chromium.ensure())
        tallies = run_all(kinds, arguments, environment)
    return _report(tallies, time.monotonic() - began)


def test_faults(arguments: Sequence[str]) -> int:
    """The faults at full size."""
    check_disk()
    ensure_installed(DEVELOP)
    environment = test_environment(faults="full")
    return _report([run_one("faults", arguments, environment, limit=3600)], None)


def evaluate(arguments: Sequence[str]) -> int:
    """How well texts are understood, in rates with the misses; a folder adds everyday texts."""
    ensure_installed(DEVELOP)
    done = subprocess.run(
        [str(VENV_PYTHON), "-m", "tests.evals", *arguments],
        cwd=ROOT, env=test_environment(faults="small"), check=False,
    )  # fmt: skip
    return done.returncode


def check() -> int:
    """Format, lint, types and import directions. All run, even if the first one fails."""
    ensure_installed(DEVELOP)
    tsc, node_environment = frontend.npm("run", "--silent", "check")
    broken = []
    for title, words, cwd, environment in (
        ("ruff format --check", [_tool("ruff"), "format", "--check", "."], ROOT, None),
        ("ruff check", [_tool("ruff"), "check", "."], ROOT, None),
        ("mypy --strict app", [_tool("mypy"), "--strict", "app"], ROOT, None),
        ("lint-imports", [_tool("lint-imports")], ROOT, None),
        ("tsc --noEmit", tsc, frontend.FOLDER, node_environment),
    ):
        try:
            with step(title):
                done = subprocess.run(
                    words, cwd=cwd, env=environment, capture_output=True, text=True, check=False
                )
                if done.returncode != 0:
                    raise Problem(title, "")
        except Problem:
            broken.append(title)
            say(f"{done.stdout}{done.stderr}")
    if broken:
        raise Problem(
            f"Not clean: {', '.join(broken)}.",
            "`make format` mends layout and the simple findings; the others are yours.",
        )
    return 0


def _tool(name: str) -> str:
    return str(VENV_BIN / name)


def tidy() -> int:
    ensure_installed(DEVELOP)
    for words in (["check", "--fix", "--quiet", "."], ["format", "."]):
        subprocess.run([str(VENV_BIN / "ruff"), *words], cwd=ROOT, check=False)
    return 0


def bench(arguments: Sequence[str]) -> int:
    ensure_installed(DEVELOP)
    done = subprocess.run(
        [str(VENV_PYTHON), "-m", "bench", *arguments],
        cwd=ROOT, env=test_environment(faults="small"), check=False,
    )  # fmt: skip
    return done.returncode


def kinds_present() -> list[str]:
    """Folders of tests/ that hold tests and the front end, the known ones first."""
    there = {FRONTEND} | {
        folder.name
        for folder in (ROOT / "tests").iterdir()
        if folder.is_dir() and folder.name not in NO_SUITES and any(folder.rglob("test_*.py"))
    }
    known = (*BESIDE_EACH_OTHER, *ALONE)
    return [kind for kind in known if kind in there] + sorted(there - set(known))


def test_environment(*, faults: str) -> dict[str, str]:
    """The developer's own settings must not reach the tests, and no proxy may."""
    ours = ("DOORSTEP_", "SHOPIFY_", "TWILIO_", "ZENDESK_", "GORGIAS_", "SANDBOX_", "DATABASE_",
            "REDIS_")  # fmt: skip
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    # Some hundred Pythons are started: each would compile everything anew.
    kept.pop("PYTHONDONTWRITEBYTECODE", None)
    return {
        **kept,
        "FAULTS_SIZE": faults,
        "NO_PROXY": "127.0.0.1,localhost",
        "no_proxy": "127.0.0.1,localhost",
        "VIRTUAL_ENV": str(VENV_BIN.parent),
        "PATH": f"{VENV_BIN}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
    }


def _report(tallies: Sequence[Tally], seconds: float | None) -> int:
    say(f"\n{'kind':<12}{'passed':>8}{'failed':>8}{'skipped':>9}{'seconds':>9}")
    for tally in tallies:
        say(
            f"{tally.kind:<12}{tally.passed:>8}{tally.failed:>8}{tally.skipped:>9}"
            f"{tally.seconds:>9.1f}  {tally.remark}"
        )
    if seconds is not None:
        say(f"{'all':<12}{'':>25}{seconds:>9.1f}")
    passed, failed, skipped = (
        sum(getattr(tally, name) for tally in tallies) for name in ("passed", "failed", "skipped")
    )
    if passed + failed == 0:
        say("\nNot a single test ran.")
        return 1
    say(f"\n{passed} passed, {failed} failed" + (f", {skipped} skipped" if skipped else ""))
    return 1 if failed else 0
