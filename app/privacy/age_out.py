"""Texts and photos older than a shop wants to keep are emptied, a small batch at a time.

Called by `privacy.jobs`; the ticker puts a job off for each shop that has a limit, once a day.
Ledgers stay: what was consented, decided and bought is not a text. The provider keeps its own copy
for as long as the account there is set to.

A year may be ten million rows, and buyers go on texting meanwhile. So a batch is some hundred rows
in a transaction of its own, found by their age along an index, and no row is locked but those old
ones. `shops.aged_out_until` says how far it came: whatever is cut off goes on from there. After
some batches the job is put off for a moment, so that others of its queue get their turn.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from app.foundation import audit
from app.foundation.db import Database, Session
from app.messaging.models import Message
from app.messaging.photos import forget_photos
from app.privacy.redact import REDACTED
from app.shops.models import Shop, ShopPreferences

BATCH = 250

# The outbox row is the claim: one shop at a time, once a day.
DUE = """
INSERT INTO outbox (shop_id, topic, queue, payload, ordering_key)
SELECT s.id, 'privacy.age_out', 'slow', '{}', 'age_out:' || s.id
FROM shops s JOIN shop_preferences p ON p.shop_id = s.id
WHERE p.retention_days IS NOT NULL
  AND (s.aged_out_until IS NULL OR s.aged_out_until <
       %(now)s::timestamptz - make_interval(days => p.retention_days::int + 1))
  AND NOT EXISTS (SELECT FROM outbox o WHERE o.ordering_key = 'age_out:' || s.id
                  AND o.failed_at IS NULL)
"""
# What is just leaving is not this old, and its words would still be needed.
OLD = """
SELECT id, created_at FROM messages
WHERE shop_id = %(shop)s AND created_at >= %(after)s AND created_at < %(before)s
  AND body <> %(redacted)s AND state NOT IN ('queued', 'sending')
ORDER BY created_at LIMIT %(batch)s
"""
WITH_PHOTOS = "SELECT DISTINCT message_id FROM media WHERE message_id = ANY(%s)"
# In one order, so that whoever else locks several texts never waits for us crosswise.
EMPTY = """
WITH old AS (SELECT id FROM messages WHERE id = ANY(%(ids)s) ORDER BY id FOR UPDATE)
UPDATE messages SET body = %(redacted)s, raw = NULL, author_name = NULL
FROM old WHERE messages.id = old.id
"""


@dataclass(frozen=True)
class Batch:
    texts: int
    done: bool  # nothing older is left


def age_out_batch(session: Session, *, now: datetime, shop_id: int) -> Batch:
    """Empty the oldest texts that are too old, and note how far that is."""
    days = session.scalar(
        sa.select(ShopPreferences.retention_days).where(ShopPreferences.shop_id == shop_id)
    )
    if days is None:
        return Batch(0, done=True)
    shop = session.get_one(Shop, shop_id)
    before = now - timedelta(days=days)
    old = session.sql(
        OLD,
        {
            "shop": shop_id,
            "after": shop.aged_out_until or datetime.min.replace(tzinfo=now.tzinfo),
            "before": before,
            "redacted": REDACTED,
            "batch": BATCH,
        },
    ).all()
    ids = [row.id for row in old]
    pictured = [row.message_id for row in session.sql(WITH_PHOTOS, ids)]
    if pictured:
        forget_photos(session, shop_id=shop_id, which=Message.id.in_(pictured))
    session.sql(EMPTY, {"ids": ids, "redacted": REDACTED})
    done = len(old) < BATCH
    # Not beyond the last: texts of that very moment may be left.
    until = before if done else old[-1].created_at
    shop.aged_out_until = max(until, shop.aged_out_until or until)
    return Batch(len(ids), done)


def record_run(session: Session, *, now: datetime, shop_id: int, texts: int, done: bool) -> None:
    audit.record(
        session,
        now=now,
        shop_id=shop_id,
        actor="system",
        action="privacy.aged_out",
        subject=f"shop:{shop_id}",
        texts=texts,
        done=done,
    )


def begin_due(db: Database, *, now: datetime) -> int:
    """For the ticker: have every shop looked after whose limit was passed by a day's texts."""
    with db.across_shops("ticker: texts that are too old") as session:
        if not session.sql("SELECT pg_try_advisory_xact_lock(hashtext('age_out'))").scalar():
            return 0
        begun = session.sql(DUE, {"now": now}).rowcount
    if begun:
        db.ring()
    return begun
