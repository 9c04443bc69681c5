"""Finding and ending processes that an interrupted command left behind.

A number in a pid file proves nothing: after a power cut it may belong to anybody. So a process is
only touched when its command line carries the words that ours was started with.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path


def command_line(pid: int) -> str:
    """The words that a process was started with; empty if there is none."""
    proc = Path(f"/proc/{pid}/cmdline")
    if Path("/proc/self/cmdline").exists():
        try:
            return proc.read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
        except OSError:
            return ""
    try:
        listed = subprocess.run(
            ["ps", "-o", "command=", "-p", str(pid)], capture_output=True, text=True, check=False
        )
    except FileNotFoundError:
        return ""
    return listed.stdout.strip()


def is_ours(pid: int, words: str) -> bool:
    return pid > 1 and words in command_line(pid)


def end(pid: int, words: str, *, first: signal.Signals, patience: float) -> bool:
    """End a process of ours: politely, then for good. True if there was one."""
    if not is_ours(pid, words):
        return False
    for sign, wait in ((first, patience), (signal.SIGKILL, 5.0)):
        try:
            os.kill(pid, sign)
        except ProcessLookupError:
            return True
        deadline = time.monotonic() + wait
        while time.monotonic() < deadline:
            if not is_ours(pid, words):
                return True
            time.sleep(0.05)
    return True


def read_pid(file: Path) -> int:
    """The first line of a pid file as a number; 0 if the file is absent, empty or torn."""
    try:
        return int(file.read_text().splitlines()[0])
    except (OSError, ValueError, IndexError):
        return 0
