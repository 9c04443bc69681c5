"""Whether this installation can work, and how much waits. For /readyz and /metrics."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import redis
from prometheus_client import REGISTRY, CollectorRegistry, Gauge, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

from app.bootstrap import Ports

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

    by_queue = gauge("outbox_waiting", "Outbox rows not done", ["queue"])
    by_state = gauge("receipts", "Webhooks not worked yet", ["state"])
    with ports.db.across_shops("metrics") as session:
        for row in session.sql(BY_QUEUE):
            by_queue.labels(row.queue).set(row.rows)
        for row in session.sql(BY_STATE):
            by_state.labels(row.state).set(row.rows)
        for name, about, statement in SINGLE:
            gauge(name, about).set(float(session.sql(statement).scalar_one()))
        overdue = session.sql(OVERDUE, ports.clock.now()).scalar_one()
        gauge("check_ins_overdue", "Check-ins due and not yet sent on").set(overdue)
    return registry


BY_QUEUE = "SELECT queue, count(*) AS rows FROM outbox WHERE failed_at IS NULL GROUP BY queue"
BY_STATE = "SELECT state, count(*) AS rows FROM receipts WHERE state <> 'done' GROUP BY state"
OVERDUE = "SELECT count(*) FROM check_ins WHERE state = 'scheduled' AND due_at < %s"
# From the head of each queue's index, and all that was handed out, which the relay keeps few.
SINGLE = (
    (
        "outbox_failed",
        "Outbox rows given up",
        "SELECT count(*) FROM outbox WHERE failed_at IS NOT NULL",
    ),
    (
        "outbox_oldest_seconds",
        "Age of the oldest outbox row that may run",
        "SELECT greatest(coalesce(extract(epoch FROM now() - min(available_at)), 0), 0) FROM ("
        " SELECT oldest.available_at FROM unnest(ARRAY['reply', 'send', 'sync', 'slow']) AS q,"
        " LATERAL (SELECT available_at FROM outbox WHERE queue = q AND relayed_at IS NULL"
        " AND failed_at IS NULL ORDER BY available_at LIMIT 1) AS oldest"
        " UNION ALL SELECT min(available_at) FROM outbox"
        " WHERE relayed_at IS NOT NULL AND failed_at IS NULL) AS of_each",
    ),
    (
        "texts_unknown",
        "Texts whose fate nobody can say",
        "SELECT count(*) FROM messages WHERE state = 'unknown'",
    ),
)
