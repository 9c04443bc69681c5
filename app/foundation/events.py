"""Past-tense facts. Each room defines its own in `events.py`; `app/reactions.py` pairs them
with what follows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from app.foundation.db import Session


@dataclass(frozen=True)
class Event:
    shop_id: int


Reactions = Callable[["Session", Event, datetime], None]
"""Called by `Session.publish` with the transaction, the event and the time."""
