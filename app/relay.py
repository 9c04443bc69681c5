"""The relay: outbox rows and receipts -> RQ jobs, and when they are handed out a second time.

Postgres is the ledger, Redis only the doorbell. A row leaves the outbox when its job has
succeeded; whatever was handed to Redis and got lost there, or with its worker, is put back and
handed out again. RQ costs milliseconds per job, so what waits together travels together: one job
carries up to `BATCH` rows of one queue, by their kind: those of a topic that is worked together are
of one kind, all others of the outbox of another, receipts of a third.

Redis is never given more than `HELD_JOBS` jobs of a queue. So a backlog waits in Postgres, each
row of it is handed out once, and what a look for lost rows must read is bounded too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import structlog
from redis import Redis
from rq import Queue
from rq.serializers import JSONSerializer

from app.foundation.db import Database
from app.foundation.outbox import QUEUES
from app.reactions import TOGETHER

log = structlog.get_logger()

BATCH = 32
CLAIM = 512  # rows of one queue in one look
HELD_JOBS = 128  # at most, of one queue
# A helpdesk's webhook is mostly an agent's reply, for which a buyer waits.
QUEUE_OF_SOURCE = {"shopify": "sync", "zendesk": "reply", "gorgias": "reply"}
# A row that was handed out and not begun: at once when Redis has forgotten everything, soon when
# its queue holds nothing any more, and in any case after a time that suits a full queue.
AGAIN_SECONDS = 20
AGAIN_WHILE_HELD_SECONDS = 60
MARK = "doorstep:relay"  # whoever empties Redis takes this with the jobs

# ARRAY, for then the planner reaches the rows by their key instead of reading the whole table.
CLAIM_OUTBOX = """
UPDATE outbox SET relayed_at = now() WHERE id = ANY (ARRAY(
  SELECT waiting.id FROM unnest(%s::text[], %s::int[]) AS room(queue, rows) CROSS JOIN LATERAL (
    SELECT o.id FROM outbox o
    WHERE o.queue = room.queue AND o.relayed_at IS NULL AND o.failed_at IS NULL
      AND o.available_at <= now()
      AND (o.ordering_key IS NULL OR NOT EXISTS (
        SELECT FROM outbox earlier WHERE earlier.ordering_key = o.ordering_key
          AND earlier.id < o.id AND earlier.failed_at IS NULL))
    ORDER BY o.available_at, o.id LIMIT room.rows FOR UPDATE SKIP LOCKED) AS waiting))
RETURNING queue, topic, id
"""

# What a waiting buyer's row stands behind is as urgent as that row. It may lie in Redis already,
# deep in its own queue: handed out once more, it is worked once all the same.
PROMOTE = """
UPDATE outbox SET queue = 'reply', relayed_at = NULL WHERE id = ANY (ARRAY(
  SELECT earlier.id FROM (
    SELECT id, ordering_key FROM outbox
    WHERE queue = 'reply' AND relayed_at IS NULL AND failed_at IS NULL
      AND available_at <= now() AND ordering_key IS NOT NULL
    ORDER BY available_at, id LIMIT %s) AS waiting
  JOIN outbox earlier ON earlier.ordering_key = waiting.ordering_key AND earlier.id < waiting.id
  WHERE earlier.queue <> 'reply' AND earlier.failed_at IS NULL
    AND (earlier.leased_until IS NULL OR earlier.leased_until < now())
  FOR UPDATE OF earlier SKIP LOCKED))
"""

CLAIM_RECEIPTS = """
UPDATE receipts SET relayed_at = now() WHERE id = ANY (ARRAY(
  SELECT waiting.id FROM unnest(%s::text[], %s::int[]) AS room(source, rows) CROSS JOIN LATERAL (
    SELECT r.id FROM receipts r
    WHERE r.source = room.source AND r.state = 'pending' AND r.relayed_at IS NULL
      AND r.available_at <= now()
    ORDER BY r.available_at, r.id LIMIT room.rows FOR UPDATE SKIP LOCKED) AS waiting))
RETURNING id, source
"""

# Given: how old a row that nobody began must be, queue by queue. One that somebody began is lost
# when its lease has ended, for a worker that lives renews it.
PUT_BACK_OUTBOX = """
UPDATE outbox SET relayed_at = NULL, leased_until = NULL WHERE id = ANY (ARRAY(
  SELECT o.id FROM outbox o JOIN unnest(%s::text[], %s::int[]) AS lost(queue, after)
    ON lost.queue = o.queue
  WHERE o.relayed_at IS NOT NULL AND o.failed_at IS NULL
    AND CASE WHEN o.leased_until IS NULL
      THEN o.relayed_at < now() - make_interval(secs => lost.after)
      ELSE o.leased_until < now() END
  FOR UPDATE OF o SKIP LOCKED))
"""

PUT_BACK_RECEIPTS = """
UPDATE receipts SET relayed_at = NULL, leased_until = NULL WHERE id = ANY (ARRAY(
  SELECT r.id FROM receipts r JOIN unnest(%s::text[], %s::int[]) AS lost(source, after)
    ON lost.source = r.source
  WHERE r.relayed_at IS NOT NULL AND r.state = 'pending'
    AND CASE WHEN r.leased_until IS NULL
      THEN r.relayed_at < now() - make_interval(secs => lost.after)
      ELSE r.leased_until < now() END
  FOR UPDATE OF r SKIP LOCKED))
"""


@dataclass(frozen=True)
class Relayed:
    outbox: int
    receipts: int

    @property
    def any(self) -> bool:
        return bool(self.outbox or self.receipts)


def relay_once(db: Database, redis: Redis) -> Relayed:
    """Hand out what waits, as far as Redis has room for it.

    The jobs are enqueued before the commit: if Redis refuses, the rows stay as they were; if
    the commit fails, a job finds rows that were handed out twice and works each once.
    """
    room = {
        queue: min(CLAIM, (HELD_JOBS - held) * BATCH)
        for queue, held in _held(redis).items()
        if held < HELD_JOBS
    }
    room_of_source = {
        source: room[queue] for source, queue in QUEUE_OF_SOURCE.items() if queue in room
    }
    claimed = {"outbox": 0, "receipts": 0}
    if not room:
        return Relayed(**claimed)
    with db.across_shops("relay") as session:
        by_queue: dict[str, list[tuple[str, int]]] = {}
        session.sql(PROMOTE, CLAIM)
        for row in session.sql(CLAIM_OUTBOX, list(room), list(room.values())):
            kind = row.topic if row.topic in TOGETHER else "outbox"
            by_queue.setdefault(row.queue, []).append((kind, row.id))
            claimed["outbox"] += 1
        sources = list(room_of_source), list(room_of_source.values())
        for row in session.sql(CLAIM_RECEIPTS, *sources):
            by_queue.setdefault(QUEUE_OF_SOURCE[row.source], []).append(("receipts", row.id))
            claimed["receipts"] += 1
        for queue, rows in by_queue.items():
            enqueue(redis, queue, sorted(rows))
    return Relayed(**claimed)


def put_back(db: Database, redis: Redis) -> int:
    """Have those rows handed out again that were lost with Redis or with a worker; returns how
    many. One that was not lost after all is worked once all the same: to begin it is to claim it.
    """
    forgotten = bool(redis.set(MARK, b"1", nx=True))
    after = {
        queue: 0 if forgotten else AGAIN_WHILE_HELD_SECONDS if held else AGAIN_SECONDS
        for queue, held in _held(redis).items()
    }
    after_of_source = {source: after[queue] for source, queue in QUEUE_OF_SOURCE.items()}
    with db.across_shops("relay: what was lost") as session:
        rows = session.sql(PUT_BACK_OUTBOX, list(after), list(after.values())).rowcount
        sources = list(after_of_source), list(after_of_source.values())
        rows += session.sql(PUT_BACK_RECEIPTS, *sources).rowcount
    if rows:
        log.info("rows put back", rows=rows, redis_forgot=forgotten)
    return rows


def _held(redis: Redis) -> dict[str, int]:
    """Jobs of each queue that wait in Redis, in one round trip."""
    with redis.pipeline(transaction=False) as pipeline:
        for queue in QUEUES:
            pipeline.llen(Queue(queue, connection=redis, serializer=JSONSerializer).key)
        return dict(zip(QUEUES, pipeline.execute(), strict=True))


def enqueue(redis: Redis, queue: str, rows: Sequence[tuple[str, int]]) -> None:
    """One RQ job per `BATCH` rows, each a kind and an id. Results are not kept: the ledger is
    Postgres."""
    target = Queue(queue, connection=redis, serializer=JSONSerializer)
    for start in range(0, len(rows), BATCH):
        by_kind: dict[str, list[int]] = {}
        for kind, row_id in rows[start : start + BATCH]:
            by_kind.setdefault(kind, []).append(row_id)
        target.enqueue_call(
            "app.worker.work_off",
            kwargs={"rows": by_kind},
            timeout=300,
            result_ttl=0,
            failure_ttl=0,
            ttl=3600,
            description=", ".join(f"{kind} x{len(ids)}" for kind, ids in by_kind.items()),
        )
