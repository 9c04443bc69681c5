"""Whether this installation can work, and how much waits. For /readyz and /metrics."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import psycopg
import redis
from prometheus_client import REGISTRY, CollectorRegistry, Gauge, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

from app.bootstrap import Ports
from app.foundation.outbox import QUEUES

HEAD = Path(__file__).parent.parent / "migrations" / ".current-head"


@dataclass(frozen=True)
class Report:
    database: str
    redis: str
    migrations: str

    @property
    def ready(self) -> bool:
        return self.database == self.redis == self.migrations == "ok"

    def as_json(self) -> str:
        return json.dumps(
            {"database": self.database, "redis": self.redis, "migrations": self.migrations}
        )


def check(ports: Ports) -> Report:
    """Ask each; a failure becomes a word, never an exception."""
    database = migrations = "ok"
    try:
        with ports.db.statement() as connection:
            row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
        at = row[0] if row else "empty"
        wanted = HEAD.read_text().strip()
        if at != wanted:
            migrations = f"at {at}, this release needs {wanted}: run alembic upgrade head"
    except psycopg.errors.UndefinedTable:
        migrations = "not a table yet: run alembic upgrade head"
    except Exception as error:
        database = f"away ({type(error).__name__})"
        migrations = "unknown"
    try:
        client = redis.Redis.from_url(
            ports.settings.redis_url.get_secret_value(),
            socket_connect_timeout=1,
            socket_timeout=1,
        )
        client.ping()
        client.close()
        bell = "ok"
    except redis.RedisError as error:
        bell = f"away ({type(error).__name__})"
    return Report(database=database, redis=bell, migrations=migrations)


def scrape(ports: Ports) -> bytes:
    """Everything for Prometheus: what all our processes counted, and what waits right now."""
    return generate_latest(_counted()) + generate_latest(_waiting(ports))


def _counted() -> CollectorRegistry:
    """This process's counters; those of all on this machine where a folder is shared."""
    if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
        return REGISTRY
    registry = CollectorRegistry()
    MultiProcessCollector(registry)  # type: ignore[no-untyped-call]  # published without types
    return registry


def _waiting(ports: Ports) -> CollectorRegistry:
    """Gauges counted in the database."""
    registry = CollectorRegistry()

    def gauge(name: str, about: str, labels: Sequence[str] = ()) -> Gauge:
        return Gauge(f"doorstep_{name}", about, labels, registry=registry)

    by_queue = gauge("outbox_waiting", f"Outbox rows not done{CAPPED}", ["queue"])
    by_state = gauge("receipts", f"Webhooks not worked yet{CAPPED}", ["state"])
    given = {"most": MOST_COUNTED, "queues": list(QUEUES), "now": ports.clock.now()}
    with ports.db.across_shops("metrics") as session:
        session.sql(ONE_BY_ONE)
        for row in session.sql(BY_QUEUE, given):
            by_queue.labels(row.queue).set(row.rows)
        for row in session.sql(BY_STATE, given):
            by_state.labels(row.state).set(row.rows)
        for name, about, statement in SINGLE:
            gauge(name, about).set(float(session.sql(statement, given).scalar_one()))
    return registry


# A scrape comes every few seconds, a backlog may hold millions: what an index has found is counted
# so far and no further.
MOST_COUNTED = 2_000
# To stop early saves only where rows come one by one from an index: the other ways read all first.
ONE_BY_ONE = "SET LOCAL enable_bitmapscan = off; SET LOCAL enable_seqscan = off"
CAPPED = f", counted to {MOST_COUNTED:,}"

# What was handed out is counted whole, for the relay keeps it few.
BY_QUEUE = """
WITH handed_out AS MATERIALIZED (
  SELECT queue, count(*) AS rows FROM outbox
  WHERE relayed_at IS NOT NULL AND failed_at IS NULL GROUP BY queue)
SELECT q AS queue, least(%(most)s, coalesce(h.rows, 0) + (SELECT count(*) FROM (
    SELECT FROM outbox WHERE queue = q AND relayed_at IS NULL AND failed_at IS NULL
    LIMIT %(most)s) AS fresh)) AS rows
FROM unnest(%(queues)s::text[]) AS q LEFT JOIN handed_out h ON h.queue = q
"""
BY_STATE = """
SELECT s AS state, (SELECT count(*) FROM (
    SELECT FROM receipts WHERE state = s AND state <> 'done' LIMIT %(most)s) AS counted) AS rows
FROM unnest(ARRAY['pending', 'waiting', 'failed']) AS s
"""
SINGLE = (
    (
        "outbox_failed",
        f"Outbox rows given up{CAPPED}",
        "SELECT count(*) FROM ("
        " SELECT FROM outbox WHERE failed_at IS NOT NULL LIMIT %(most)s) AS counted",
    ),
    (
        "outbox_oldest_seconds",
        "Age of the oldest outbox row that may run",
        # From the head of each queue's index, and all that was handed out.
        "SELECT greatest(coalesce(extract(epoch FROM now() - min(available_at)), 0), 0) FROM ("
        " SELECT oldest.available_at FROM unnest(%(queues)s::text[]) AS q,"
        " LATERAL (SELECT available_at FROM outbox WHERE queue = q AND relayed_at IS NULL"
        " AND failed_at IS NULL ORDER BY available_at LIMIT 1) AS oldest"
        " UNION ALL SELECT min(available_at) FROM outbox"
        " WHERE relayed_at IS NOT NULL AND failed_at IS NULL) AS of_each",
    ),
    (
        "texts_unknown",
        f"Texts whose fate nobody can say{CAPPED}",
        "SELECT count(*) FROM ("
        " SELECT FROM messages WHERE state = 'unknown' LIMIT %(most)s) AS counted",
    ),
    (
        "check_ins_overdue",
        f"Check-ins due and not yet sent on{CAPPED}",
        "SELECT count(*) FROM (SELECT FROM check_ins"
        " WHERE state = 'scheduled' AND due_at < %(now)s LIMIT %(most)s) AS counted",
    ),
)
