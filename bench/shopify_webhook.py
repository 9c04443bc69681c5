"""Shopify's webhook, from the raw body to 200: ours, a bare Flask route, Shopify's own library."""

from __future__ import annotations

from functools import partial

from bench import requests
from bench.closed import Contestant, compete
from bench.peers import express_server
from bench.run import alone
from bench.stage import Stage, bare_server, our_server, peer_database
from bench.statements import count_statements
from bench.table import Finding


def measure(stage: Stage) -> list[Finding]:
    why_no_express = express_server.install()
    bare_database = peer_database(stage)
    bare = Contestant(
        "bare",
        bare_server(stage, bare_database),
        partial(requests.shopify_webhooks, path="/webhook"),
        lambda: stage.count("received", bare_database),
    )
    ours = Contestant(
        "doorstep",
        our_server(stage),
        requests.shopify_webhooks,
        lambda: stage.count("receipts"),
    )
    contestants = [bare, ours]
    if not why_no_express:
        express_database = peer_database(stage)
        contestants.append(
            Contestant(
                "express",
                express_server.start(express_database),
                partial(requests.shopify_webhooks, path="/webhook"),
                lambda: stage.count("received", express_database),
            )
        )
    try:
        compete(stage, contestants)
        ratio, size = ours.rate / bare.rate, ours.megabytes
        detail = "; ".join(one.line(bare) for one in contestants)
    finally:
        for one in contestants:
            one.server.stop()
    statements = count_statements(stage, requests.shopify_webhooks)
    found = [
        Finding(
            "Shopify webhook against the bare route",
            "≥ 0.80 ×",
            f"{ratio:.2f} ×",
            ratio >= 0.80,
            f"{detail}; {statements}",
        )
    ]
    if why_no_express:
        note = f"not measured: {why_no_express}"
        found.append(Finding("… against shopify-app-express", "≥ 1.0 ×", note))
    else:
        against = ours.rate / contestants[-1].rate
        found.append(
            Finding("… against shopify-app-express", "≥ 1.0 ×", f"{against:.2f} ×", against >= 1.0)
        )
    found.append(Finding("… memory of a process", "≤ 100 MB", f"{size:.0f} MB", size <= 100))
    return found


if __name__ == "__main__":
    alone(measure)
