"""Facts about permission."""

from __future__ import annotations

from dataclasses import dataclass

from app.foundation.events import Event


@dataclass(frozen=True)
class ConsentRevoked(Event):
    """Nothing proactive may reach this contact any more, on any path."""

    contact_id: int
