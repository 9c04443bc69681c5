"""The relay: outbox rows and receipts -> RQ jobs, and how a job works off its share.

Postgres is the ledger, Redis only the doorbell. A row leaves the outbox when its job has
succeeded; whatever was handed to Redis and not finished within its lease is handed out again.
RQ costs milliseconds per job, so what waits together travels together: one job carries up to
`BATCH` rows, of one queue.
"""

from __future__ import annotations

from dataclasses import dataclass

import structlog
from redis import Redis
from rq import Queue
from rq.serializers import JSONSerializer

from app.foundation.db import Database

log = structlog.get_logger()

BATCH = 32
CLAIM = 512
AGAIN_SECONDS = 20  # a handed-out row that nobody began is handed out again
# A helpdesk's webhook is mostly an agent's reply, for which a buyer waits.
QUEUE_OF_SOURCE = {"shopify": "sync", "zendesk": "reply"}

CLAIM_OUTBOX = """
UPDATE outbox SET relayed_at = now() WHERE id IN (
  SELECT id FROM outbox o
  WHERE (queue = 'reply') = %s AND failed_at IS NULL AND available_at <= now()
    AND (relayed_at IS NULL OR relayed_at < now() - make_interval(secs => %s))
    AND (leased_until IS NULL OR leased_until < now())
    AND (ordering_key IS NULL OR NOT EXISTS (
      SELECT FROM outbox earlier WHERE earlier.ordering_key = o.ordering_key
        AND earlier.id < o.id AND earlier.failed_at IS NULL))
  ORDER BY available_at, id LIMIT %s FOR UPDATE SKIP LOCKED)
RETURNING queue, id
"""

CLAIM_RECEIPTS = """
UPDATE receipts SET relayed_at = now() WHERE id IN (
  SELECT id FROM receipts
  WHERE state = 'pending' AND available_at <= now()
    AND (relayed_at IS NULL OR relayed_at < now() - make_interval(secs => %s))
    AND (leased_until IS NULL OR leased_until < now())
  ORDER BY available_at, id LIMIT %s FOR UPDATE SKIP LOCKED)
RETURNING id, source
"""


@dataclass(frozen=True)
class Relayed:
    outbox: int
    receipts: int

    @property
    def any(self) -> bool:
        return bool(self.outbox or self.receipts)


def relay_once(db: Database, redis: Redis) -> Relayed:
    """Hand out everything that waits, at most `CLAIM` of each kind.

    The jobs are enqueued before the commit: if Redis refuses, the rows stay as they were; if
    the commit fails, a job finds rows that were handed out twice and works each once.
    """
    with db.across_shops("relay") as session:
        by_queue: dict[tuple[str, str], list[int]] = {}
        # Waiting buyers first, in a claim of their own: bulk work may fill the other for minutes.
        for waiting_buyer in (True, False):
            for row in session.sql(CLAIM_OUTBOX, waiting_buyer, AGAIN_SECONDS, CLAIM):
                by_queue.setdefault((row.queue, "outbox"), []).append(row.id)
        for row in session.sql(CLAIM_RECEIPTS, AGAIN_SECONDS, CLAIM):
            by_queue.setdefault((QUEUE_OF_SOURCE[row.source], "receipts"), []).append(row.id)
        for (queue, kind), ids in by_queue.items():
            enqueue(redis, queue, kind, sorted(ids))
    claimed = {"outbox": 0, "receipts": 0}
    for (_, kind), ids in by_queue.items():
        claimed[kind] += len(ids)
    return Relayed(**claimed)


def enqueue(redis: Redis, queue: str, kind: str, ids: list[int]) -> None:
    """One RQ job per `BATCH` ids. Results are not kept: the ledger is Postgres."""
    target = Queue(queue, connection=redis, serializer=JSONSerializer)
    for start in range(0, len(ids), BATCH):
        target.enqueue_call(
            "app.worker.work_off",
            kwargs={"kind": kind, "ids": ids[start : start + BATCH]},
            timeout=300,
            result_ttl=0,
            failure_ttl=0,
            ttl=3600,
            description=f"{kind} x{len(ids[start : start + BATCH])}",
        )
