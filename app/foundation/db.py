"""Transactions, and whose rows they see.

The app connects as a role that cannot bypass row-level security, so a transaction sees nothing
until it says for whom it works: `db.shop(id)` for one shop, `db.across_shops(worker)` for work
across shops, which states so by name (ticker, relay, doors before the shop is known).

A transaction collects what its events ask for later as outbox rows and stores them in one
INSERT just before the commit; after the commit it rings the doorbell.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

import psycopg
import psycopg.sql
import sqlalchemy as sa
from psycopg.pq import ExecStatus
from psycopg.rows import namedtuple_row
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import DeclarativeBase, SessionTransaction
from sqlalchemy.orm import Session as OrmSession
from sqlalchemy.pool import PoolProxiedConnection

from app.foundation.events import Event, Reactions
from app.foundation.rows import Rows

POOL_WAIT_SECONDS = 2.0  # a door must answer 503 within 4 s when the database is away
CONNECT_SECONDS = 1


class Base(DeclarativeBase):
    """Parent of every table's class, so that one metadata knows them all."""

    type_annotation_map = {
        datetime: sa.TIMESTAMP(timezone=True),
        int: sa.BigInteger,
        str: sa.Text,
        dict[str, Any]: JSONB,
        dict[str, str]: JSONB,
    }


@dataclass(frozen=True)
class LaterWork:
    """One outbox row to be: `topic` names the job, `payload` its keyword arguments (ids only).

    Rows with one `ordering_key` run one after the other, oldest first.
    """

    shop_id: int
    topic: str
    queue: str
    payload: Mapping[str, Any]
    ordering_key: str | None = None
    delay_seconds: float = 0.0


def key_of_order(room: str, shop_id: int, value: object) -> str:
    """The ordering key of a room's jobs about one thing, a thread for example."""
    return f"{room}:{shop_id}:{value}"


class Doorbell(Protocol):
    def ring(self) -> None:
        """Tell the relay that something waits. Never raises, never blocks for long."""
        ...


INSERT_OUTBOX = """\
INSERT INTO outbox (shop_id, topic, queue, payload, ordering_key, available_at)
SELECT (w->>'shop_id')::bigint, w->>'topic', w->>'queue', w->'payload', w->>'ordering_key',
       now() + make_interval(secs => (w->>'delay')::float)
FROM jsonb_array_elements({}::jsonb) AS w;
"""


class Session(OrmSession):
    """A transaction that can publish events and put off work."""

    reactions: Reactions

    def __init__(
        self,
        engine: sa.Engine,
        pooled: PoolProxiedConnection,
        *,
        reactions: Reactions,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.reactions = reactions
        self.waiting: list[LaterWork] = []
        self._engine, self._pooled = engine, pooled
        self._connection: sa.Connection | None = None
        driver = pooled.driver_connection
        assert isinstance(driver, psycopg.Connection)
        self._driver = driver

    def publish(self, event: Event, *, now: datetime) -> None:
        """Run what follows at once, note what follows later. See `app/reactions.py`."""
        self.reactions(self, event, now)

    def later(self, work: LaterWork) -> None:
        self.waiting.append(work)

    def sql(self, statement: str, *params: Any) -> Rows:
        """A plain statement for the paths where microseconds count, in this transaction.

        With %s parameters, or %(name)s ones and a single mapping. It sees what the session has
        changed, as a statement of SQLAlchemy would. It goes to the driver itself, so its errors
        are psycopg's; `is_away` knows both.
        """
        return self._execute(statement, params, prepare=None)

    def sql_planned_once(self, statement: str, *params: Any) -> Rows:
        """The same for the few statements whose planning takes longer than their work: they are
        planned once for each connection, whatever the values. For those alone that find all rows by
        keys, for a partial index cannot be used if a value is to prove its condition. Costs two
        short round trips more.
        """
        self._driver.execute("SET LOCAL plan_cache_mode = force_generic_plan")
        rows = self._execute(statement, params, prepare=True)
        self._driver.execute("SET LOCAL plan_cache_mode = auto")
        return rows

    def _execute(self, statement: str, params: tuple[Any, ...], prepare: bool | None) -> Rows:
        if not self._is_clean():
            self.flush()
        named = len(params) == 1 and isinstance(params[0], dict)
        cursor = self._driver.cursor(row_factory=namedtuple_row)
        values = params[0] if named else params or None
        return Rows(cursor.execute(statement, values, prepare=prepare))

    def get_bind(self, *args: Any, **kwargs: Any) -> sa.Connection:
        """Asked by SQLAlchemy at its first use in this transaction, which plain statements of a
        door may do without: it costs as much as one of them."""
        if self._connection is None:
            self._connection = sa.Connection(self._engine, connection=self._pooled)
        return self._connection

    def begin_nested(self) -> SessionTransaction:
        nested = super().begin_nested()
        self.connection()  # the savepoint is set now, not at SQLAlchemy's next statement
        return nested

    def begin_for(self, scope: str) -> None:
        self._command("BEGIN" + scope)

    def end(self, *, commit: bool) -> None:
        """Store put-off work and commit, or undo; give the connection back to its pool."""
        used = self._connection is not None or self._new or self.identity_map  # by SQLAlchemy
        try:
            if commit and used:
                if self.waiting:
                    self.sql(INSERT_OUTBOX.format("%s"), self._work_put_off())
                self.commit()
            elif commit:
                # In one round trip: each costs a door as much as all that it decides.
                work = psycopg.sql.quote(self._work_put_off()) if self.waiting else None
                self._command((INSERT_OUTBOX.format(work) if work else "") + "COMMIT")
        finally:
            # Closing undoes what was not committed, at the latest when the pool resets it.
            if self._driver.closed:
                self.invalidate()
                forget_broken(self._engine, self._pooled)
            elif used:
                self.close()
            (self._connection or self._pooled).close()

    def _command(self, command: str) -> None:
        """Statements without parameters or rows, by libpq itself: what the driver does around them
        takes longer than they do."""
        result = self._driver.pgconn.exec_(command.encode())
        if result.status in (ExecStatus.COMMAND_OK, ExecStatus.TUPLES_OK):
            return
        if self._driver.closed:  # then the result names no error of the server's
            raise psycopg.OperationalError("the connection to the database is lost")
        raise psycopg.errors.error_from_result(result)

    def _work_put_off(self) -> str:
        """As outbox rows, in JSON."""
        return json.dumps(
            [
                {
                    "shop_id": work.shop_id,
                    "topic": work.topic,
                    "queue": work.queue,
                    "payload": dict(work.payload),
                    "ordering_key": work.ordering_key,
                    "delay": work.delay_seconds,
                }
                for work in self.waiting
            ]
        )


class Database:
    def __init__(
        self,
        url: str,
        *,
        reactions: Reactions,
        doorbell: Doorbell,
        pool_size: int = 16,
    ) -> None:
        """`url`: postgresql://… ; at most `pool_size` connections, waits capped.

        The driver begins no transaction by itself: `_transaction` does, and says in the same
        round trip whose rows it sees.
        """
        self.engine = sa.create_engine(
            url.replace("postgresql://", "postgresql+psycopg://", 1),
            pool_size=pool_size,
            max_overflow=0,
            pool_timeout=POOL_WAIT_SECONDS,
            pool_use_lifo=True,
            hide_parameters=True,  # an error's text must not quote a buyer
            connect_args={
                "autocommit": True,
                "connect_timeout": CONNECT_SECONDS,
                "options": "-c lock_timeout=5000 -c idle_in_transaction_session_timeout=60000"
                " -c timezone=UTC",
            },
        )
        self._reactions = reactions
        self._doorbell = doorbell

    @contextmanager
    def shop(self, shop_id: int) -> Iterator[Session]:
        """A transaction that sees the rows of one shop and no other's."""
        with self._transaction(_scope("shop_id", str(int(shop_id)))) as session:
            yield session

    @contextmanager
    def across_shops(self, worker: str) -> Iterator[Session]:
        """A transaction that sees all shops' rows; `worker` says who and why."""
        with self._transaction(_scope("across_shops", worker)) as session:
            yield session

    @contextmanager
    def door(self) -> Iterator[Session]:
        """A transaction that sees nothing until its first statement sets `doorstep.shop_id`.

        For the inbound door alone, which folds that into its first INSERT.
        """
        with self._transaction("") as session:
            yield session

    @contextmanager
    def statement(self) -> Iterator[psycopg.Connection[Any]]:
        """A bare connection where each statement commits by itself, for the receipt doors."""
        pooled = self.engine.raw_connection()
        driver = pooled.driver_connection
        assert isinstance(driver, psycopg.Connection)
        try:
            yield driver
        finally:
            if driver.closed:
                forget_broken(self.engine, pooled)
            pooled.close()

    def ring(self) -> None:
        self._doorbell.ring()

    @contextmanager
    def _transaction(self, scope: str) -> Iterator[Session]:
        session = Session(
            self.engine,
            self.engine.raw_connection(),
            reactions=self._reactions,
            expire_on_commit=False,
            autoflush=True,
        )
        try:
            session.begin_for(scope)
            yield session
        except BaseException:
            session.end(commit=False)
            raise
        session.end(commit=True)
        if session.waiting:
            self._doorbell.ring()

    def close(self) -> None:
        self.engine.dispose()


def forget_broken(engine: sa.Engine, pooled: PoolProxiedConnection) -> None:
    """The line to the database broke; those that lie idle in the pool have broken with it."""
    if pooled.is_valid:
        pooled.invalidate()
    engine.dispose()


def _scope(name: str, value: str) -> str:
    """Follows BEGIN: whose rows this transaction sees."""
    quoted = value.replace("'", "''")
    return f"; SELECT set_config('doorstep.{name}', '{quoted}', true)"


def is_away(error: BaseException) -> bool:
    """Whether the database, not the statement, is at fault: answer 503, try again."""
    if isinstance(error, PoolTimeout):
        return True
    if isinstance(error, OperationalError):
        return True
    return isinstance(error, psycopg.OperationalError | psycopg.InterfaceError)


def is_locked(error: BaseException) -> bool:
    """Whether it only waited too long for a row that somebody else holds."""
    cause = getattr(error, "orig", error)
    return isinstance(cause, psycopg.errors.LockNotAvailable | psycopg.errors.DeadlockDetected)
