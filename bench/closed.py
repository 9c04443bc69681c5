"""Contestants take turns under the same closed-loop load: A B A B A B, medians, ratios.

The same server drifts by a fifth from one minute to the next on a virtual machine; what is
measured a few seconds apart does not.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

from bench import machine
from bench.generator import Load, closed_loop
from bench.requests import shopify_webhooks
from bench.stage import Process, Stage, bare_server, our_server, peer_database
from bench.table import median

CONNECTIONS = 16
ROUNDS = 3
SECONDS = 8.0
MOST_A_SECOND = 4000  # requests are built for at most this speed


@dataclass
class Contestant:
    name: str
    server: Process
    requests: Callable[[int], list[bytes]]
    stored: Callable[[], int]
    loads: list[Load] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)

    @property
    def rate(self) -> float:
        return median([load.rate for load in self.loads])

    @property
    def microseconds(self) -> float:
        """CPU time of the server for one request."""
        used = [c / load.fine * 1e6 for c, load in zip(self.cpu, self.loads, strict=True)]
        return median(used)

    @property
    def megabytes(self) -> float:
        return machine.resident_megabytes(self.server.worker_pid)

    def line(self, base: Contestant) -> str:
        p50, p99 = (median([load.percentile(p) for load in self.loads]) * 1e3 for p in (0.5, 0.99))
        return (
            f"{self.name} {self.rate:,.0f}/s ({self.rate / base.rate:.2f}), p50 {p50:.1f} ms,"
            f" p99 {p99:.1f} ms, {self.microseconds:.0f} µs CPU, {self.megabytes:.0f} MB"
        )


def compete(stage: Stage, contestants: Sequence[Contestant]) -> None:
    """Raises when an answer was not 2xx, or a row is missing that was answered for."""
    for contestant in contestants:
        _warm_up(contestant)
    before = {id(one): one.stored() for one in contestants}
    for _ in range(ROUNDS):
        for contestant in contestants:
            built = contestant.requests(int(MOST_A_SECOND * SECONDS))
            stage.settle()
            began = machine.cpu_seconds(contestant.server.pids)
            load = closed_loop(
                contestant.server.port, built, connections=CONNECTIONS, seconds=SECONDS
            )
            contestant.cpu.append(machine.cpu_seconds(contestant.server.pids) - began)
            contestant.loads.append(load)
            print(f"  {contestant.name}: {load.rate:,.0f}/s", flush=True)
    for contestant in contestants:
        answered = sum(load.fine for load in contestant.loads)
        errors = sum(load.errors for load in contestant.loads)
        stored = contestant.stored() - before[id(contestant)]
        if errors or stored != answered:
            raise RuntimeError(
                f"{contestant.name}: {errors} errors, {answered} answered with 2xx,"
                f" {stored} stored; see {contestant.server.log}"
            )


def _warm_up(contestant: Contestant) -> None:
    load = closed_loop(
        contestant.server.port, contestant.requests(1000), connections=CONNECTIONS, seconds=2.0
    )
    if load.errors:
        raise RuntimeError(
            f"{contestant.name} answered {dict(load.statuses)}:\n"
            f"{contestant.server.log.read_text()[-3000:]}"
        )


def against_bare(
    stage: Stage, requests_of: Callable[[int], list[bytes]], stored: Callable[[], int]
) -> tuple[Contestant, Contestant]:
    """Our door and the bare route, measured; their servers are stopped again."""
    database = peer_database(stage)
    bare = Contestant(
        "bare",
        bare_server(stage, database),
        partial(shopify_webhooks, path="/webhook"),
        lambda: stage.count("received", database),
    )
    ours = Contestant("doorstep", our_server(stage), requests_of, stored)
    compete(stage, [bare, ours])
    return bare, ours
