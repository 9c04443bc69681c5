"""What the developer's commands say: a line per step with its time, and problems with a remedy."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO


class Problem(Exception):
    """Something that stops a command. `remedy` tells the reader what to do about it."""

    def __init__(self, what: str, remedy: str, log: Path | None = None) -> None:
        super().__init__(what)
        self.what = what
        self.remedy = remedy
        self.log = log


class Step:
    """A line on the screen while something is under way; `show` changes its end."""

    def __init__(self, title: str) -> None:
        self.title = title
        self.began = time.monotonic()
        self.note = ""
        self._live = sys.stdout.isatty()
        self._shown = 0.0
        self.show("")

    def show(self, note: str) -> None:
        self.note = note
        now = time.monotonic()
        if self._live and now - self._shown > 0.1:
            self._shown = now
            self._write(f"  … {self._text()}", end="")

    def close(self, mark: str) -> None:
        seconds = time.monotonic() - self.began
        self._write(f"  {mark} {self._text():<66} {seconds:6.1f} s", end="\n")

    def _text(self) -> str:
        return f"{self.title} ({self.note})" if self.note else self.title

    def _write(self, line: str, end: str) -> None:
        _put(sys.stdout, f"\r\x1b[2K{line}{end}" if self._live else f"{line}{end}")


@contextlib.contextmanager
def step(title: str) -> Iterator[Step]:
    """Time one step. A failure marks the line and goes on to the caller."""
    line = Step(title)
    try:
        yield line
    except BaseException:
        line.close("✗")
        raise
    line.close("✓")


def say(text: str = "") -> None:
    _put(sys.stdout, f"{text}\n")


def _put(out: TextIO, text: str) -> None:
    """A terminal that was closed must not keep us from stopping what we started."""
    with contextlib.suppress(OSError):
        out.write(text)
        out.flush()


def last_lines(log: Path, count: int = 20) -> str:
    if not log.exists():
        return ""
    return "\n".join(log.read_text(errors="replace").splitlines()[-count:])


def explain(problem: Problem) -> None:
    """Print a problem, the end of the log that shows it, and the remedy."""
    out = [f"\n✗ {problem.what}"]
    if problem.log is not None:
        out.append(f"\n  The last lines of {problem.log}:")
        out.extend(f"    {line}" for line in last_lines(problem.log).splitlines())
    out.append("\n  Remedy: " + "\n          ".join(problem.remedy.splitlines()))
    _put(sys.stderr, "\n".join(out) + "\n")
