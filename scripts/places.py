"""Where the developer's commands keep things, and the two checks made before writing there."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from scripts.screen import Problem

ROOT = Path(__file__).resolve().parent.parent
STATE = ROOT / ".doorstep"
LOGS = STATE / "logs"
VENV = ROOT / ".venv"
VENV_BIN = VENV / "bin"
VENV_PYTHON = VENV_BIN / "python"

NEEDED_FREE_BYTES = 1_000_000_000  # the installed packages, plus a database that may grow


def check_disk(folder: Path = ROOT, needed: int = NEEDED_FREE_BYTES) -> None:
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise Problem(
            f"Only {free / 1e9:.1f} GB are free on the disk of {folder}; "
            f"Doorstep needs {needed / 1e9:.1f} GB.",
            "free some space (old container images and package caches are good candidates),\n"
            "or clone Doorstep onto a larger disk.",
        )


def make_state_folder() -> None:
    """`.doorstep/` holds secrets of development and a database: the owner's alone, where it can."""
    try:
        STATE.mkdir(exist_ok=True)
        LOGS.mkdir(exist_ok=True)
    except OSError as error:
        raise Problem(
            f"Cannot write into {ROOT}: {error.strerror}.",
            "clone Doorstep into a folder that this user may write to.",
        ) from error


@contextmanager
def only_one(name: str, address: str = "") -> Iterator[None]:
    """Hold a lock that the system gives back whatever ends this process, kill -9 included."""
    path = STATE / f"{name}.lock"
    with path.open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            lock.seek(0)
            pid, _, at = lock.read().strip().partition(" ")
            raise Problem(
                f"`make {name}` is already under way in this folder (process {pid}).",
                f"open {at}, or stop it first with Ctrl-C." if at else "stop it first.",
            ) from None
        lock.truncate(0)
        lock.write(f"{os.getpid()} {address}")
        lock.flush()
        yield
