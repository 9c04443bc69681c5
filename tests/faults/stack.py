"""A whole Doorstep of real processes on free ports, with a PostgreSQL (fsync on), a Redis and a
sandbox of its own, for tests that take parts of it away.

Web, worker and ticker are started by the Procfile's own lines. The sandbox plays the vendors and
is never killed: its ledgers say what the vendors saw. `Stack.heal` brings everything back after a
test; `Stack.quiet` waits until no work is left.
"""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import psycopg
from cryptography.fernet import Fernet
from psycopg.rows import dict_row
from redis import Redis

from scripts.places import ROOT, VENV_PYTHON
from scripts.processes import procfile
from scripts.servers import free_port
from scripts.suite import test_environment
from tests.faults.programs import Program, Reaper
from tests.servers import Servers

DOMAIN = "acme-outfitters.myshopify.com"
SUBDOMAIN = "acme-outfitters"
SHOPIFY_SECRET = "shopify-secret-of-the-fault-tests"
METRICS_TOKEN = "metrics-of-the-fault-tests"

# Put off on purpose, for minutes or for ever: a quiet house may hold them.
PATIENT_TOPICS = ("messaging.look_up", "messaging.backfill", "orders.reconcile", "helpdesk.poll")

STILL_TO_DO = """
SELECT 'receipts' AS what, count(*) AS many FROM receipts WHERE state = 'pending'
UNION ALL
SELECT 'outbox ' || topic, count(*) FROM outbox
  WHERE failed_at IS NULL AND NOT topic = ANY(%(patient)s)
    AND NOT (topic = 'helpdesk.report_failure' AND available_at > now() + interval '5 seconds')
  GROUP BY topic
UNION ALL
SELECT 'check-ins due', count(*) FROM check_ins WHERE state = 'scheduled' AND due_at <= %(now)s
UNION ALL
SELECT 'texts ' || state, count(*) FROM messages
  WHERE direction = 'out' AND state IN ('queued', 'sending')
    AND (not_before IS NULL OR not_before <= %(soon)s)
  GROUP BY state
UNION ALL
SELECT 'writes to tickets', count(*) FROM ticket_writes WHERE state = 'intent'
"""


class Stack:
    """Made once per test run; `open` takes some ten seconds."""

    def __init__(self, servers: Servers, folder: Path) -> None:
        self.servers = servers
        self.folder = folder
        self.database = servers.new_database()
        self.web_url = f"http://127.0.0.1:{free_port()}"
        self.sandbox_url = f"http://127.0.0.1:{free_port()}"
        self._environment = self._settings()
        self._reaper = Reaper()
        lines = procfile()
        self.sandbox = self._program("sandbox", f"{VENV_PYTHON} -m sandbox")
        self.web = self._program("web", lines["web"])
        self.worker = self._program("worker", lines["worker"])
        self.ticker = self._program("ticker", lines["ticker"])
        self.second_ticker = self._program("second-ticker", lines["ticker"])
        self.vendors = httpx.Client(base_url=self.sandbox_url, timeout=60.0, trust_env=False)
        self.shop_id = 0
        self.door_key = ""

    # --- Opening and closing

    def open(self) -> None:
        self.sandbox.start()
        self.web.start()
        self.worker.start()
        self.ticker.start()
        self.sandbox.wait_for(f"{self.sandbox_url}/healthz")
        self.web.wait_for(f"{self.web_url}/healthz")
        self.go_to_lawful_hours()
        done = subprocess.run(
            [str(VENV_PYTHON), "-m", "sandbox.setup"], cwd=ROOT, env=self._environment,
            capture_output=True, text=True, timeout=90, check=False,
        )  # fmt: skip
        assert done.returncode == 0, f"{done.stdout}{done.stderr}\n{self.web.last_words()}"
        self._lift_limits()
        sender = self.row("SELECT shop_id, door_key FROM senders")
        self.shop_id, self.door_key = sender["shop_id"], sender["door_key"]

    def close(self) -> None:
        for program in (self.ticker, self.second_ticker, self.worker, self.web, self.sandbox):
            program.kill()
        self._reaper.close()
        self.vendors.close()

    def heal(self) -> None:
        """Whatever a test took away is there again, and answers."""
        self.tell("DELETE", "/sandbox/faults")
        if not self.servers.postgres.pid:
            self.servers.postgres.restart()
        if not self.servers.redis.pid:
            self.servers.redis.start()
        for program in (self.web, self.worker, self.ticker):
            if not program.running:
                program.start()
        self.second_ticker.kill()
        self.web.wait_for(f"{self.web_url}/readyz")

    def _program(self, name: str, command: str) -> Program:
        return Program(name, command, self._environment, self.folder, self._reaper)

    def _settings(self) -> dict[str, str]:
        clock = self.folder / "clock"
        web, sandbox = self.web_url, self.sandbox_url
        return {
            **test_environment(faults="small"),
            "DOORSTEP_ENV": "test",
            "PUBLIC_URL": web,
            "PORT": web.rpartition(":")[2],
            "BIND_ADDRESS": "127.0.0.1",
            "DATABASE_URL": self.database.url,
            "REDIS_URL": self.servers.new_redis_url(),
            "ENCRYPTION_KEYS": Fernet.generate_key().decode(),
            "METRICS_TOKEN": METRICS_TOKEN,
            "MEDIA_PATH": str(self.folder / "media"),
            "ANCHOR_PATH": str(self.folder / "anchors"),
            "SHOPIFY_API_KEY": "key-of-the-fault-tests",
            "SHOPIFY_API_SECRET": SHOPIFY_SECRET,
            "SHOPIFY_BASE_URL": f"{sandbox}/shopify/{{shop}}",
            "TWILIO_BASE_URL": f"{sandbox}/twilio",
            "ZENDESK_BASE_URL": f"{sandbox}/zendesk/{{subdomain}}",
            "ZENDESK_CLIENT_ID": "doorstep-of-the-fault-tests",
            "ZENDESK_CLIENT_SECRET": "zendesk-secret-of-the-fault-tests",
            "ZENDESK_ORGANIZATION_ID": "12345",
            "ZENDESK_APP_ID": "99999",
            "SANDBOX_URL": sandbox,
            "SANDBOX_PORT": sandbox.rpartition(":")[2],
            "SANDBOX_CLOCK_PATH": str(clock),
            "PYTHONUNBUFFERED": "1",
        }

    def _lift_limits(self) -> None:
        """Vendors' limits and a carrier's pace would only make the tests longer."""
        self.execute("UPDATE senders SET segments_per_second = 500, next_slot_at = now()")
        self.execute("UPDATE helpdesk_accounts SET updates_per_minute = 1000000")
        self.tell("POST", f"/zendesk/{SUBDOMAIN}/_ui/plan", {"plan": "unmetered"})
        self.tell("POST", "/twilio/_actions/numbers", {"phone": self.line, "mps": 1000})
        self.tell("POST", "/twilio/_actions/pace", {"sent_after": 0.05, "delivered_after": 0.1})

    # --- Time

    @property
    def now(self) -> datetime:
        """This moment by the clock that all processes share."""
        offset = int((self.folder / "clock").read_text() or 0)
        return datetime.now(UTC) + timedelta(seconds=offset)

    def go_to_lawful_hours(self) -> None:
        """A Thursday, late morning on the west coast: lawful everywhere for six hours."""
        now = datetime.fromisoformat(self.tell("GET", "/sandbox/clock")["now"])
        goal = now.replace(hour=18, minute=15, second=0, microsecond=0)
        while goal <= now or goal.weekday() != 3:
            goal += timedelta(days=1)
        self.tell("POST", "/sandbox/clock", {"to": goal.isoformat()})

    def let_pass(self, seconds: int) -> None:
        self.tell("POST", "/sandbox/clock", {"advance_seconds": seconds})
        time.sleep(0.2)  # processes read the clock's file at most every tenth of a second

    # --- Vendors

    @property
    def line(self) -> str:
        return "+18885550188"

    def tell(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        """One of the sandbox's own addresses; its JSON, if it answers any."""
        answer = self.vendors.request(method, path, json=body)
        answer.raise_for_status()
        return answer.json() if answer.content else None

    def fault(self, vendor: str, kind: str, operation: str = "", **options: Any) -> int:
        """Switch a fault on; its id."""
        wanted = {"vendor": vendor, "kind": kind, "operation": operation, **options}
        return int(self.tell("POST", "/sandbox/faults", wanted)["id"])

    # --- Database, as superuser: the tests look across everything

    def connect(self) -> psycopg.Connection[dict[str, Any]]:
        url = self.servers.postgres.url("superuser", self.database.name)
        return psycopg.connect(url, autocommit=True, row_factory=dict_row, connect_timeout=5)

    def rows(self, statement: str, **values: Any) -> list[dict[str, Any]]:
        with self.connect() as connection:
            return connection.execute(statement, values or None).fetchall()

    def row(self, statement: str, **values: Any) -> dict[str, Any]:
        found = self.rows(statement, **values)
        assert len(found) == 1, f"{len(found)} rows for {statement}"
        return found[0]

    def count(self, statement: str, **values: Any) -> int:
        return int(next(iter(self.row(statement, **values).values())))

    def execute(self, statement: str, **values: Any) -> None:
        with self.connect() as connection:
            connection.execute(statement, values or None)

    @property
    def redis(self) -> Redis:
        return Redis.from_url(self._environment["REDIS_URL"])

    # --- Waiting

    def left_to_do(self) -> dict[str, int]:
        """What waits or is under way, by kind; empty when the house is quiet."""
        now = self.now
        found = self.rows(
            STILL_TO_DO,
            patient=list(PATIENT_TOPICS),
            now=now,
            soon=now + timedelta(minutes=10),
        )
        return {row["what"]: row["many"] for row in found if row["many"]}

    def quiet(self, seconds: float) -> float:
        """Wait until nothing is left to do; how long that took. Raises AssertionError."""
        began = time.monotonic()
        left: dict[str, int] = {}
        while time.monotonic() - began < seconds:
            with suppress(psycopg.OperationalError):
                left = self.left_to_do()
                if not left:
                    return time.monotonic() - began
            time.sleep(0.1)
        raise AssertionError(
            f"after {seconds:.0f} s there is still to do: {left}\n{self.troubles()}"
        )

    def until(self, condition: Callable[[], Any], seconds: float, what: str) -> Any:
        """The condition's first true answer. Raises AssertionError after `seconds`."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            with suppress(psycopg.OperationalError):
                if found := condition():
                    return found
            time.sleep(0.01)
        raise AssertionError(f"not within {seconds:.0f} s: {what}\n{self.troubles()}")

    def troubles(self) -> str:
        """For a failing test's report: errors stored, and the logs' ends."""
        with suppress(psycopg.OperationalError):
            errors = self.rows(
                "SELECT topic, attempts, error, count(*) FROM outbox GROUP BY 1, 2, 3"
                " UNION ALL SELECT topic, attempts, error, count(*) FROM receipts"
                " WHERE state <> 'done' GROUP BY 1, 2, 3 LIMIT 40"
            )
            logs = "\n".join(
                f"--- {one.name}\n{one.last_words(2500)}"
                for one in (self.web, self.worker, self.ticker, self.sandbox)
            )
            return f"{errors}\n{logs}"
        return "the database does not answer"
