"""Rows that a door's work presupposes, written straight into the tables."""

from __future__ import annotations

from bench.requests import sid_of_sent
from bench.stage import Shop, Stage

# The ids are those of `requests.sid_of_sent`: 32 hexadecimal digits of the message's own id.
SENT_TEXTS = """
WITH person AS (
  INSERT INTO contacts (shop_id, phone) VALUES (%(shop)s, '+14155550142')
  ON CONFLICT (shop_id, phone) DO UPDATE SET phone = excluded.phone RETURNING id),
made AS (
  INSERT INTO messages (shop_id, contact_id, sender_id, direction, author, purpose, body, state,
                        sent_at, created_at)
  SELECT %(shop)s, person.id, %(sender)s, 'out', 'agent', 'agent_reply', 'On its way!',
         'accepted', now(), now()
  FROM person, generate_series(1, %(count)s) RETURNING id)
SELECT id FROM made ORDER BY id
"""
BIND = """
UPDATE messages SET provider_sid = 'SM' || lpad(to_hex(id), 32, '0')
WHERE direction = 'out' AND provider_sid IS NULL
"""


def add_sent_texts(stage: Stage, shop: Shop, count: int) -> list[int]:
    """Texts of ours that the provider has accepted; returns their ids."""
    with stage.superuser() as connection:
        rows = connection.execute(
            SENT_TEXTS, {"shop": shop.id, "sender": shop.sender_id, "count": count}
        ).fetchall()
        connection.execute(BIND)
        connection.execute("ANALYZE messages")
    ids = [row[0] for row in rows]
    assert sid_of_sent(255).endswith("00ff")
    return ids
