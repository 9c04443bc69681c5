"""After a new key was put in front of ENCRYPTION_KEYS: every stored secret is written anew."""

from __future__ import annotations

import sqlalchemy as sa

from app.foundation.crypto import KeyRing
from app.foundation.db import Base, Database
from app.helpdesk.models import HelpdeskAccount
from app.messaging.models import Sender
from app.shops.models import ShopToken

SECRETS: tuple[tuple[type[Base], tuple[str, ...]], ...] = (
    (ShopToken, ("access_token", "refresh_token")),
    (Sender, ("auth_token",)),
    (HelpdeskAccount, ("access_token", "refresh_token", "webhook_secret")),
)


def rotate_keys(db: Database, keys: KeyRing) -> int:
    """Returns how many secrets were rewritten. Safe to run again, and beside live traffic."""
    count = 0
    for model, columns in SECRETS:
        with db.across_shops("operator: rotate keys") as session:
            for row in session.scalars(sa.select(model).with_for_update()):
                for column in columns:
                    secret = getattr(row, column)
                    if secret:
                        setattr(row, column, keys.rotate(secret))
                        count += 1
    return count
