"""`make test`: every kind of test, one after the other, and a table of counts at the end.

A kind is a folder of tests/. Each runs in a pytest of its own, so that one that hangs or crashes
is named and the others still run. Nothing is skipped silently: skipped tests are counted, a kind
without tests says so, and a run without any test fails.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
import xml.etree.ElementTree as ElementTree
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from scripts import chromium
from scripts.install import DEVELOP, ensure_installed
from scripts.places import ROOT, STATE, VENV_BIN, VENV_PYTHON, check_disk, make_state_folder
from scripts.screen import Problem, say, step

# In this order: the quickest answers first. A folder not named here comes last.
KINDS = ("unit", "house", "contracts", "vendors", "features", "browser", "faults")
NO_SUITES = {"evals", "factories", "fixtures"}  # `make eval`, and material for the others
REPORTS = STATE / "reports"
KIND_SECONDS = 900
NO_TESTS_COLLECTED = 5


@dataclass
class Tally:
    kind: str
    passed: int = 0
    failed: int = 0
    skipped: int = 0
    seconds: float = 0.0
    remark: str = ""


def test(arguments: Sequence[str]) -> int:
    """All kinds, or with paths among `arguments` only those; the rest goes to pytest."""
    check_disk()
    ensure_installed(DEVELOP)
    chosen = any((ROOT / word.split("::")[0]).exists() for word in arguments if word[:1] != "-")
    kinds = ["chosen"] if chosen else kinds_present()
    environment = test_environment(faults="small")
    if not chosen and "browser" in kinds:
        environment["CHROMIUM_PATH"] = str(chromium.ensure())
    began = time.monotonic()
    tallies = [_run_kind(kind, arguments, environment, chosen=chosen) for kind in kinds]
    return _report(tallies, time.monotonic() - began)


def test_faults(arguments: Sequence[str]) -> int:
    """The faults at full size."""
    check_disk()
    ensure_installed(DEVELOP)
    environment = test_environment(faults="full")
    return _report([_run_kind("faults", arguments, environment, limit=3600)], None)


def evaluate(arguments: Sequence[str]) -> int:
    """How well texts are understood, in rates with the misses; a folder adds everyday texts."""
    ensure_installed(DEVELOP)
    done = subprocess.run(
        [str(VENV_PYTHON), "-m", "tests.evals", *arguments],
        cwd=ROOT, env=test_environment(faults="small"), check=False,
    )  # fmt: skip
    return done.returncode


def check() -> int:
    """Format, lint, types and import directions. All four run, even if the first one fails."""
    ensure_installed(DEVELOP)
    broken = []
    for title, words in (
        ("ruff format --check", ["ruff", "format", "--check", "."]),
        ("ruff check", ["ruff", "check", "."]),
        ("mypy --strict app", ["mypy", "--strict", "app"]),
        ("lint-imports", ["lint-imports"]),
    ):
        try:
            with step(title):
                done = subprocess.run(
                    [str(VENV_BIN / words[0]), *words[1:]],
                    cwd=ROOT, capture_output=True, text=True, check=False,
                )  # fmt: skip
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
    """Folders of tests/ that hold tests, the known ones first."""
    there = {
        folder.name
        for folder in (ROOT / "tests").iterdir()
        if folder.is_dir() and folder.name not in NO_SUITES and any(folder.rglob("test_*.py"))
    }
    return [kind for kind in KINDS if kind in there] + sorted(there - set(KINDS))


def test_environment(*, faults: str) -> dict[str, str]:
    """The developer's own settings must not reach the tests, and no proxy may."""
    ours = ("DOORSTEP_", "SHOPIFY_", "TWILIO_", "ZENDESK_", "SANDBOX_", "DATABASE_", "REDIS_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    return {
        **kept,
        "FAULTS_SIZE": faults,
        "NO_PROXY": "127.0.0.1,localhost",
        "no_proxy": "127.0.0.1,localhost",
        "VIRTUAL_ENV": str(VENV_BIN.parent),
        "PATH": f"{VENV_BIN}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
    }


def _run_kind(
    kind: str,
    arguments: Sequence[str],
    environment: Mapping[str, str],
    *,
    chosen: bool = False,
    limit: int = KIND_SECONDS,
) -> Tally:
    make_state_folder()
    REPORTS.mkdir(exist_ok=True)
    report = REPORTS / f"{kind}.xml"
    report.unlink(missing_ok=True)
    say(f"\n── {kind} {'─' * (72 - len(kind))}")
    where = [] if chosen else [f"tests/{kind}"]
    began = time.monotonic()
    pytest = subprocess.Popen(
        [str(VENV_PYTHON), "-m", "pytest", *where, f"--junitxml={report}", *arguments],
        cwd=ROOT, env=dict(environment), stdin=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    try:
        code = pytest.wait(limit)
        remark = "" if code in (0, 1, NO_TESTS_COLLECTED) else f"pytest ended with {code}"
    except subprocess.TimeoutExpired:
        remark = f"ended after {limit} s without a result"
        _end_group(pytest)
    except BaseException:
        _end_group(pytest)
        raise
    tally = _count(kind, report)
    tally.seconds = time.monotonic() - began
    tally.remark = remark
    if remark:
        tally.failed = max(1, tally.failed)
    return tally


def _end_group(pytest: subprocess.Popen[bytes]) -> None:
    """Interrupt pytest, so that its fixtures stop their servers; then end what is left."""
    for sign, wait in ((signal.SIGINT, 20.0), (signal.SIGKILL, 5.0)):
        try:
            if sign is signal.SIGINT:
                pytest.send_signal(sign)
            else:
                os.killpg(pytest.pid, sign)
            pytest.wait(wait)
        except (ProcessLookupError, subprocess.TimeoutExpired):
            continue


def _count(kind: str, report: Path) -> Tally:
    tally = Tally(kind)
    if not report.exists():
        return tally
    for suite in ElementTree.parse(report).getroot().iter("testsuite"):
        tests, failures, errors, skipped = (
            int(suite.get(name, "0")) for name in ("tests", "failures", "errors", "skipped")
        )
        tally.failed += failures + errors
        tally.skipped += skipped
        tally.passed += tests - failures - errors - skipped
    return tally


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
