"""Works outbox rows and receipts off, each in a thread of its own. One per worker process.

Called by `app/worker.py` with the ids that an RQ job carries. To begin a row is to claim it, so
that a row handed out twice is worked once. While the process lives, a thread of it renews the
leases of all rows that it works; when it is killed, they end, and the rows are handed out again.
Whatever a job raises becomes a later try or a shown failure, never a lost row.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from queue import Empty, Queue
from typing import Any

import structlog

from app.bootstrap import Ports
from app.foundation.db import is_away, is_locked
from app.foundation.errors import DoorstepError, Refused, Temporary
from app.foundation.leases import RENEW_SECONDS, Leases
from app.foundation.metrics import JOB_SECONDS, JOBS_DONE, JOBS_FAILED
from app.foundation.outbox import LEASE_SECONDS, Postponed
from app.reactions import JOBS, TOGETHER
from app.receipts import release_known, work_receipt

log = structlog.get_logger()

MAX_ATTEMPTS = 12  # about three hours with the pauses below
PAUSE_SECONDS = (2, 5, 15, 60, 300, 900, 1800)
SETTLE_PAUSES = (0.0, 0.5, 1.0, 2.0, 4.0, 8.0)

BEGIN_OUTBOX = """
UPDATE outbox SET leased_until = now() + make_interval(secs => %s), attempts = attempts + 1
WHERE id = ANY(%s) AND failed_at IS NULL AND available_at <= now()
  AND (leased_until IS NULL OR leased_until < now())
RETURNING id, shop_id, topic, payload, attempts, ordering_key
"""
BEGIN_RECEIPTS = """
UPDATE receipts SET leased_until = now() + make_interval(secs => %s), attempts = attempts + 1
WHERE id = ANY(%s) AND state = 'pending' AND available_at <= now()
  AND (leased_until IS NULL OR leased_until < now())
RETURNING id, source, topic, owner, body, attempts, occurred_at
"""
OUTBOX_DONE = "DELETE FROM outbox WHERE id = ANY(%s)"
# Those that stand behind it are not looked at either until it may run again.
OUTBOX_AGAIN = """
WITH again AS (
  UPDATE outbox SET leased_until = NULL, relayed_at = NULL, error = %s,
    attempts = attempts - %s, available_at = now() + make_interval(secs => %s)
    WHERE id = %s AND attempts = %s RETURNING id, ordering_key, available_at)
UPDATE outbox SET available_at = again.available_at FROM again
WHERE outbox.ordering_key = again.ordering_key AND outbox.id > again.id
  AND outbox.available_at < again.available_at AND outbox.failed_at IS NULL
"""
OUTBOX_FAILED = """
UPDATE outbox SET leased_until = NULL, failed_at = now(), error = %s
WHERE id = %s AND attempts = %s
"""
RECEIPT_DONE = (
    "UPDATE receipts SET state = 'done', processed_at = now(), error = NULL WHERE id = %s"
)
RECEIPT_WAITING = """
UPDATE receipts SET state = 'waiting', leased_until = NULL,
  available_at = now() + make_interval(secs => %s)
  WHERE id = %s AND attempts = %s
"""
RECEIPT_AGAIN = """
UPDATE receipts SET leased_until = NULL, relayed_at = NULL, error = %s,
  attempts = attempts - %s, available_at = now() + make_interval(secs => %s)
  WHERE id = %s AND attempts = %s
"""
RECEIPT_FAILED = (
    "UPDATE receipts SET state = 'failed', leased_until = NULL, error = %s"
    " WHERE id = %s AND attempts = %s"
)


class Workshop:
    """Works off rows with the ports of this process. One per process."""

    def __init__(self, ports: Ports, *, threads: int, renew_seconds: float = RENEW_SECONDS) -> None:
        self._ports = ports
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="job")
        self._free = threading.Semaphore(threads)
        self._leases = Leases(ports.db, every_seconds=renew_seconds)
        self._done: Queue[Any] = Queue()  # outbox rows whose job has succeeded; None: no more
        self._striker = threading.Thread(target=self._strike_out, name="done", daemon=True)
        self._striker.start()

    def work_off(self, rows: Mapping[str, Sequence[int]]) -> None:
        """Work those of `rows` (ids by kind) that still wait, one kind after the other and those of
        a kind side by side; returns when all are done."""
        for kind, ids in rows.items():
            wait(self.begin({kind: ids}))
        self._done.join()

    def begin(self, rows: Mapping[str, Sequence[int]]) -> list[Future[None]]:
        """Give each of those rows that still wait a thread; returns when all have one.

        Kinds: outbox, receipts, or a topic whose rows of one shop share a thread. A lease begins
        when there is a thread, not while one is waited for; those of several shops begin together.
        A kind that cannot be begun (a line to the database broke) holds up no other; its rows are
        handed out again, and the first error is raised at the end.
        """
        begun: list[Future[None]] = []
        errors: list[Exception] = []
        for kind, ids in rows.items():
            try:
                begun += self._begin(kind, ids)
            except Exception as error:
                errors.append(error)
        if errors:
            raise errors[0]
        return begun

    def _begin(self, kind: str, ids: Sequence[int]) -> list[Future[None]]:
        if kind in TOGETHER:
            return self._begin_together(ids)
        left, begun = list(ids), []
        while left:
            room = self._take_room(len(left))
            chunk, left = left[:room], left[room:]
            rows: Sequence[Any] = ()
            try:
                rows = self._lease(kind, chunk)
            finally:
                if room > len(rows):
                    self._free.release(room - len(rows))
            self._leases.hold(kind, rows)
            begun += [self._threads.submit(self._with_thread, kind, [row]) for row in rows]
        return begun

    def _begin_together(self, ids: Sequence[int]) -> list[Future[None]]:
        self._free.acquire()
        by_shop: dict[int, list[Any]] = {}
        try:
            rows = self._lease("outbox", ids)
            self._leases.hold("outbox", rows)  # also of those shops that wait for a thread
            for row in rows:
                by_shop.setdefault(row.shop_id, []).append(row)
        finally:
            if not by_shop:
                self._free.release()
        begun = []
        for number, of_shop in enumerate(by_shop.values()):
            if number:
                self._free.acquire()
            begun.append(self._threads.submit(self._with_thread, "outbox", of_shop))
        return begun

    def _take_room(self, most: int) -> int:
        """Wait for a free thread; how many, up to `most`, are the caller's now."""
        self._free.acquire()
        taken = 1
        while taken < most and self._free.acquire(blocking=False):
            taken += 1
        return taken

    def _lease(self, kind: str, ids: Sequence[int]) -> Sequence[Any]:
        statement = BEGIN_OUTBOX if kind == "outbox" else BEGIN_RECEIPTS
        with self._ports.db.across_shops("worker: begin") as session:
            return session.sql(statement, LEASE_SECONDS, list(ids)).all()

    def _with_thread(self, kind: str, rows: Sequence[Any]) -> None:
        """`rows`: one, or several of one shop and of a topic whose rows are worked together."""
        try:
            if kind == "receipts":
                self._receipt(rows[0])
            elif len(rows) == 1:
                self._outbox_row(rows[0])
            else:
                self._outbox_rows(rows)
        finally:
            for row in rows:
                self._leases.drop(kind, row)
            self._free.release()

    def _outbox_row(self, row: Any) -> None:
        def run() -> None:
            if row.topic in TOGETHER:
                self._together([row], over=lambda ids: None)
            else:
                JOBS[row.topic](self._ports, shop_id=row.shop_id, **row.payload)
            self._done.put(row)

        self._guard(row.topic, row, run, OUTBOX_AGAIN, OUTBOX_FAILED, outbox_id=row.id)

    def _outbox_rows(self, rows: Sequence[Any]) -> None:
        """If that fails, each alone of those that are not over, so that the one at fault fails
        alone. With the database away they are handed out again when their leases end."""
        field, _ = TOGETHER[rows[0].topic]
        left: dict[int, list[Any]] = {}
        for row in rows:
            left.setdefault(row.payload[field], []).append(row)

        def over(values: Iterable[int]) -> None:
            for value in values:
                for row in left.pop(value):
                    self._done.put(row)

        ids = [row.id for row in rows]
        with structlog.contextvars.bound_contextvars(topic=rows[0].topic, outbox_ids=ids):
            try:
                with JOB_SECONDS.labels(rows[0].topic).time():
                    self._together(rows, over=over)
            except Exception as error:
                log.warning("failed together", left=len(left), error=type(error).__name__)
                if is_away(error) and not is_locked(error):
                    return
        alone = [row for same in left.values() for row in same]
        JOBS_DONE.labels(rows[0].topic).inc(len(rows) - len(alone))
        for row in alone:
            self._outbox_row(row)

    def _together(self, rows: Sequence[Any], *, over: Callable[[Iterable[int]], None]) -> None:
        first = rows[0]
        field, argument = TOGETHER[first.topic]
        given = {argument: [row.payload[field] for row in rows], "over": over}
        JOBS[first.topic](self._ports, shop_id=first.shop_id, **given)

    def _strike_out(self) -> None:
        """Delete the outbox rows that are done: while one statement is under way the next ones
        gather. A row whose worker dies before is handed out again, and its job finds nothing to do.
        """
        going_on = True
        while going_on:
            rows = [self._done.get()]
            with contextlib.suppress(Empty):
                while True:
                    rows.append(self._done.get_nowait())
            going_on = None not in rows
            done = [row for row in rows if row is not None]
            if done:
                self._persist(OUTBOX_DONE, [row.id for row in done])
                if any(row.ordering_key for row in done):
                    self._ports.db.ring()  # the next one of this key may go
            for _ in rows:
                self._done.task_done()

    def _receipt(self, row: Any) -> None:
        def run() -> None:
            worked = work_receipt(
                self._ports,
                source=row.source,
                topic=row.topic,
                owner=row.owner,
                body=bytes(row.body),
                receipt_id=row.id,
                occurred_at=row.occurred_at,
            )
            with self._ports.db.across_shops("worker: done") as session:
                if worked:
                    session.sql(RECEIPT_DONE, row.id)
                else:
                    # One that waits again although there is a token is looked at ever more rarely.
                    pause = (0, *PAUSE_SECONDS)[min(row.attempts - 1, len(PAUSE_SECONDS))]
                    session.sql(RECEIPT_WAITING, pause, row.id, row.attempts)
            if not worked:
                # The shop may have become known between our look and this mark.
                release_known(self._ports.db)

        topic = f"{row.source}:{row.topic}"
        self._guard(topic, row, run, RECEIPT_AGAIN, RECEIPT_FAILED, receipt_id=row.id)

    def _guard(
        self,
        topic: str,
        row: Any,
        run: Callable[[], None],
        again: str,
        failed: str,
        **ids: int,
    ) -> None:
        """Run one item; whatever it raises becomes a later try or a shown failure."""
        with structlog.contextvars.bound_contextvars(topic=topic, **ids):
            try:
                with JOB_SECONDS.labels(topic).time():
                    run()
                JOBS_DONE.labels(topic).inc()
            except Postponed as postponed:
                self._settle(row, again, str(postponed), 1, postponed.seconds)
            except Refused as refused:
                # It can never be worked as it stands: kept and shown, not repeated.
                JOBS_FAILED.labels(topic).inc()
                log.warning("job refused", reason=refused.reason)
                self._settle(row, failed, f"refused: {refused.reason}")
            except Exception as error:
                JOBS_FAILED.labels(topic).inc()
                known = isinstance(error, DoorstepError)
                log.warning(
                    "job failed",
                    attempt=row.attempts,
                    error=type(error).__name__,
                    exc_info=not known,
                )
                pause = PAUSE_SECONDS[min(row.attempts, len(PAUSE_SECONDS)) - 1]
                if isinstance(error, Temporary) and error.retry_after:
                    pause = max(1, int(error.retry_after))
                # An error's text may quote a buyer: only its kind is stored.
                name = f"{type(error).__name__}: {error}" if known else type(error).__name__
                if row.attempts >= MAX_ATTEMPTS:
                    self._settle(row, failed, name)
                else:
                    self._settle(row, again, name, 0, pause)

    def _settle(self, row: Any, statement: str, *values: Any) -> None:
        """Give the row back, unless another has begun it meanwhile, who counted it up."""
        self._persist(statement, *values, row.id, row.attempts)

    def _persist(self, statement: str, *values: Any) -> None:
        """With the database away it is tried for some time, so that a short outage does not cost
        the whole lease; then the lease runs out by itself, and the row is handed out again.
        """
        for pause in SETTLE_PAUSES:
            time.sleep(pause)
            with contextlib.suppress(Exception), self._ports.db.across_shops("worker: settle") as s:
                s.sql(statement, *values)
                return

    def close(self) -> None:
        self._threads.shutdown(wait=True)
        self._done.put(None)
        self._striker.join()
        self._leases.close()
        self._ports.close()
