"""The carrier's report on one of our texts: signature, dedupe, order guard, stored."""

from __future__ import annotations

from itertools import islice

from bench import requests
from bench.closed import MOST_A_SECOND, ROUNDS, SECONDS, against_bare
from bench.doors import add_sent_texts
from bench.run import alone
from bench.stage import Stage
from bench.statements import count_statements
from bench.table import Finding

WARM_UP = 2000  # requests that are built besides those of the rounds


def measure(stage: Stage) -> list[Finding]:
    shop = stage.add_shop()
    texts = add_sent_texts(stage, shop, int(MOST_A_SECOND * SECONDS) * ROUNDS + WARM_UP)
    waiting = iter(texts)

    def build(count: int) -> list[bytes]:
        return requests.status_reports(shop.door_key, islice(waiting, count), "delivered")

    bare, ours = against_bare(stage, build, lambda: stage.count("message_statuses"))
    ratio, detail = ours.rate / bare.rate, f"{bare.line(bare)}; {ours.line(bare)}"
    bare.server.stop()
    ours.server.stop()
    reported = stage.count("message_statuses")
    moved = stage.count("messages WHERE state = 'delivered'")
    if moved != reported:
        raise RuntimeError(f"{reported} reports stored, {moved} texts moved by them")
    statements = count_statements(stage, build)
    return [
        Finding(
            "status callback against the bare route", "≥ 0.60 ×", f"{ratio:.2f} ×", ratio >= 0.60,
            f"{detail}; {statements}",
        )
    ]  # fmt: skip


if __name__ == "__main__":
    alone(measure)
