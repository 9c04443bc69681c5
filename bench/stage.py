"""What is measured, put up: real durable servers, gunicorn as the Procfile starts it, a shop.

Called by every measure. What belongs to the server under test goes to core 0, the rest to core 1.
"""

from __future__ import annotations

import contextlib
import os
import shlex
import signal
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import psycopg
from cryptography.fernet import Fernet

from app.foundation.bell import SilentBell
from app.foundation.crypto import KeyRing
from app.foundation.db import Database
from app.messaging.connect import Line, connect_line
from app.shops.install import known_shop
from bench import machine, requests
from scripts.places import ROOT, STATE, VENV_BIN
from scripts.processes import procfile
from scripts.servers import free_port
from scripts.suite import test_environment
from tests import servers as test_servers

THREADS = 16  # of each server, and connections of each pool
LOGS = STATE / "bench"
START_SECONDS = 60.0
_running: list[Process] = []


@dataclass(frozen=True)
class Shop:
    id: int
    sender_id: int
    door_key: str


class Stage:
    """PostgreSQL and Redis of this run, and a database for each contestant."""

    def __init__(self, servers: test_servers.Servers) -> None:
        self.servers = servers
        self.database = servers.new_database()
        self.redis_url = servers.new_redis_url()
        self.keys = Fernet.generate_key().decode()
        self.app = Database(
            self.database.url,
            reactions=lambda session, event, now: None,
            doorbell=SilentBell(),
        )

    def superuser(self, database: test_servers.Database | None = None) -> psycopg.Connection[Any]:
        name = (database or self.database).name
        return psycopg.connect(self.servers.postgres.url("superuser", name), autocommit=True)

    def count(self, what: str, database: test_servers.Database | None = None) -> int:
        """`what`: a table, or a table with a WHERE."""
        with self.superuser(database) as connection:
            row = connection.execute(f"SELECT count(*) FROM {what}").fetchone()
        assert row is not None
        return int(row[0])

    def use_both_cores(self) -> None:
        """For measures of the whole, where nothing is pinned."""
        both = machine.SERVER_CORE | machine.OTHER_CORE
        redis = [self.servers.redis.pid]
        machine.pin([os.getpid(), *machine.family(self.servers.postgres.pid), *redis], both)

    def settle(self) -> None:
        """What earlier runs left to be written is written before the next one begins."""
        with self.superuser() as connection:
            connection.execute("CHECKPOINT")

    def add_shop(self) -> Shop:
        """An installed shop with a line."""
        now = datetime.now(UTC)
        with self.app.across_shops("bench: a shop") as session:
            shop = known_shop(session, now=now, domain=requests.SHOP)
            sender = connect_line(
                session,
                now=now,
                shop_id=shop.id,
                keys=KeyRing(self.keys),
                line=Line(
                    account_sid=requests.ACCOUNT,
                    auth_token=requests.TOKEN,
                    messaging_service_sid=requests.SERVICE,
                    phone=requests.LINE,
                    kind="short_code",
                    segments_per_second=10_000.0,
                ),
            )
            return Shop(shop.id, sender.id, sender.door_key)

    def product_environment(self, **changes: str) -> dict[str, str]:
        """As in production: real clock, no sandbox."""
        return {
            **test_environment(faults="small"),
            "DOORSTEP_ENV": "production",
            "PUBLIC_URL": requests.PUBLIC_URL,
            "DATABASE_URL": self.database.url,
            "REDIS_URL": self.redis_url,
            "ENCRYPTION_KEYS": self.keys,
            "SHOPIFY_API_KEY": "key-of-the-bench",
            "SHOPIFY_API_SECRET": requests.SHOPIFY_SECRET,
            "MEDIA_PATH": str(LOGS / "media"),
            "ANCHOR_PATH": str(LOGS / "anchors"),
            **changes,
        }


@contextlib.contextmanager
def staged() -> Iterator[Stage]:
    """Durable servers on core 1, where this process goes too."""
    machine.check_cores()
    cores = os.sched_getaffinity(0)
    machine.pin([os.getpid()], machine.OTHER_CORE)  # children inherit it
    try:
        with test_servers.running_servers(durable=True) as servers:
            stage = Stage(servers)
            try:
                yield stage
            finally:
                for process in list(_running):
                    process.stop()
                stage.app.close()
    finally:
        machine.pin([os.getpid()], frozenset(cores))


class Process:
    """A program under test, with a log of its own, in a session of its own."""

    def __init__(
        self, name: str, command: Sequence[str], environment: Mapping[str, str], *, port: int = 0,
        cores: frozenset[int] = machine.SERVER_CORE,
    ) -> None:  # fmt: skip
        LOGS.mkdir(parents=True, exist_ok=True)
        self.name, self.port = name, port
        self.log = LOGS / f"{name}.log"
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                ["taskset", "-c", ",".join(map(str, sorted(cores))), *command],
                cwd=ROOT, env=dict(environment), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                start_new_session=True,
            )  # fmt: skip
        _running.append(self)

    @property
    def pids(self) -> list[int]:
        return machine.family(self._process.pid)

    @property
    def worker_pid(self) -> int:
        """Of a server with one worker: the process that answers."""
        return self.pids[-1]

    def wait_until(self, path: str) -> None:
        """Until `path` answers anything. Raises when the program ends instead."""
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                break
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=5).close()
                return
            except urllib.error.HTTPError:
                return
            except OSError:
                time.sleep(0.1)
        raise RuntimeError(f"{self.name} does not answer:\n{self.log.read_text()[-2000:]}")

    def died(self) -> bool:
        return self._process.poll() is not None

    def stop(self) -> None:
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(15)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait(5)
        if self in _running:
            _running.remove(self)


def gunicorn(
    name: str, program: str, environment: Mapping[str, str], *, workers: int = 1,
    cores: frozenset[int] = machine.SERVER_CORE, port: int = 0, threads: int = THREADS,
) -> Process:  # fmt: skip
    """`program` under the Procfile's own flags: ours and the bare route alike."""
    port = port or free_port()
    line = procfile()["web"].replace("app.wsgi:app", program)
    for variable, value in (
        ("${WEB_CONCURRENCY:-2}", workers),
        ("${WEB_THREADS:-8}", threads),
        ("${BIND_ADDRESS:-0.0.0.0}", "127.0.0.1"),
        ("${PORT:-8080}", port),
    ):
        assert variable in line, f"the Procfile's web line has no {variable} any more"
        line = line.replace(variable, str(value))
    words = shlex.split(line)
    server = Process(
        name, [str(VENV_BIN / words[0]), *words[1:]], environment, port=port, cores=cores
    )
    server.wait_until("/healthz")
    return server


def our_server(stage: Stage, **changes: str) -> Process:
    return gunicorn("doorstep", "app.wsgi:app", stage.product_environment(**changes))


def bare_server(stage: Stage, database: test_servers.Database) -> Process:
    environment = {
        **test_environment(faults="small"),
        "BARE_SECRET": requests.SHOPIFY_SECRET,
        "BARE_DATABASE_URL": database.url,
    }
    return gunicorn("bare", "bench.peers.bare:app", environment)


def peer_database(stage: Stage) -> test_servers.Database:
    """An empty database with the peers' one table."""
    from bench.peers.tables import RECEIVED

    database = stage.servers.new_empty_database()
    with stage.superuser(database) as connection:
        connection.execute(RECEIVED)
    return database
