"""Where time comes from. Domain code never reads a clock: `now` is passed in.

Called by the doors (web, jobs, ticker), once per request, job item or tick.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol

READ_AGAIN_SECONDS = 0.1  # how long a shifted clock goes on with what it read


class Clock(Protocol):
    def now(self) -> datetime:
        """This moment, aware, in UTC."""
        ...


class SystemClock:
    def now(self) -> datetime:
        return datetime.now(UTC)


class ShiftedClock:
    """The system's clock plus whole seconds read from a file.

    The sandbox's "let time pass" writes that file; every process reads the same one, at most
    every `READ_AGAIN_SECONDS`. Settings refuse it in production.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offset = timedelta(0)
        self._read_at = float("-inf")

    def now(self) -> datetime:
        if time.monotonic() - self._read_at > READ_AGAIN_SECONDS:
            self._read_at = time.monotonic()
            try:
                self._offset = timedelta(seconds=int(self._path.read_text() or 0))
            except FileNotFoundError:
                self._offset = timedelta(0)
        return datetime.now(UTC) + self._offset
