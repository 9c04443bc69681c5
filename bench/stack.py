"""The whole of Doorstep as `make run` starts it, on two cores, against vendors that cost little.

Nothing is pinned: web, workers, ticker, the vendors, PostgreSQL, Redis and the bench itself share
the machine. In production the vendors would not, so these are lean: `provider` and `helpdesk`.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from app.foundation.crypto import KeyRing
from bench import machine, requests
from bench.stage import LOGS, Process, Stage, gunicorn
from scripts.places import ROOT, VENV_PYTHON
from scripts.servers import free_port

BOTH = machine.SERVER_CORE | machine.OTHER_CORE
LINE = "+18885550188"
SETUP_SECONDS = 120


@dataclass
class Stack:
    stage: Stage
    environment: dict[str, str]
    web_port: int
    sandbox: str
    provider: str  # of texts
    helpdesk: str
    processes: dict[str, Process] = field(default_factory=dict)

    def ledger(self, vendor: str) -> Any:
        """What a lean vendor was given. Raises RuntimeError if our door refused its reports."""
        with urllib.request.urlopen(f"{getattr(self, vendor)}/ledger", timeout=10) as answer:
            ledger = json.load(answer)
        if ledger["refused"]:
            raise RuntimeError(f"our door refused reports of the {vendor}: {ledger['refused']}")
        return ledger

    def call(self, path: str, body: dict[str, Any] | None = None) -> Any:
        """One of the sandbox's own addresses."""
        asked = urllib.request.Request(
            self.sandbox + path,
            None if body is None else json.dumps(body).encode(),
            {"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(asked, timeout=60) as answer:
            return json.loads(answer.read() or b"null")

    def sql(self, statement: str, **values: Any) -> list[tuple[Any, ...]]:
        with self.stage.superuser() as connection:
            cursor = connection.execute(statement, values or None)
            return cursor.fetchall() if cursor.description else []

    def cpu(self) -> dict[str, float]:
        """CPU seconds by program, so far."""
        return {name: machine.cpu_seconds(one.pids) for name, one in self.processes.items()} | {
            "postgres": machine.cpu_seconds(machine.family(self.stage.servers.postgres.pid)),
            "redis": machine.cpu_seconds([self.stage.servers.redis.pid]),
        }

    def check_alive(self) -> None:
        for one in self.processes.values():
            if one.died():
                raise RuntimeError(f"{one.name} ended:\n{one.log.read_text()[-2000:]}")

    @property
    def door_key(self) -> str:
        return str(self.sql("SELECT door_key FROM senders WHERE state = 'active'")[0][0])


@contextlib.contextmanager
def running(stage: Stage, *, worker_processes: int = 2) -> Iterator[Stack]:
    """Started, installed, its number and its Zendesk account connected, at the emulators; whoever
    works after that meets the lean vendors."""
    stage.use_both_cores()
    web_port, sandbox_port = free_port(), free_port()
    lean_ports = {"provider": free_port(), "helpdesk": free_port()}
    sandbox = f"http://127.0.0.1:{sandbox_port}"
    provider, helpdesk = (f"http://127.0.0.1:{port}" for port in lean_ports.values())
    clock = LOGS / "clock"
    clock.unlink(missing_ok=True)
    environment = stage.product_environment(
        DOORSTEP_ENV="development",
        PUBLIC_URL=f"http://127.0.0.1:{web_port}",
        SHOPIFY_API_KEY="doorstep-sandbox-key",
        SHOPIFY_BASE_URL=f"{sandbox}/shopify/{{shop}}",
        TWILIO_BASE_URL=f"{sandbox}/twilio",
        ZENDESK_CLIENT_ID="doorstep-sandbox",
        ZENDESK_CLIENT_SECRET="zendesk-secret-of-the-bench",
        ZENDESK_ORGANIZATION_ID="12345",
        ZENDESK_APP_ID="99999",
        ZENDESK_BASE_URL=f"{sandbox}/zendesk/{{subdomain}}",
        SANDBOX_PORT=str(sandbox_port),
        SANDBOX_URL=sandbox,
        SANDBOX_CLOCK_PATH=str(clock),
        WORKER_PROCESSES=str(worker_processes),
    )
    stack = Stack(stage, environment, web_port, sandbox, provider, helpdesk)
    python = str(VENV_PYTHON)
    emulators = Process(
        "sandbox", [python, "-m", "sandbox"], environment, port=sandbox_port, cores=BOTH
    )
    stack.processes["sandbox"] = emulators
    emulators.wait_until("/healthz")
    stack.processes["web"] = gunicorn(
        "web", "app.wsgi:app", environment, cores=BOTH, port=web_port, threads=8
    )
    done = subprocess.run(
        [python, "-m", "sandbox.setup"],
        cwd=ROOT, env=environment, capture_output=True, text=True, timeout=SETUP_SECONDS,
        check=False,
    )  # fmt: skip
    if done.returncode != 0:
        raise RuntimeError(f"the sandbox could not be set up: {done.stderr[-2000:]}")
    door_key, secret = stack.sql("SELECT door_key, webhook_secret FROM helpdesk_accounts")[0]
    secrets = {"WEBHOOK_SECRET": KeyRing(stage.keys).decrypt(secret)}
    arguments = {"provider": [], "helpdesk": [f"/webhooks/zendesk/{door_key}"]}
    for name, port in lean_ports.items():
        command = [python, "-m", f"bench.{name}", str(port), str(web_port), *arguments[name]]
        lean = Process(name, command, environment | secrets, port=port, cores=BOTH)
        lean.wait_until("/ledger")
        stack.processes[name] = lean
    vendors = {
        "TWILIO_BASE_URL": provider, "ZENDESK_BASE_URL": f"{helpdesk}/{{subdomain}}",
    }  # fmt: skip
    for name in ("worker", "ticker"):
        stack.processes[name] = Process(
            name, [python, "-m", f"app.{name}"], environment | vendors, cores=BOTH
        )
    # The account's plan allows what it would take a large merchant's contract to allow.
    stack.sql("UPDATE helpdesk_accounts SET updates_per_minute = 1000000")
    stack.sql("UPDATE senders SET segments_per_second = 10000")
    try:
        yield stack
        stack.check_alive()
    finally:
        for one in stack.processes.values():
            one.stop()


def texts(stack: Stack, phones: list[str]) -> list[bytes]:
    """A text from each of these, addressed to the sandbox's line."""
    from sandbox.settings import Settings

    known = Settings()
    return requests.texts(
        stack.door_key, len(phones), iter(phones), public_url=f"http://127.0.0.1:{stack.web_port}",
        account=known.twilio_account_sid, token=known.twilio_auth_token, line=LINE,
        service=known.twilio_service_sid,
    )  # fmt: skip
