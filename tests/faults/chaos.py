"""Takes parts away at random while there is traffic: processes, Redis, PostgreSQL, vendors.

The seed is printed, so that a run which found something can be told again; threads do not repeat
themselves exactly, but the order of the blows does.
"""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tests.faults.report import told
from tests.faults.stack import Stack

VENDOR_FAULTS = (
    # vendor, kind, operation, options: each strikes a few times and is over
    ("twilio", "5xx", "messages.create", {"count": 2}),
    ("twilio", "429", "messages.create", {"count": 4}),
    ("twilio", "cut_connection", "messages.create", {"count": 1}),
    ("twilio", "timeout_after_acting", "messages.create", {"count": 2, "seconds": 0}),
    ("twilio", "5xx_after_acting", "messages.create", {"count": 1}),
    ("twilio", "latency", "messages.create", {"count": 8, "seconds": 0.7}),
    ("twilio", "duplicate", "status", {"count": 40}),
    ("twilio", "reorder", "status", {"count": 40, "seconds": 2.0}),
    ("twilio", "drop", "status", {"count": 10}),
    ("zendesk", "5xx", "tickets.update", {"count": 2}),
    ("zendesk", "429", "tickets.create", {"count": 3}),
    ("zendesk", "timeout_after_acting", "tickets.create", {"count": 2, "seconds": 0}),
    ("zendesk", "timeout_after_acting", "tickets.update", {"count": 2, "seconds": 0}),
    ("zendesk", "cut_connection", "tickets.update", {"count": 2}),
    ("zendesk", "webhook_before_answer", "tickets.update", {"count": 4}),
    ("zendesk", "duplicate", "", {"count": 20}),
    ("zendesk", "reorder", "", {"count": 20, "seconds": 2.0}),
    ("shopify", "5xx", "", {"count": 4}),
)


class Chaos:
    """`during` strikes every so often until its block ends; `struck` counts what happened."""

    def __init__(self, stack: Stack, *, every: tuple[float, float], seed: int | None = None):
        self._stack = stack
        self._every = every
        self._seed = random.randrange(10**6) if seed is None else seed
        self._dice = random.Random(self._seed)
        self._stop = threading.Event()
        self._failure: BaseException | None = None
        self.struck: Counter[str] = Counter()
        told(f"chaos with seed {self._seed}")

    @contextmanager
    def during(self) -> Iterator[None]:
        """Raises what a blow itself ran into, at the end."""
        self._stop.clear()
        thread = threading.Thread(target=self._run, name="chaos", daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._stop.set()
            thread.join(120)
        if self._failure is not None:
            raise self._failure

    def _run(self) -> None:
        blows = self._blows()
        try:
            while not self._stop.wait(self._dice.uniform(*self._every)):
                name, blow = self._dice.choice(blows)
                self.struck[name] += 1
                blow()
        except BaseException as error:
            self._failure = error

    def _blows(self) -> list[tuple[str, Callable[[], None]]]:
        stack = self._stack
        blows: list[tuple[str, Callable[[], None]]] = [
            ("a worker process killed", lambda: stack.worker.kill_child(self._dice.randrange(9))),
            ("a worker process killed", lambda: stack.worker.kill_child(self._dice.randrange(9))),
            ("the whole worker killed", stack.worker.kill_and_restart),
            ("a web process killed", lambda: stack.web.kill_child(self._dice.randrange(9))),
            ("the ticker killed", stack.ticker.kill_and_restart),
            ("Redis emptied", self.redis_emptied),
            ("Redis killed", self.redis_killed),
            ("PostgreSQL killed", self.postgres_killed),
            ("PostgreSQL restarted", stack.servers.postgres.restart),
        ]
        # As likely as all the others together.
        return blows + [("a vendor failed", self.vendor_failed)] * len(blows)

    def redis_emptied(self) -> None:
        self._stack.redis.flushall()

    def redis_killed(self) -> None:
        self._stack.servers.redis.kill_immediately()
        time.sleep(self._dice.uniform(0.2, 2.0))
        self._stack.servers.redis.start()

    def postgres_killed(self) -> None:
        self._stack.servers.postgres.kill_immediately()
        time.sleep(self._dice.uniform(0.1, 0.6))
        self._stack.servers.postgres.restart()

    def vendor_failed(self) -> None:
        vendor, kind, operation, options = self._dice.choice(VENDOR_FAULTS)
        self._stack.fault(vendor, kind, operation, **options)
