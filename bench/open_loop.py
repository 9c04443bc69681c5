"""Requests by a timetable, 100 a second on one core; latency from the scheduled moment."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import cycle

from bench import requests
from bench.generator import Load, open_loop
from bench.run import alone
from bench.stage import Process, Stage, bare_server, our_server, peer_database
from bench.table import Finding, median

RATE, SECONDS, ROUNDS = 100, 15, 3


def measure(stage: Stage) -> list[Finding]:
    shop = stage.add_shop()
    database = peer_database(stage)
    bare, ours = bare_server(stage, database), our_server(stage)
    phones = cycle(requests.buyers())

    def texts(count: int) -> list[bytes]:
        return requests.texts(shop.door_key, count, phones)

    runs: list[tuple[str, Process, Callable[[int], list[bytes]]]] = [
        ("bare", bare, partial(requests.shopify_webhooks, path="/webhook")),
        ("webhook", ours, requests.shopify_webhooks),
        ("inbound", ours, texts),
    ]
    loads: dict[str, list[Load]] = {name: [] for name, _, _ in runs}
    for _, server, build in runs:
        open_loop(server.port, build(RATE * 2), rate=RATE)
    for _ in range(ROUNDS):
        for name, server, build in runs:
            stage.settle()
            load = open_loop(server.port, build(RATE * SECONDS), rate=RATE)
            if load.errors or load.fine != RATE * SECONDS:
                raise RuntimeError(f"{name}: {dict(load.statuses)}; see {server.log}")
            loads[name].append(load)
    p50, p99 = (
        {name: median([load.percentile(share) for load in of]) * 1e3 for name, of in loads.items()}
        for share in (0.50, 0.99)
    )
    detail = ", ".join(f"{name} {p50[name]:.1f} / {p99[name]:.1f} ms" for name in loads)
    return [
        Finding(
            "webhook at 100/s on one core, p99", "≤ 15 ms", f"{p99['webhook']:.1f} ms",
            p99["webhook"] <= 15, f"p50 / p99: {detail}",
        ),
        Finding(
            "inbound at 100/s on one core, p99", "≤ 25 ms", f"{p99['inbound']:.1f} ms",
            p99["inbound"] <= 25,
        ),
    ]  # fmt: skip


if __name__ == "__main__":
    alone(measure)
