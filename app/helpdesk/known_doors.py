"""Whose door a secret path is, remembered for some seconds, so that most webhooks cost no look-up.

Used by the webhook doors of the helpdesks' adapters, one for each kind. An account whose proof does
not fit is looked up anew, for it may have been connected again meanwhile.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field

import sqlalchemy as sa

from app.foundation.crypto import KeyRing
from app.foundation.db import Database
from app.helpdesk.models import HelpdeskAccount

REMEMBER_SECONDS = 5.0
MOST_REMEMBERED = 1000


@dataclass(frozen=True)
class KnownDoor:
    account_id: int
    shop_id: int
    secret: str = field(repr=False)
    until: float  # monotonic


class KnownDoors:
    """The doors of one kind of helpdesk, as this process knows them."""

    def __init__(self, db: Database, keys: KeyRing, kind: str) -> None:
        self._db = db
        self._keys = keys
        self._kind = kind
        self._known: dict[str, KnownDoor] = {}

    def __contains__(self, door_key: str) -> bool:
        return door_key in self._known

    def find(self, door_key: str, *, anew: bool = False) -> KnownDoor | None:
        """None: nobody's, or nobody's who has a webhook. Raises when the database is away."""
        remembered = self._known.get(door_key)
        if remembered is not None and remembered.until > time.monotonic() and not anew:
            return remembered
        with self._db.across_shops(f"{self._kind} door: whose key is this") as session:
            row = session.execute(
                sa.select(
                    HelpdeskAccount.id, HelpdeskAccount.shop_id, HelpdeskAccount.webhook_secret
                ).where(HelpdeskAccount.door_key == door_key, HelpdeskAccount.kind == self._kind)
            ).one_or_none()
        if row is None or row.webhook_secret is None:
            self._known.pop(door_key, None)
            return None
        if len(self._known) >= MOST_REMEMBERED:
            self._known.clear()
        until = time.monotonic() + REMEMBER_SECONDS
        door = KnownDoor(row.id, row.shop_id, self._keys.decrypt(row.webhook_secret), until)
        self._known[door_key] = door
        return door
