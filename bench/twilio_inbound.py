"""A buyer's text: signature, claim, contact, store, opt-out, thread, outbox; one transaction."""

from __future__ import annotations

from functools import partial
from itertools import cycle

from bench import requests
from bench.closed import against_bare
from bench.run import alone
from bench.stage import Stage
from bench.statements import count_statements
from bench.table import Finding

MOST_STATEMENTS = 4


def measure(stage: Stage) -> list[Finding]:
    shop = stage.add_shop()
    build = partial(_texts, shop.door_key, cycle(requests.buyers()))
    bare, ours = against_bare(stage, build, lambda: stage.count("messages WHERE direction = 'in'"))
    ratio, detail = ours.rate / bare.rate, f"{bare.line(bare)}; {ours.line(bare)}"
    bare.server.stop()
    ours.server.stop()
    _check_threads(stage)
    statements = count_statements(stage, build)
    return [
        Finding(
            "Twilio inbound against the bare route", "≥ 0.40 ×", f"{ratio:.2f} ×", ratio >= 0.40,
            detail,
        ),
        Finding(
            "… statements", f"≤ {MOST_STATEMENTS}", f"{statements.own:g}",
            statements.own <= MOST_STATEMENTS, str(statements),
        ),
    ]  # fmt: skip


def _texts(door_key: str, phones: cycle[str], count: int) -> list[bytes]:
    return requests.texts(door_key, count, phones)


def _check_threads(stage: Stage) -> None:
    """Every stored text is in a thread and has its outbox row: the work was really done."""
    texts = stage.count("messages WHERE direction = 'in'")
    threaded = stage.count("messages WHERE direction = 'in' AND conversation_id IS NOT NULL")
    mirrored = stage.count("outbox WHERE topic = 'helpdesk.mirror'")
    if not texts == threaded == mirrored:
        raise RuntimeError(f"{texts} texts, {threaded} in threads, {mirrored} to be mirrored")


if __name__ == "__main__":
    alone(measure)
