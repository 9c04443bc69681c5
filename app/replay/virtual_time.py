"""The clock that a replay moves: the sandbox's file, which every process of Doorstep adds.

Called by `play`. Without SANDBOX_CLOCK_PATH time cannot be moved and passes as it does.
"""

from __future__ import annotations

import math
import os
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from app.foundation.clock import READ_AGAIN_SECONDS

LATE = timedelta(hours=1)


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
        """Let time pass until then, never backwards; returns when every process has noticed.

        A server that still went by the old time would take what is posted now for earlier than
        it is.
        """
        ahead = math.ceil((moment - self.now()).total_seconds())
        if ahead <= 0 or self._path is None:
            return
        self._offset += ahead
        self._path.parent.mkdir(parents=True, exist_ok=True)
        half = self._path.with_name(f"{self._path.name}.{os.getpid()}.new")
        half.write_text(str(self._offset))
        half.replace(self._path)
        time.sleep(READ_AGAIN_SECONDS)


def step_to(check_in: datetime | None, news: datetime | None) -> datetime | None:
    """How far time may pass at once, given when the next check-in is due and the next news come.

    News (webhooks, replies) may come up to an hour after their time, as carriers' scans do, but not
    after a check-in that they might call off. Check-ins that fall into one hour are done in one
    step: to six minutes before the full hour, for windows close on the hour, and their last five
    minutes are left for delivery.
    """
    if check_in is None:
        return news + LATE if news else None
    if news is None or check_in <= news:
        return max(check_in, check_in.replace(minute=54, second=0, microsecond=0))
    return max(news, min(news + LATE, check_in - timedelta(seconds=1)))
