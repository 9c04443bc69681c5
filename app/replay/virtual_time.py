"""The clock that a replay moves: the sandbox's file, which every process of Doorstep adds.

Called by `play`. Without SANDBOX_CLOCK_PATH time cannot be moved and passes as it does.
"""

from __future__ import annotations

import math
import os
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path


class VirtualTime:
    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._offset = 0
        if path is not None and path.exists():
            self._offset = int(path.read_text().strip() or 0)

    @property
    def movable(self) -> bool:
        return self._path is not None

    def now(self) -> datetime:
        return datetime.fromtimestamp(time.time(), UTC) + timedelta(seconds=self._offset)

    def move_to(self, moment: datetime) -> None:
        """Let time pass until then; never backwards. The others notice within 100 ms."""
        ahead = math.ceil((moment - self.now()).total_seconds())
        if ahead <= 0 or self._path is None:
            return
        self._offset += ahead
        self._path.parent.mkdir(parents=True, exist_ok=True)
        half = self._path.with_name(f"{self._path.name}.{os.getpid()}.new")
        half.write_text(str(self._offset))
        half.replace(self._path)


def step_towards(waiting: datetime) -> datetime:
    """How far to move when the next thing waits until then.

    To six minutes before the full hour, so that what falls into one hour is done in one step, and
    still before a window closes: windows close on the hour, and leave five minutes for delivery.
    """
    last = waiting.replace(minute=54, second=0, microsecond=0)
    return max(last, waiting)
