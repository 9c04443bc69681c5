"""`make run`: the whole of Doorstep on this machine, with real servers and the sandbox.

Order matters both ways: what is used starts before its users, and stops after them. Ctrl-C or
SIGTERM stops all; once more means hurry, never that a database is left behind.
"""

from __future__ import annotations

import os
import shutil
import signal
import time
from types import FrameType

from scripts import environment, frontend, operating, processes
from scripts.install import DEVELOP, RUN, ensure_installed
from scripts.places import LOGS, ROOT, STATE, VENV_PYTHON, check_disk, only_one
from scripts.processes import Child
from scripts.screen import Problem, say, step
from scripts.servers import PostgresServer, RedisServer, port_is_free

DATABASE = "doorstep"
READY_SECONDS = 60.0


class Stopped(Exception):
    """Somebody asked us to stop."""


class StopSignals:
    """The first signal ends what is under way; while stopping, another one means hurry."""

    def __init__(self) -> None:
        self._first = 0.0
        self._stopping = False
        self.hurry = False
        for sign in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(sign, self._receive)

    def _receive(self, number: int, frame: FrameType | None) -> None:
        now = time.monotonic()
        if not self._first:
            self._first = now
            if not self._stopping:
                raise Stopped
        elif now - self._first > 1.0:  # make passes on what the terminal has already sent
            self.hurry = True

    def begin_stopping(self) -> None:
        self._stopping = True


def run() -> int:
    """Start everything and stay until asked to stop. Returns the exit code."""
    signals = StopSignals()
    began = time.monotonic()
    said = environment.given()
    at = environment.ports(said)
    house = House(said, at, signals)
    try:
        with only_one("run", f"{at.sandbox_url}/"):
            try:
                say("Doorstep is starting.")
                house.open()
                say(f"\n  Ready after {time.monotonic() - began:.0f} s. Open {at.sandbox_url}/\n")
                say(f"  Logs are in {LOGS.relative_to(ROOT)}/. Ctrl-C stops everything.\n")
                house.watch()
            finally:
                signals.begin_stopping()
                house.close()
    except Stopped:
        pass
    return 0


class House:
    """What runs, in the order in which it was started."""

    def __init__(self, said: dict[str, str], at: environment.Ports, signals: StopSignals) -> None:
        self._said = said
        self._at = at
        self._signals = signals
        self._postgres: PostgresServer | None = None
        self._redis: RedisServer | None = None
        self._children: list[Child] = []

    def open(self) -> None:
        check_disk(STATE)
        if processes.end_leftovers():
            say("  ✓ Ended what an interrupted run had left behind")
        self._check_ports()
        ensure_installed(RUN)
        frontend.ensure_built()
        database_url, owner_url = self._open_postgres()
        redis_url = self._open_redis()
        known = environment.development(
            self._said, database_url=database_url, redis_url=redis_url, at=self._at
        )
        shutil.rmtree(known["PROMETHEUS_MULTIPROC_DIR"], ignore_errors=True)
        os.makedirs(known["PROMETHEUS_MULTIPROC_DIR"])
        operating.write_settings(known)
        python = str(VENV_PYTHON)
        with step("Migrating the database"):
            processes.run_once(
                "migrate",
                [python, "-m", "alembic", "upgrade", "head"],
                {**known, "DATABASE_OWNER_URL": owner_url},
                "the log above says which migration failed. `make reset` starts with empty data.",
            )
        lines = processes.procfile()
        for name in ("sandbox", "worker", "ticker", "web"):
            command = lines.get(name, "python -m sandbox")
            words = "app.wsgi:app" if name == "web" else command.removeprefix("python ")
            child = Child(name, command, words)
            with step(f"Starting {name}"):
                child.start(known)
                self._children.append(child)
                processes.write_down(self._children)
                if name in ("web", "sandbox"):
                    url = f"{self._at.web_url}/readyz"
                    if name == "sandbox":
                        url = f"{self._at.sandbox_url}/healthz"
                    processes.wait_for_http(url, [child, *self._children], READY_SECONDS)
        with step("Installing the demo shop through the real doors"):
            processes.run_once(
                "setup",
                [python, "-m", "sandbox.setup"],
                known,
                "the log above and those of web and sandbox say why.",
            )

    def watch(self) -> None:
        """Until a signal, or until something dies, which is a Problem."""
        while True:
            for child in self._children:
                child.raise_if_died()
            for name, server in (("PostgreSQL", self._postgres), ("Redis", self._redis)):
                if server is not None and server.died():
                    raise Problem(
                        f"{name} ended, so everything stops.",
                        "the log above says why. Run the command again; the data is kept.",
                        server.log,
                    )
            time.sleep(0.2)

    def close(self) -> None:
        """Users before what they use: web, ticker, worker, sandbox, Redis, PostgreSQL."""
        if self._children or self._redis or self._postgres:
            say("\nDoorstep is stopping.")
        for child in reversed(self._children):
            with step(f"Stopping {child.name}") as line:
                if not child.stop(lambda: self._signals.hurry):
                    line.show("had to be killed")
        processes.RUNNING_FILE.unlink(missing_ok=True)
        for name, server in (("Redis", self._redis), ("PostgreSQL", self._postgres)):
            if server is not None:
                with step(f"Stopping {name}"):
                    server.stop()

    def _check_ports(self) -> None:
        for name, variable, port in (
            ("Doorstep's doors", "PORT", self._at.web),
            ("the sandbox", "SANDBOX_PORT", self._at.sandbox),
        ):
            if not port_is_free(port):
                raise Problem(
                    f"Port {port}, wanted for {name}, is in use by another program.",
                    f"stop that program, or choose another port: make run {variable}={port + 1000}",
                )
        if self._at.web == self._at.sandbox:
            raise Problem(
                f"PORT and SANDBOX_PORT are both {self._at.web}.", "give them different numbers."
            )

    def _open_postgres(self) -> tuple[str, str]:
        given = self._said.get("DATABASE_URL")
        if given:
            owner = self._said.get("DATABASE_OWNER_URL")
            if not owner:
                raise Problem(
                    "DATABASE_URL is set, but DATABASE_OWNER_URL is not.",
                    "DATABASE_URL is the app's role (doorstep_app, NOBYPASSRLS), which may not\n"
                    "migrate. Set DATABASE_OWNER_URL to the role that owns the schema.",
                )
            say("  ✓ Using the PostgreSQL of DATABASE_URL")
            return given, owner
        with step("Starting PostgreSQL") as line:
            self._postgres = PostgresServer(STATE / "postgres", settings={"max_wal_size": "256MB"})
            self._postgres.start()
            if not self._postgres.has_database(DATABASE):
                self._postgres.create_database(DATABASE)
            line.show(f"port {self._postgres.port}")
            if STATE not in self._postgres.home.parents:
                line.show(f"port {self._postgres.port}, data in {self._postgres.home}")
        return self._postgres.url("app", DATABASE), self._postgres.url("owner", DATABASE)

    def _open_redis(self) -> str:
        given = self._said.get("REDIS_URL")
        if given:
            say("  ✓ Using the Redis of REDIS_URL")
            return given
        with step("Starting Redis") as line:
            self._redis = RedisServer(STATE / "redis")
            self._redis.start()
            line.show(f"port {self._redis.port}")
        return self._redis.url()


def install() -> int:
    """`make install`: `.venv` with everything that developing needs."""
    ensure_installed(DEVELOP)
    return 0
