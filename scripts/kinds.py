"""Running the kinds of test: a pytest process each, two kinds side by side, a line for each.

Called by scripts/suite.py. Every kind has servers, folders and a report of its own, so two of them
meet nowhere but on the processor. Those that watch time run alone, after the others.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
import xml.etree.ElementTree as ElementTree
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from scripts import frontend
from scripts.places import ROOT, STATE, VENV_PYTHON, make_state_folder
from scripts.screen import Step, say

# The longest first, so that two lanes end together. One not named here comes last, and alone.
FRONTEND = "frontend"  # no folder of tests/: vitest runs those that lie beside the sources
BESIDE_EACH_OTHER = ("features", "vendors", "unit", "house", "contracts", FRONTEND)
ALONE = ("browser", "faults")
LANES = 2
REPORTS = STATE / "reports"
KIND_SECONDS = 900
NO_TESTS_COLLECTED = 5
PERCENT = re.compile(rb"\[ *(\d+)%\]")


@dataclass
class Tally:
    kind: str
    passed: int = 0
    failed: int = 0
    skipped: int = 0
    seconds: float = 0.0
    remark: str = ""


@dataclass
class Run:
    """One pytest, or vitest, under way. With `aside` its output goes to a file, not the screen."""

    kind: str
    arguments: Sequence[str]
    environment: Mapping[str, str]
    aside: bool = False
    limit: int = KIND_SECONDS
    remark: str = ""
    began: float = field(default_factory=time.monotonic)

    def __post_init__(self) -> None:
        make_state_folder()
        REPORTS.mkdir(exist_ok=True)
        self.report, self.log = (REPORTS / f"{self.kind}.{end}" for end in ("xml", "log"))
        self.report.unlink(missing_ok=True)
        words, environment, cwd = self._command()
        with self.log.open("wb") as log:
            self._pytest = subprocess.Popen(
                words, cwd=cwd, env=environment, stdin=subprocess.DEVNULL,
                stdout=log if self.aside else None, stderr=log if self.aside else None,
                start_new_session=True,
            )  # fmt: skip

    def _command(self) -> tuple[list[str], dict[str, str], Path]:
        if self.kind == FRONTEND:
            reporters = ("--reporter=default", "--reporter=junit")
            words, environment = frontend.npm(
                "test", "--", *reporters, f"--outputFile.junit={self.report}"
            )
            return words, environment, frontend.FOLDER
        where = [] if self.kind == "chosen" else [f"tests/{self.kind}"]
        report = f"--junitxml={self.report}"
        words = [str(VENV_PYTHON), "-um", "pytest", *where, report, *self.arguments]
        return words, dict(self.environment), ROOT

    def ended(self) -> bool:
        """Whether it is over, be it because its time is up."""
        code = self._pytest.poll()
        if code is None and time.monotonic() - self.began > self.limit:
            self.remark = f"ended after {self.limit} s without a result"
            self.end()
        elif code not in (None, 0, 1, NO_TESTS_COLLECTED):
            runner = "npm test" if self.kind == FRONTEND else "pytest"
            self.remark = f"{runner} ended with {code}"
        elif code == 1 and not self.report.exists():
            self.remark = "it ended before any test"
        return self._pytest.poll() is not None

    def end(self) -> None:
        """Interrupt pytest, so that its fixtures stop their servers; then end what is left."""
        for sign, wait in ((signal.SIGINT, 20.0), (signal.SIGKILL, 5.0)):
            try:
                if sign is signal.SIGINT:
                    self._pytest.send_signal(sign)
                else:
                    os.killpg(self._pytest.pid, sign)
                self._pytest.wait(wait)
            except (ProcessLookupError, subprocess.TimeoutExpired):
                continue

    def percent(self) -> str:
        with self.log.open("rb") as log:
            log.seek(max(0, self.log.stat().st_size - 2000))
            seen = PERCENT.findall(log.read())
        return f"{self.kind} {int(seen[-1]) if seen else 0} %"

    def tally(self) -> Tally:
        tally = count(self.kind, self.report)
        tally.seconds = time.monotonic() - self.began
        tally.remark = self.remark
        if self.remark:
            tally.failed = max(1, tally.failed)
        return tally


def run_one(
    kind: str,
    arguments: Sequence[str],
    environment: Mapping[str, str],
    *,
    limit: int = KIND_SECONDS,
) -> Tally:
    """By itself, its output on the screen."""
    say(f"\n── {kind} {'─' * (72 - len(kind))}")
    run = Run(kind, arguments, environment, limit=limit)
    _wait([run])
    return run.tally()


def run_all(
    kinds: Sequence[str], arguments: Sequence[str], environment: Mapping[str, str]
) -> list[Tally]:
    """A line for each when it is done; the whole output of one that failed."""
    waiting, running, tallies = list(kinds), list[Run](), list[Tally]()
    live = Step("Running") if sys.stdout.isatty() else None
    try:
        while waiting or running:
            while waiting and _may_begin(waiting[0], running):
                running.append(Run(waiting.pop(0), arguments, environment, aside=True))
            if live:
                live.show(", ".join(run.percent() for run in running))
            time.sleep(0.2)
            for run in [run for run in running if run.ended()]:
                running.remove(run)
                tallies.append(run.tally())
                _tell(tallies[-1], run.log)
    except BaseException:
        for run in running:
            run.end()
        raise
    return sorted(tallies, key=lambda tally: list(kinds).index(tally.kind))


def _wait(running: Sequence[Run]) -> None:
    try:
        while not all(run.ended() for run in running):
            time.sleep(0.1)
    except BaseException:
        for run in running:
            run.end()
        raise


def _may_begin(kind: str, running: Sequence[Run]) -> bool:
    if not running:
        return True
    both = [kind, *(run.kind for run in running)]
    return len(both) <= LANES and all(one in BESIDE_EACH_OTHER for one in both)


def _tell(tally: Tally, log: Path) -> None:
    mark = "✗" if tally.failed else "✓"
    numbers = f"{tally.passed} passed" + "".join(
        f", {number} {word}"
        for number, word in ((tally.failed, "failed"), (tally.skipped, "skipped"))
        if number
    )
    clear = "\r\x1b[2K" if sys.stdout.isatty() else ""
    say(f"{clear}  {mark} {tally.kind:<12} {numbers:<53} {tally.seconds:6.1f} s")
    if tally.failed:
        say(f"\n── {tally.kind} {'─' * (72 - len(tally.kind))}")
        say(log.read_text(errors="replace"))


def count(kind: str, report: Path) -> Tally:
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
