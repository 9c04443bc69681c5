"""The tests' own PostgreSQL and Redis: real ones, made for one test process and gone with it.

Fixtures, the fault tests and the bench call `start_servers()` once per process, then
`new_database()` as often as they need one of their own: it is a copy of a database migrated once,
and costs some 100 ms. `emptied_database()` is the same one again, without a row, for 10 ms. What a
killed test process left behind is swept by the next one.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import secrets
import shutil
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
from alembic import command
from alembic.config import Config

from scripts import leftovers
from scripts.places import ROOT, STATE
from scripts.server_binaries import postgres_home
from scripts.servers import PostgresServer, RedisServer, Role

TEST_STATE = STATE / "test"
TEMPLATE = "doorstep_template"
REDIS_DATABASES = 512

# Evidence refuses to be deleted, by triggers; the superuser passes them by.
EMPTY = """
SET lock_timeout = '10s';
SET session_replication_role = replica;
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid();
DO $$
DECLARE one text;
BEGIN
  FOR one IN SELECT oid::regclass::text FROM pg_class
    WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND relname <> 'alembic_version'
  LOOP EXECUTE 'DELETE FROM ' || one; END LOOP;
  PERFORM setval(seqrelid, seqstart, false) FROM pg_sequence;
END $$;
"""


@dataclass(frozen=True)
class Database:
    """A migrated, otherwise empty database. The app's role cannot bypass row-level security."""

    name: str
    url: str  # role doorstep_app, for DATABASE_URL
    owner_url: str  # role doorstep_owner, for DATABASE_OWNER_URL


class Servers:
    """One PostgreSQL and one Redis under a folder of this process."""

    def __init__(self, home: Path, *, durable: bool) -> None:
        self.home = home
        self.postgres = PostgresServer(home / "postgres", durable=durable)
        self.redis = RedisServer(home / "redis", databases=REDIS_DATABASES)
        self._names = itertools.count(1)
        self._redis_databases = itertools.count(0)
        self._lent: Database | None = None

    def start(self) -> None:
        self.postgres.start()
        self.redis.start()
        self.postgres.create_database(TEMPLATE)
        migrate(self.postgres.url("owner", TEMPLATE))

    def stop(self) -> None:
        """Stop both and remove all that they stored."""
        self.redis.stop()
        self.postgres.stop()
        shutil.rmtree(self.postgres.home, ignore_errors=True)
        shutil.rmtree(self.home, ignore_errors=True)

    def new_database(self) -> Database:
        name = f"doorstep_{next(self._names)}"
        self.postgres.create_database(name, TEMPLATE)
        return self._database(name)

    def emptied_database(self) -> Database:
        """One migrated database, lent again and again: whoever had it before has lost its
        connections, its rows are gone and its numbers begin at 1. Its schema must stay as it is."""
        if self._lent is None:
            self._lent = self.new_database()
        with psycopg.connect(self.postgres.url("superuser", self._lent.name)) as connection:
            connection.execute(EMPTY)
        return self._lent

    def new_empty_database(self) -> Database:
        """Without any migration, for tests of the migrations themselves."""
        name = f"doorstep_{next(self._names)}"
        self.postgres.create_database(name)
        return self._database(name)

    def drop_database(self, database: Database) -> None:
        self.postgres.drop_database(database.name)

    def new_redis_url(self) -> str:
        """The next of Redis' numbered databases: keys apart, but pub/sub is shared by all."""
        return self.redis.url(next(self._redis_databases) % REDIS_DATABASES)

    def _database(self, name: str) -> Database:
        def url(role: Role) -> str:
            return self.postgres.url(role, name)

        return Database(name=name, url=url("app"), owner_url=url("owner"))


def start_servers(*, durable: bool = False) -> Servers:
    """Servers of this process's own. `durable=True` for faults and bench, where fsync matters."""
    sweep()
    home = TEST_STATE / f"{os.getpid()}-{secrets.token_hex(3)}"
    home.mkdir(parents=True)
    servers = Servers(home, durable=durable)
    try:
        servers.start()
    except BaseException:
        servers.stop()
        raise
    return servers


@contextlib.contextmanager
def running_servers(*, durable: bool = False) -> Iterator[Servers]:
    servers = start_servers(durable=durable)
    try:
        yield servers
    finally:
        servers.stop()


def migrate(owner_url: str, revision: str = "head") -> None:
    """Upgrade in this process, as the role that owns the schema."""
    command.upgrade(alembic_config(owner_url), revision)


def alembic_config(owner_url: str) -> Config:
    config = Config(str(ROOT / "alembic.ini"))
    config.set_main_option("script_location", str(ROOT / "migrations"))
    config.attributes["url"] = owner_url
    return config


def sweep() -> None:
    """End the servers of test processes that are no more, and remove their folders."""
    if not TEST_STATE.is_dir():
        return
    for home in TEST_STATE.iterdir():
        owner = home.name.partition("-")[0]
        if not owner.isdigit() or _lives(int(owner)):
            continue
        data = postgres_home(home / "postgres") / "data"
        config = home / "redis" / "redis.conf"
        leftovers.end(
            leftovers.read_pid(data / "postmaster.pid"),
            str(data),
            first=signal.SIGQUIT,
            patience=5.0,
        )
        leftovers.end(
            leftovers.read_pid(home / "redis" / "redis.pid"),
            str(config),
            first=signal.SIGTERM,
            patience=5.0,
        )
        shutil.rmtree(data.parent, ignore_errors=True)
        shutil.rmtree(home, ignore_errors=True)


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
