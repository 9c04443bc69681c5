"""One program of Doorstep as a real process: started as production starts it, killed at will.

Each leads a process group of its own, so that a kill -9 can take all of it at once, as a lost
machine does, or one child alone, as the kernel does when memory runs out.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import httpx

from scripts.places import ROOT


class Reaper:
    """Ends what was started here if the test run itself is killed. See `reaper`."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.reaper"],
            cwd=ROOT, stdin=subprocess.PIPE, text=True, start_new_session=True,
        )  # fmt: skip

    def note(self, number: int) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{number}\n")
        self._process.stdin.flush()

    def close(self) -> None:
        self._process.communicate(timeout=10)


class Program:
    """A process and its children. `command` is a line of the Procfile, or one like it."""

    def __init__(
        self,
        name: str,
        command: str,
        environment: Mapping[str, str],
        folder: Path,
        reaper: Reaper,
    ) -> None:
        self.name = name
        self.log = folder / f"{name}.log"
        self._command = command
        self._environment = dict(environment)
        self._reaper = reaper
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        return self._process.pid if self._process else 0

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self, **settings: str) -> None:
        """`settings` differ from the stack's for this one start. Does nothing while it runs."""
        if self.running:
            return
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                ["/bin/sh", "-c", f"exec {self._command}"],
                cwd=ROOT, env={**self._environment, **settings}, stdin=subprocess.DEVNULL,
                stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip
        self._reaper.note(self._process.pid)

    def children(self) -> list[int]:
        """Its direct children: RQ workers of the worker, request workers of gunicorn."""
        try:
            listed = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text()
        except OSError:
            return []
        return [int(word) for word in listed.split()]

    def kill_child(self, number: int = 0) -> None:
        """kill -9 for one child; the parent is to replace it."""
        children = self.children()
        if children:
            _send(children[number % len(children)], signal.SIGKILL)

    def kill(self) -> None:
        """kill -9 for the whole group."""
        if self._process is None:
            return
        self.signal_all(signal.SIGKILL)
        self._process.wait(10.0)
        self._reaper.note(-self._process.pid)
        self._process = None

    def kill_and_restart(self) -> None:
        self.kill()
        self.start()

    def signal_all(self, number: signal.Signals) -> None:
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, number)

    def wait_for(self, url: str, seconds: float = 40.0) -> None:
        """Until `url` answers below 500. Raises AssertionError with the log's end."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and self.running:
            try:
                if httpx.get(url, timeout=2.0, trust_env=False).status_code < 500:
                    return
            except httpx.HTTPError:
                pass
            time.sleep(0.05)
        raise AssertionError(f"{self.name} does not answer at {url}:\n{self.last_words()}")

    def last_words(self, most: int = 4000) -> str:
        return self.log.read_bytes()[-most:].decode(errors="replace") if self.log.exists() else ""


def _send(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)
