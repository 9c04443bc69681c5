"""The threads of contacts, made where there is none yet."""

from __future__ import annotations

from collections.abc import Mapping
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
SELECT %(shop)s, contact_id, order_id, %(now)s
FROM unnest(%(contacts)s::bigint[], %(orders)s::bigint[]) AS t(contact_id, order_id)
ON CONFLICT (shop_id, contact_id) DO UPDATE SET
  order_id = coalesce(excluded.order_id, c.order_id), last_message_at = excluded.last_message_at
RETURNING id, contact_id
"""


def open_conversations(
    session: Session, *, now: datetime, shop_id: int, about: Mapping[int, int | None]
) -> list[Thread]:
    """The one durable conversation of each contact, locked, in the order of `about`: contact ->
    the order that it is about from now on, None: as before.

    The caller adds a text to each, and has locked the contacts.
    """
    asked = {
        "shop": shop_id,
        "now": now,
        "contacts": list(about),
        "orders": list(about.values()),
    }
    opened = {row.contact_id: row.id for row in session.sql(OPEN, asked)}
    return [Thread(opened[contact_id], shop_id, contact_id) for contact_id in about]


def open_conversation(
    session: Session, *, now: datetime, shop_id: int, contact_id: int, order_id: int | None
) -> Thread:
    """The same for one contact."""
    about = {contact_id: order_id}
    [thread] = open_conversations(session, now=now, shop_id=shop_id, about=about)
    return thread
