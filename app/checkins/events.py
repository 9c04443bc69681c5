"""Facts about check-ins."""

from __future__ import annotations

from dataclasses import dataclass

from app.foundation.events import Event


@dataclass(frozen=True)
class CheckInDue(Event):
    check_in_id: int
