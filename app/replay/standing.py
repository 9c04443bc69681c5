"""What still waits in the shop, and what comes next: by this a replay knows when to go on.

Called by `play` some times a second. Only indexes and the rows of this run are read.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import datetime

import sqlalchemy as sa

from app.foundation.crypto import KeyRing
from app.foundation.db import Database
from app.foundation.errors import Refused
from app.messaging.models import Sender
from app.replay.doors import Line
from app.replay.payloads import run_of
from app.shops.models import Shop

FEW_JOBS = 50
LATE_IDS = 500  # rows whose transaction was still open when a higher id was seen

# Rows put off by more than this wait for a retry; a replay does not stand still for them.
LOOK = """
SELECT
  (SELECT count(*) FROM receipts WHERE state = 'pending' AND owner = %(owner)s) AS receipts,
  (SELECT count(*) FROM outbox WHERE shop_id = %(shop)s AND failed_at IS NULL
     AND available_at < now() + interval '10 seconds' AND NOT starts_with(topic, 'helpdesk.')
  ) AS outbox,
  (SELECT count(*) FROM outbox WHERE shop_id = %(shop)s AND failed_at IS NULL
     AND starts_with(topic, 'helpdesk.')) AS helpdesk,
  (SELECT count(*) FROM check_ins WHERE shop_id = %(shop)s AND state = 'scheduled'
     AND due_at <= %(now)s) AS due,
  u.texts, coalesce(u.first - 1, (SELECT max(id) FROM messages), 0) AS settled,
  (SELECT min(due_at) FROM check_ins WHERE shop_id = %(shop)s AND state = 'scheduled'
     AND due_at > %(now)s) AS next_check_in,
  (SELECT min(not_before) FROM messages WHERE shop_id = %(shop)s AND state = 'queued'
     AND not_before > %(now)s) AS next_text
FROM (SELECT min(id) AS first, count(*) FILTER (
    WHERE state <> 'queued' OR not_before IS NULL OR not_before <= %(now)s) AS texts
  FROM messages WHERE shop_id = %(shop)s AND id > %(after)s AND direction = 'out'
    AND state IN ('queued', 'sending', 'accepted')) u
"""
MARKS = """
SELECT (SELECT coalesce(max(id), 0) FROM receipts) AS receipt,
  (SELECT coalesce(max(id), 0) FROM messages) AS message,
  (SELECT coalesce(max(id), 0) FROM ticket_links) AS ticket
"""
ASKED = """
SELECT m.id, m.sent_at, c.phone FROM messages m JOIN contacts c ON c.id = m.contact_id
WHERE m.shop_id = %(shop)s AND m.id > %(after)s AND m.purpose = 'check_in'
  AND m.sent_at IS NOT NULL
"""


@dataclass(frozen=True)
class Marks:
    """Where the tables ended before the run."""

    receipt: int
    message: int
    ticket: int


@dataclass(frozen=True)
class Asked:
    message_id: int
    sent_at: datetime
    phone: str = field(repr=False)


@dataclass(frozen=True)
class Standing:
    receipts: int
    outbox: int
    helpdesk: int
    due: int
    texts: int
    next: datetime | None  # when the shop's own diary wants to go on

    @property
    def busy(self) -> bool:
        return bool(self.receipts or self.outbox or self.helpdesk or self.due or self.texts)

    @property
    def holds_time(self) -> bool:
        """Whether time should not pass now. A few jobs may lag behind, and so may a helpdesk: it
        takes no more in a minute than its plan allows, of real time."""
        return bool(self.receipts or self.due or self.texts or self.outbox > FEW_JOBS)

    @property
    def shortly(self) -> str:
        """The first thing that waits, in a few letters."""
        for count, what in (
            (self.receipts, "webhooks"),
            (self.due, "check-ins"),
            (self.texts, "texts"),
            (self.outbox, "jobs"),
            (self.helpdesk, "for the desk"),
        ):
            if count:
                return f"{count} {what} wait"
        return ""

    def __str__(self) -> str:
        return (
            f"{self.receipts} webhooks, {self.outbox} jobs, {self.helpdesk} helpdesk jobs,"
            f" {self.due} check-ins and {self.texts} texts under way"
        )


class Observer:
    """Looks at one shop, and at what came into it after `marks`."""

    def __init__(self, db: Database, shop: Shop) -> None:
        self._db = db
        self._shop = shop
        with db.across_shops("operator: replay, where it begins") as session:
            row = session.sql(MARKS).one()
        self.marks = Marks(receipt=row.receipt, message=row.message, ticket=row.ticket)
        # Texts up to here have met their fate: now, and when we looked before.
        self._settled = self._settled_before = self.marks.message

    def look(self, now: datetime) -> Standing:
        with self._db.across_shops("operator: replay, what waits") as session:
            row = (
                session.connection()
                .exec_driver_sql(
                    LOOK,
                    {
                        "owner": self._shop.domain,
                        "shop": self._shop.id,
                        "now": now,
                        "after": self._settled,
                    },
                )
                .one()
            )
        self._settled_before = self._settled
        self._settled = max(self._settled, row.settled - LATE_IDS)
        coming = [at for at in (row.next_check_in, row.next_text) if at is not None]
        return Standing(
            receipts=row.receipts,
            outbox=row.outbox,
            helpdesk=row.helpdesk,
            due=row.due,
            texts=row.texts,
            next=min(coming, default=None),
        )

    def asked(self) -> list[Asked]:
        """Check-ins that have left, all since the look before; some of them again."""
        with self._db.shop(self._shop.id) as session:
            rows = session.connection().exec_driver_sql(
                ASKED, {"shop": self._shop.id, "after": self._settled_before}
            )
            return [Asked(row.id, row.sent_at, row.phone) for row in rows]


def new_run(db: Database, shop: Shop) -> int:
    """A number that no run of this shop has: the second it begins, or the next one that is free."""
    with db.shop(shop.id) as session:
        latest = session.scalar(
            sa.text("SELECT max(shopify_id) FROM orders WHERE shop_id = :shop"), {"shop": shop.id}
        )
    return max(int(time.time()), run_of(latest or 0) + 1)


def line_of(db: Database, keys: KeyRing, shop: Shop, public_url: str) -> Line:
    """The shop's line with its door. Raises Refused if there is none."""
    with db.shop(shop.id) as session:
        sender = session.scalars(
            sa.select(Sender).where(Sender.shop_id == shop.id, Sender.state != "retired")
        ).one_or_none()
    if sender is None:
        raise Refused("no_line", f"{shop.domain} has no number; see `doorstep connect-number`")
    return Line(
        account_sid=sender.account_sid,
        service_sid=sender.messaging_service_sid,
        phone=sender.phone,
        inbound_url=f"{public_url.rstrip('/')}/webhooks/twilio/{sender.door_key}/inbound",
        auth_token=keys.decrypt(sender.auth_token),
    )
