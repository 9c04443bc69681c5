"""What every job is given. A room's `jobs.py` names what it needs beyond this."""

from __future__ import annotations

from typing import Protocol

from app.foundation.clock import Clock
from app.foundation.crypto import KeyRing
from app.foundation.db import Database
from app.foundation.media import MediaStore


class Tools(Protocol):
    @property
    def db(self) -> Database: ...
    @property
    def clock(self) -> Clock: ...
    @property
    def keys(self) -> KeyRing: ...
    @property
    def media(self) -> MediaStore: ...
