"""The processes of `make run`: started with a log each, watched, ended in order.

Each runs in a session of its own, so that the terminal's Ctrl-C reaches only the command, which
then stops them one after the other. Their numbers are written down for a start after kill -9.
"""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from pathlib import Path

from scripts import leftovers
from scripts.places import LOGS, ROOT, STATE, make_state_folder
from scripts.screen import Problem

RUNNING_FILE = STATE / "running.json"
_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class Child:
    """One process. `words` are part of its command line, by which a leftover is known."""

    def __init__(self, name: str, command: str, words: str, patience: float = 15.0) -> None:
        self.name = name
        self.words = words
        self.log = LOGS / f"{name}.log"
        self._command = command
        self._patience = patience
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, environment: Mapping[str, str]) -> None:
        """Begin a fresh log; the one before stays beside it as NAME.log.1."""
        make_state_folder()
        if self.log.exists():
            self.log.replace(self.log.with_suffix(".log.1"))
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                ["/bin/sh", "-c", f"exec {self._command}"],
                cwd=ROOT, env=dict(environment), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                start_new_session=True,
            )  # fmt: skip

    @property
    def pid(self) -> int:
        return self._process.pid if self._process else 0

    def died(self) -> bool:
        return self._process is not None and self._process.poll() is not None

    def raise_if_died(self) -> None:
        if self._process is not None and self._process.poll() is not None:
            code = self._process.returncode
            how = f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended ({code})"
            raise Problem(
                f"The process `{self.name}` {how}, so everything stops.",
                "the log above says why. Correct it and run the command again; the data is kept.",
                self.log,
            )

    def stop(self, hurry: Callable[[], bool]) -> bool:
        """Ask it to end, then insist. False if it had to be killed."""
        if self._process is None:
            return True
        self._send(signal.SIGTERM)
        asked = time.monotonic()
        while self._process.poll() is None:
            waited = time.monotonic() - asked
            if waited > self._patience or (hurry() and waited > 1.0):
                self._send(signal.SIGKILL, whole_group=True)
                self._process.wait(5.0)
                return False
            time.sleep(0.05)
        # Grandchildren that outlived it (a killed gunicorn's workers) go with it.
        self._send(signal.SIGKILL, whole_group=True)
        return True

    def _send(self, sign: signal.Signals, *, whole_group: bool = False) -> None:
        assert self._process is not None
        try:
            if whole_group:
                os.killpg(self._process.pid, sign)
            elif self._process.poll() is None:
                self._process.send_signal(sign)
        except (ProcessLookupError, PermissionError):
            pass


def procfile() -> dict[str, str]:
    """The Procfile's lines: what `make run` starts is what production starts."""
    lines = (ROOT / "Procfile").read_text().splitlines()
    named = (line.partition(":") for line in lines if line.strip() and not line.startswith("#"))
    return {name.strip(): command.strip() for name, _, command in named}


def run_once(name: str, words: list[str], environment: Mapping[str, str], remedy: str) -> None:
    """A command that must succeed before the next step; its output goes to a log."""
    log = LOGS / f"{name}.log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            words, cwd=ROOT, env=dict(environment), stdin=subprocess.DEVNULL, stdout=out,
            stderr=out, start_new_session=True,
        )  # fmt: skip
        try:
            process.wait()
        except BaseException:
            process.terminate()
            process.wait()
            raise
    if process.returncode != 0:
        raise Problem(f"`{shlex.join(words[1:])}` failed.", remedy, log)


def wait_for_http(url: str, watched: list[Child], seconds: float) -> None:
    """Until `url` answers 200. A child that dies meanwhile is the answer too."""
    deadline = time.monotonic() + seconds
    said = "nothing"
    while time.monotonic() < deadline:
        for child in watched:
            child.raise_if_died()
        try:
            with _DIRECT.open(url, timeout=3):
                return
        except urllib.error.HTTPError as error:
            said = f"{error.code} {error.read(500).decode(errors='replace').strip()}"
        except OSError as error:
            said = str(error)
        time.sleep(0.1)
    raise Problem(
        f"{url} does not answer 200 after {seconds:.0f} s; it says: {said}",
        "the log above may say why.",
        watched[0].log,
    )


def write_down(children: list[Child]) -> None:
    RUNNING_FILE.write_text(json.dumps({child.words: child.pid for child in children}))


def end_leftovers() -> bool:
    """End what a killed `make run` left running. True if there was something."""
    try:
        noted: dict[str, int] = json.loads(RUNNING_FILE.read_text())
    except (OSError, ValueError):
        return False
    found = False
    for words, pid in noted.items():
        found |= leftovers.end(pid, words, first=signal.SIGTERM, patience=10.0)
    RUNNING_FILE.unlink(missing_ok=True)
    return found


def log_files() -> list[Path]:
    return sorted(LOGS.glob("*.log"))
