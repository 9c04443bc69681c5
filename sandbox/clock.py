"""The sandbox's clock: real time plus whole seconds kept in a file.

"Let time pass" writes the file that Doorstep's processes read too (SANDBOX_CLOCK_PATH), so that
everybody agrees on the moment. The file is replaced in one rename: a reader never sees half of it.
Emulators call `now()`; the page and scripts call `/sandbox/clock` (see `sandbox/switches.py`).
"""

from __future__ import annotations

import os
import threading
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

AT_LEAST = timedelta(hours=3)

_lock = threading.Lock()
_path: Path | None = None
_offset = 0


def use_file(path: Path) -> None:
    """Keep the offset in this file, and start from what it says."""
    global _path
    with _lock:
        _path = path


def offset() -> int:
    """Seconds that have been skipped, by us or by another that keeps the same file."""
    if _path is None:
        return _offset
    try:
        return int(_path.read_text().strip() or 0)
    except FileNotFoundError:
        return 0


def now() -> datetime:
    """This moment in the sandbox, aware, in UTC."""
    return datetime.now(UTC) + timedelta(seconds=offset())


def set_offset(seconds: int) -> None:
    """Put the clock to real time plus `seconds`."""
    global _offset
    with _lock:
        _offset = seconds
        if _path is None:
            return
        _path.parent.mkdir(parents=True, exist_ok=True)
        half = _path.with_name(f"{_path.name}.{os.getpid()}.new")
        half.write_text(str(seconds))
        half.replace(_path)


def advance(seconds: int) -> None:
    """Let time pass."""
    set_offset(offset() + seconds)


def seconds_until(local: time, zone: ZoneInfo) -> int:
    """Seconds from now to the next moment, some hours away, when clocks in `zone` show `local`.

    Some hours, for whoever presses the button has just had a parcel delivered and wants to see its
    check-in, which is due two hours later.
    """
    here = now().astimezone(zone)
    goal = datetime.combine(here.date(), local, zone)
    if goal.astimezone(UTC) <= here.astimezone(UTC) + AT_LEAST:
        goal = datetime.combine(here.date() + timedelta(days=1), local, zone)
    return int((goal.astimezone(UTC) - here.astimezone(UTC)).total_seconds()) + 1
