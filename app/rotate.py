"""After a new key was put in front of ENCRYPTION_KEYS: every stored secret is written anew.

A pair that is being refreshed at a vendor right now is left alone: its refresher stores the next
pair only if the row still holds, letter for letter, what it was begun with, and at Zendesk the old
pair is dead by then. Such rows are counted, and the command is run again.
"""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from app.foundation.crypto import KeyRing
from app.foundation.db import Base, Database
from app.helpdesk.models import HelpdeskAccount
from app.messaging.models import Sender
from app.proof.models import AuditChain
from app.shops.models import ShopToken

SECRETS: tuple[tuple[type[Base], tuple[str, ...]], ...] = (
    (ShopToken, ("access_token", "refresh_token")),
    (Sender, ("auth_token",)),
    (HelpdeskAccount, ("access_token", "refresh_token", "webhook_secret")),
    (AuditChain, ("secret",)),
)


@dataclass(frozen=True)
class Rotated:
    written: int  # secrets
    busy: int  # rows that are being refreshed: run it again


def rotate_keys(db: Database, keys: KeyRing) -> Rotated:
    """Safe to run again, and beside live traffic."""
    written = busy = 0
    for model, columns in SECRETS:
        with db.across_shops("operator: rotate keys") as session:
            now = session.scalars(sa.select(sa.func.now())).one()
            for row in session.scalars(sa.select(model).with_for_update()):
                lease = getattr(row, "refreshing_until", None)
                if lease is not None and lease > now:
                    busy += 1
                    continue
                for column in columns:
                    secret = getattr(row, column)
                    if secret:
                        setattr(row, column, keys.rotate(secret))
                        written += 1
    return Rotated(written, busy)
