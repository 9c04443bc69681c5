"""The leases of the rows that one worker process works, renewed while it lives.

A lease is short, so that a killed worker's rows are handed out again within a minute; a job may be
long. Hence one thread renews them all, a few times in the life of a lease, one statement a table.
Whoever begins a row counts its tries up: a lease is renewed only while the try is still ours, and
not once the row was given back. Called by `app/workshop.py`.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from typing import Any

import structlog

from app.foundation.db import Database, is_away
from app.foundation.outbox import LEASE_SECONDS

log = structlog.get_logger()

RENEW_SECONDS = 15.0  # two renewals may fail before a lease ends

RENEW = """
UPDATE {table} SET leased_until = now() + make_interval(secs => %s)
FROM unnest(%s::bigint[], %s::bigint[]) AS held(id, attempts)
WHERE {table}.id = held.id AND {table}.attempts = held.attempts AND leased_until IS NOT NULL
"""
STATEMENTS = {table: RENEW.format(table=table) for table in ("outbox", "receipts")}


class Leases:
    def __init__(self, db: Database, *, every_seconds: float) -> None:
        self._db = db
        self._held: dict[str, dict[int, int]] = {table: {} for table in STATEMENTS}
        self._lock = threading.Lock()
        self._closed = threading.Event()
        self._thread = threading.Thread(
            target=self._keep_renewing, args=(every_seconds,), name="leases", daemon=True
        )
        self._thread.start()

    def hold(self, table: str, rows: Iterable[Any]) -> None:
        """`rows` were just leased; each knows its `id` and its `attempts`."""
        with self._lock:
            self._held[table].update((row.id, row.attempts) for row in rows)

    def drop(self, table: str, row: Any) -> None:
        """The work on this try is over."""
        with self._lock:
            # A later try may be ours too, if this one had lost its lease.
            if self._held[table].get(row.id) == row.attempts:
                del self._held[table][row.id]

    def renew(self) -> None:
        for table, statement in STATEMENTS.items():
            with self._lock:
                held = dict(self._held[table])
            if held:
                with self._db.across_shops("worker: leases") as session:
                    session.sql(statement, LEASE_SECONDS, list(held), list(held.values()))

    def close(self) -> None:
        self._closed.set()
        self._thread.join()

    def _keep_renewing(self, every_seconds: float) -> None:
        while not self._closed.wait(every_seconds):
            try:
                self.renew()
            except Exception as error:
                log.warning(
                    "leases not renewed", error=type(error).__name__, exc_info=not is_away(error)
                )
