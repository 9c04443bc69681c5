"""Real PostgreSQL and Redis on loopback, for `make run`, the tests, the faults and the bench.

Standard library only: they start before anything is installed that could speak to them. Each
server is one child process in a session of its own, so that a Ctrl-C at the terminal does not
reach it before its users have stopped.
"""

from __future__ import annotations

import json
import os
import secrets
import signal
import socket
import subprocess
import time
from pathlib import Path
from typing import Literal

from scripts import leftovers
from scripts.screen import Problem
from scripts.server_binaries import (
    as_unprivileged,
    give_to_unprivileged,
    postgres_home,
    postgres_programs,
    redis_program,
)

Role = Literal["owner", "app", "superuser"]
ROLE_NAMES: dict[Role, str] = {
    "superuser": "postgres",
    "owner": "doorstep_owner",
    "app": "doorstep_app",
}
START_SECONDS = 60.0  # crash recovery of a large database included
NOT_DURABLE = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def port_is_free(port: int, host: str = "127.0.0.1") -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
        return True


class PostgresServer:
    """One cluster under `home`. `durable=False` gives up crash safety for speed (tests only)."""

    def __init__(
        self, home: Path, *, durable: bool = True, settings: dict[str, str] | None = None
    ) -> None:
        self.home = postgres_home(home)
        self.data = self.home / "data"
        self.log = self.home / "postgres.log"
        self.port = 0
        self._durable = durable
        self._settings = dict(settings or {})
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        return self._process.pid if self._process else 0

    def start(self) -> None:
        """Make the cluster if there is none, start it, and make sure of its roles."""
        self.home.mkdir(parents=True, exist_ok=True)
        give_to_unprivileged(self.home)
        self._end_leftover()
        first_time = not (self.data / "PG_VERSION").exists()
        if first_time:
            self._make_cluster()
        self._launch()
        if first_time or not (self.home / "ready").exists():
            self._make_roles()
            (self.home / "ready").touch()

    def stop(self) -> None:
        """Fast shutdown: ends connections, writes everything, leaves nothing to recover."""
        self._signal_and_wait(signal.SIGINT, 20.0)

    def kill_immediately(self) -> None:
        """As a power cut does it: nothing is written any more; the next start recovers."""
        self._signal_and_wait(signal.SIGKILL, 10.0)

    def restart(self) -> None:
        """Stop (if it still runs) and start on the same port."""
        self.stop()
        self._launch()

    def died(self) -> bool:
        return self._process is not None and self._process.poll() is not None

    def url(self, role: Role = "app", database: str = "doorstep") -> str:
        password = self._passwords()[role]
        return f"postgresql://{ROLE_NAMES[role]}:{password}@127.0.0.1:{self.port}/{database}"

    def has_database(self, name: str) -> bool:
        return self.sql(f"SELECT 1 FROM pg_database WHERE datname = '{name}'").strip() == "1"

    def create_database(self, name: str, template: str | None = None) -> None:
        """A database of the owner role; from `template` it is a copy, in some 50 ms."""
        copied = f" TEMPLATE {template}" if template else ""
        self.sql(f"CREATE DATABASE {name} OWNER {ROLE_NAMES['owner']}{copied}")

    def drop_database(self, name: str) -> None:
        self.sql(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    def sql(self, statement: str, database: str = "postgres") -> str:
        """One statement as superuser, by psql; its output without decoration."""
        # Through the environment and standard input: a command line is everybody's to read.
        done = subprocess.run(
            [str(postgres_programs(self.home) / "psql"), "-XqAt", "-v", "ON_ERROR_STOP=1",
             "-h", "127.0.0.1", "-p", str(self.port), "-U", "postgres", "-d", database],
            env={**os.environ, "PGPASSWORD": self._passwords()["superuser"]},
            input=statement, capture_output=True, text=True, check=False,
        )  # fmt: skip
        if done.returncode != 0:
            raise Problem(
                f"PostgreSQL refused a statement: {done.stderr.strip()}",
                f"see {self.log}; `make reset` starts with an empty database.",
                self.log,
            )
        return done.stdout

    def _passwords(self) -> dict[str, str]:
        stored: dict[str, str] = json.loads((self.home / "passwords.json").read_text())
        return stored

    def _make_cluster(self) -> None:
        passwords = {role: secrets.token_urlsafe(18) for role in ROLE_NAMES}
        file = self.home / "passwords.json"
        file.touch(mode=0o600)
        file.write_text(json.dumps(passwords))
        given = self.home / "superuser.txt"
        given.touch(mode=0o600)
        given.write_text(passwords["superuser"])
        give_to_unprivileged(given)
        options = [] if self._durable else ["--no-sync"]
        done = subprocess.run(
            [str(postgres_programs(self.home) / "initdb"), "-D", str(self.data), "-U", "postgres",
             "--auth=scram-sha-256", f"--pwfile={given}", "--encoding=UTF8", "--no-instructions",
             "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8", *options],
            cwd="/", capture_output=True, text=True, check=False, **as_unprivileged(),
        )  # fmt: skip
        given.unlink()
        if done.returncode != 0:
            raise Problem(
                f"PostgreSQL could not make its data folder: {done.stderr.strip()}",
                f"check that {self.home} may be written to and the disk is not full.",
            )

    def _launch(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while True:
            self.port = self.port or free_port()
            settings = {
                "listen_addresses": "127.0.0.1",
                "port": str(self.port),
                "unix_socket_directories": "",
                "max_connections": "200",
                "timezone": "UTC",
                **({} if self._durable else NOT_DURABLE),
                **self._settings,
            }
            flags = [part for item in settings.items() for part in ("-c", "=".join(item))]
            begins_at = self.log.stat().st_size if self.log.exists() else 0
            with self.log.open("ab") as log:
                self._process = subprocess.Popen(
                    [str(postgres_programs(self.home) / "postgres"), "-D", str(self.data), *flags],
                    cwd="/", stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                    start_new_session=True, **as_unprivileged(),
                )  # fmt: skip
            while self._process.poll() is None and time.monotonic() < deadline:
                if self._answers():
                    return
                time.sleep(0.03)
            said = self.log.read_bytes()[begins_at:].decode(errors="replace")
            self._signal_and_wait(signal.SIGQUIT, 5.0)
            if time.monotonic() > deadline:
                raise Problem("PostgreSQL did not start in time.", f"see {self.log}", self.log)
            if "Address already in use" in said:
                self.port = 0  # somebody was faster: another one
            elif "shared memory block" in said:
                time.sleep(0.1)  # the processes of a killed server are still on their way out
            else:
                raise Problem(
                    "PostgreSQL did not start.",
                    "see above. If the data was made by another version of PostgreSQL,\n"
                    "`make reset` starts with an empty database.",
                    self.log,
                )

    def _answers(self) -> bool:
        asked = subprocess.run(
            [str(postgres_programs(self.home) / "pg_isready"), "-q", "-h", "127.0.0.1",
             "-p", str(self.port)],
            check=False,
        )  # fmt: skip
        return asked.returncode == 0

    def _make_roles(self) -> None:
        passwords = self._passwords()
        for role in ("owner", "app"):
            name = ROLE_NAMES[role]
            if not self.sql(f"SELECT 1 FROM pg_roles WHERE rolname = '{name}'").strip():
                self.sql(f"CREATE ROLE {name}")
            self.sql(
                f"ALTER ROLE {name} LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEROLE"
                f" PASSWORD '{passwords[role]}'"
            )

    def _end_leftover(self) -> None:
        file = self.data / "postmaster.pid"
        leftovers.end(leftovers.read_pid(file), str(self.data), first=signal.SIGINT, patience=20.0)
        # PostgreSQL would believe a stale file whose number meanwhile belongs to somebody else.
        file.unlink(missing_ok=True)

    def _signal_and_wait(self, sign: signal.Signals, patience: float) -> None:
        if self._process is None:
            return
        if self._process.poll() is None:
            self._process.send_signal(sign)
            try:
                self._process.wait(patience)
            except subprocess.TimeoutExpired:
                self._process.send_signal(signal.SIGQUIT)
                self._process.wait(10.0)
        self._process = None


class RedisServer:
    """One Redis without persistence: whatever is in it may vanish, so it had better do so."""

    def __init__(self, home: Path, *, databases: int = 16) -> None:
        self.home = home.resolve()
        self.log = self.home / "redis.log"
        self.port = 0
        self._config = self.home / "redis.conf"
        self._databases = databases
        self._password = ""
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        return self._process.pid if self._process else 0

    def start(self) -> None:
        self.home.mkdir(parents=True, exist_ok=True)
        file = self.home / "redis.pid"
        leftovers.end(
            leftovers.read_pid(file), str(self._config), first=signal.SIGTERM, patience=5.0
        )
        self._password = self._password or secrets.token_urlsafe(18)
        for attempt in range(3):
            self.port = self.port or free_port()
            self._launch()
            if self._wait():
                file.write_text(str(self.pid))
                return
            self.stop()
            if attempt < 2:
                self.port = 0
        raise Problem("Redis did not start.", f"see {self.log}", self.log)

    def stop(self) -> None:
        self._signal_and_wait(signal.SIGTERM)

    def kill_immediately(self) -> None:
        self._signal_and_wait(signal.SIGKILL)

    def restart(self) -> None:
        """Stop (if it still runs) and start, empty, on the same port."""
        self.stop()
        self.start()

    def died(self) -> bool:
        return self._process is not None and self._process.poll() is not None

    def url(self, database: int = 0) -> str:
        return f"redis://:{self._password}@127.0.0.1:{self.port}/{database}"

    def _launch(self) -> None:
        self._config.touch(mode=0o600)
        self._config.write_text(
            f"bind 127.0.0.1\nport {self.port}\nrequirepass {self._password}\n"
            f'save ""\nappendonly no\ndatabases {self._databases}\n'
            # The title keeps this file's path, by which a leftover is known.
            f"set-proc-title no\n"
        )
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [str(redis_program()), str(self._config)],
                cwd=self.home, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                start_new_session=True,
            )  # fmt: skip

    def _wait(self) -> bool:
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline and not self.died():
            try:
                with socket.create_connection(("127.0.0.1", self.port), 1) as line:
                    line.sendall(f"AUTH {self._password}\r\nPING\r\nQUIT\r\n".encode())
                    if b"+PONG" in b"".join(iter(lambda: line.recv(100), b"")):
                        return True
            except OSError:
                pass
            time.sleep(0.02)
        return False

    def _signal_and_wait(self, sign: signal.Signals) -> None:
        if self._process is None:
            return
        if self._process.poll() is None:
            os.kill(self._process.pid, sign)
            try:
                self._process.wait(5.0)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait(5.0)
        self._process = None
