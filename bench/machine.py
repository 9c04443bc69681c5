"""The machine under the measuring: its cores, what a process used of them, how busy it is.

Layout A: the server under test has core 0 for itself; PostgreSQL, Redis and whoever makes the
load share core 1. Ratios then compare Python with Python, not with the scheduler's luck.
"""

from __future__ import annotations

import contextlib
import os
import platform
from collections.abc import Iterable
from pathlib import Path

SERVER_CORE = frozenset({0})
OTHER_CORE = frozenset({1})
TICKS = os.sysconf("SC_CLK_TCK")


def check_cores() -> None:
    if len(os.sched_getaffinity(0)) < 2:
        raise SystemExit("The bench needs two cores: one for the server, one for the load.")


def pin(pids: Iterable[int], cores: frozenset[int]) -> None:
    """Put these processes, with all their threads, on these cores."""
    for pid in pids:
        with contextlib.suppress(OSError):  # a server's own child that just ended
            for task in Path(f"/proc/{pid}/task").iterdir():
                os.sched_setaffinity(int(task.name), cores)


def family(pid: int) -> list[int]:
    """A process and all that descend from it."""
    found, waiting = [], [pid]
    while waiting:
        one = waiting.pop()
        found.append(one)
        with contextlib.suppress(OSError):
            for task in Path(f"/proc/{one}/task").iterdir():
                waiting += map(int, (task / "children").read_text().split())
    return found


def cpu_seconds(pids: Iterable[int]) -> float:
    """User and system time that these processes have used so far."""
    total = 0
    for pid in pids:
        with contextlib.suppress(OSError):
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            # Its own, and those of children that have ended.
            total += sum(map(int, fields[11:15]))
    return total / TICKS


def resident_megabytes(pid: int) -> float:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    return 0.0


def describe(postgres: str) -> str:
    """One line that says on what the figures were made."""
    model = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if line.startswith("model name")
        ),
        platform.machine(),
    )
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return (
        f"{os.cpu_count()} cores ({model}), {memory:.0f} GiB, Linux {platform.release()},"
        f" Python {platform.python_version()}, PostgreSQL {postgres} (durable),"
        f" load average {os.getloadavg()[0]:.2f} at the start"
    )
