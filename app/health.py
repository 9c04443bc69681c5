"""Whether this installation can work, and how much waits. For /readyz and /metrics."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import redis
import sqlalchemy as sa
from prometheus_client import Gauge

from app.bootstrap import Ports

HEAD = Path(__file__).parent.parent / "migrations" / ".current-head"

OUTBOX_WAITING = Gauge("doorstep_outbox_waiting", "Outbox rows not done", ["queue"])
OUTBOX_FAILED = Gauge("doorstep_outbox_failed", "Outbox rows given up")
OUTBOX_AGE = Gauge("doorstep_outbox_oldest_seconds", "Age of the oldest outbox row that may run")
RECEIPTS = Gauge("doorstep_receipts", "Webhooks not worked yet", ["state"])
TEXTS_UNKNOWN = Gauge("doorstep_texts_unknown", "Texts whose fate nobody can say")
CHECK_INS_DUE = Gauge("doorstep_check_ins_overdue", "Check-ins due and not yet sent on")


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


def count_what_waits(ports: Ports) -> None:
    """Fill the gauges; called when somebody scrapes."""
    with ports.db.across_shops("metrics") as session:
        OUTBOX_WAITING.clear()
        for row in session.sql(
            "SELECT queue, count(*) AS rows FROM outbox WHERE failed_at IS NULL GROUP BY queue"
        ):
            OUTBOX_WAITING.labels(row.queue).set(row.rows)
        OUTBOX_FAILED.set(_one(session, "SELECT count(*) FROM outbox WHERE failed_at IS NOT NULL"))
        OUTBOX_AGE.set(
            _one(
                session,
                "SELECT coalesce(extract(epoch FROM now() - min(available_at)), 0) FROM outbox"
                " WHERE failed_at IS NULL AND available_at <= now()",
            )
        )
        RECEIPTS.clear()
        for row in session.sql(
            "SELECT state, count(*) AS rows FROM receipts WHERE state <> 'done' GROUP BY state"
        ):
            RECEIPTS.labels(row.state).set(row.rows)
        TEXTS_UNKNOWN.set(_one(session, "SELECT count(*) FROM messages WHERE state = 'unknown'"))
        now = ports.clock.now()
        CHECK_INS_DUE.set(
            session.sql(
                "SELECT count(*) FROM check_ins WHERE state = 'scheduled' AND due_at < %s", now
            ).scalar_one()
        )


def _one(session: sa.orm.Session, statement: str) -> float:
    return float(session.connection().exec_driver_sql(statement).scalar_one())
