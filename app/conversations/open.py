"""The thread of a contact, made when there is none yet."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from app.foundation.db import Session


@dataclass(frozen=True)
class Thread:
    """Which conversation, and whose."""

    id: int
    shop_id: int
    contact_id: int


OPEN = """
INSERT INTO conversations AS c (shop_id, contact_id, order_id, last_message_at)
VALUES (%(shop)s, %(contact)s, %(order)s, %(now)s)
ON CONFLICT (shop_id, contact_id) DO UPDATE SET
  order_id = coalesce(excluded.order_id, c.order_id), last_message_at = excluded.last_message_at
RETURNING id
"""


def open_conversation(
    session: Session, *, now: datetime, shop_id: int, contact_id: int, order_id: int | None
) -> Thread:
    """The one durable conversation of this contact, locked; about `order_id` from now on.

    The caller adds a text to it.
    """
    values = {"shop": shop_id, "contact": contact_id, "order": order_id, "now": now}
    return Thread(session.sql(OPEN, values).scalar_one(), shop_id, contact_id)
