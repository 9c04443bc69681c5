"""The whole of Doorstep as `make run` starts it, against the sandbox, on two cores.

Nothing is pinned: web, workers, ticker, the emulated vendors, PostgreSQL, Redis and the bench
itself share the machine. In production the vendors would not.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from bench import machine, requests
from bench.stage import LOGS, Process, Stage, gunicorn
from scripts.places import ROOT, VENV_PYTHON
from scripts.servers import free_port

BOTH = machine.SERVER_CORE | machine.OTHER_CORE
SUBDOMAIN = "acme-outfitters"
LINE = "+18885550188"
SETUP_SECONDS = 120


@dataclass
class Stack:
    stage: Stage
    environment: dict[str, str]
    web_port: int
    sandbox: str
    provider: str
    processes: dict[str, Process] = field(default_factory=dict)

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
def running(
    stage: Stage, *, worker_processes: int = 2, lean_provider: bool = False
) -> Iterator[Stack]:
    """Started, installed, its number and its Zendesk account connected.

    `lean_provider`: texts go to `bench.provider` instead of the emulator.
    """
    stage.use_both_cores()
    web_port, sandbox_port, provider_port = free_port(), free_port(), free_port()
    sandbox = f"http://127.0.0.1:{sandbox_port}"
    provider = f"http://127.0.0.1:{provider_port}"
    clock = LOGS / "clock"
    clock.unlink(missing_ok=True)
    environment = stage.product_environment(
        DOORSTEP_ENV="development",
        PUBLIC_URL=f"http://127.0.0.1:{web_port}",
        SHOPIFY_API_KEY="doorstep-sandbox-key",
        SHOPIFY_BASE_URL=f"{sandbox}/shopify/{{shop}}",
        TWILIO_BASE_URL=provider if lean_provider else f"{sandbox}/twilio",
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
    stack = Stack(stage, environment, web_port, sandbox, provider)
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
    if lean_provider:
        command = [python, "-m", "bench.provider", str(provider_port), str(web_port)]
        stack.processes["provider"] = Process(
            "provider", command, environment, port=provider_port, cores=BOTH
        )
        stack.processes["provider"].wait_until("/ledger")
    for name in ("worker", "ticker"):
        stack.processes[name] = Process(
            name, [python, "-m", f"app.{name}"], environment, cores=BOTH
        )
    stack.call(f"/zendesk/{SUBDOMAIN}/_ui/plan", {"plan": "unmetered"})
    # The account's plan allows what it would take a large merchant's contract to allow.
    stack.sql("UPDATE helpdesk_accounts SET updates_per_minute = 1000000")
    stack.sql("UPDATE senders SET segments_per_second = 10000")
    stack.call("/twilio/_actions/numbers", {"phone": LINE, "kind": "short_code", "mps": 10_000})
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
