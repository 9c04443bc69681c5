"""From a buyer's text at our door to its comment in the ticket, through the whole of Doorstep.

Counted from the moment at which the text was due at the door, until Zendesk's answer that the
comment is there had come back. Half of the texts open a ticket, half go into one that exists.
"""

from __future__ import annotations

import html
import re
import time
from itertools import islice

from bench import requests
from bench.generator import open_loop
from bench.run import alone
from bench.stack import Stack, running, texts
from bench.stage import Stage
from bench.table import Finding

AT_REST = (2.0, 60)  # texts a second, texts
BUSY = (50.0, 1000)
PATIENCE_SECONDS = 120

LATENCIES = """
SELECT m.provider_sid, extract(epoch FROM w.settled_at)::float
FROM messages m JOIN ticket_writes w ON m.id = ANY (w.message_ids) AND w.state = 'settled'
WHERE m.direction = 'in'
"""
MISSING = """
SELECT count(*) FROM messages m WHERE m.direction = 'in' AND NOT EXISTS (
  SELECT FROM ticket_writes w WHERE m.id = ANY (w.message_ids) AND w.state = 'settled')
"""


def measure(stage: Stage) -> list[Finding]:
    with running(stage) as stack:
        phones = requests.buyers()
        _run(stack, list(islice(phones, 10)), rate=4.0)  # everything is loaded and connected
        rest_rate, rest_count = AT_REST
        rest = _run(stack, list(islice(phones, rest_count // 2)), rate=rest_rate)
        before = stack.cpu()
        busy_rate, busy_count = BUSY
        busy = _run(stack, list(islice(phones, busy_count // 2)), rate=busy_rate)
        used = {name: seconds - before[name] for name, seconds in stack.cpu().items()}
        _check_comments(stack)
    spent = ", ".join(f"{name} {seconds / busy_count * 1e3:.1f}" for name, seconds in used.items())
    return [
        Finding(
            "text → ticket comment at rest, p99", "< 1 s", f"{_at(rest, 0.99):.2f} s",
            _at(rest, 0.99) < 1.0, f"p50 {_at(rest, 0.5):.2f} s, {len(rest)} texts",
        ),
        Finding(
            "text → ticket comment at 50 texts/s, p99", "< 2 s", f"{_at(busy, 0.99):.2f} s",
            _at(busy, 0.99) < 2.0,
            f"p50 {_at(busy, 0.5):.2f} s, {len(busy)} texts; CPU ms a text: {spent}",
        ),
    ]  # fmt: skip


def _run(stack: Stack, buyers: list[str], *, rate: float) -> list[float]:
    """Each buyer writes twice: all once, then all again. Seconds from door to ticket."""
    built = texts(stack, [*buyers, *buyers])
    due = {}
    load = open_loop(stack.web_port, built, rate=rate)
    if load.errors or load.fine != len(built):
        raise RuntimeError(f"the door answered {dict(load.statuses)}")
    for number, request in enumerate(built):
        sid = re.search(rb"MessageSid=(SM[0-9a-f]{32})", request)
        assert sid is not None
        due[sid[1].decode()] = load.began_at + number / rate
    deadline = time.monotonic() + PATIENCE_SECONDS
    while stack.sql(MISSING)[0][0]:
        stack.check_alive()
        if time.monotonic() > deadline:
            raise RuntimeError(f"{stack.sql(MISSING)[0][0]} texts never reached a ticket")
        time.sleep(0.5)
    return [at - due[sid] for sid, at in stack.sql(LATENCIES) if sid in due]


def _check_comments(stack: Stack) -> None:
    """The helpdesk's own count: as many tickets as buyers, each text in one comment once."""
    texts_of_buyers = stack.sql("SELECT count(*) FROM messages WHERE direction = 'in'")[0][0]
    buyers = stack.sql("SELECT count(*) FROM contacts WHERE last_inbound_at IS NOT NULL")[0][0]
    tickets = stack.ledger("helpdesk")["comments"]
    bodies = html.unescape("\n".join(body for texts in tickets.values() for body in texts))
    shown = sum(bodies.count(word) for word in requests.WORDS)
    linked = stack.sql("SELECT count(*) FROM ticket_links")[0][0]
    if not len(tickets) == linked == buyers or shown != texts_of_buyers:
        raise RuntimeError(
            f"{buyers} buyers and {texts_of_buyers} texts, {len(tickets)} tickets ({linked} known"
            f" to us) with {shown}"
        )


def _at(latencies: list[float], share: float) -> float:
    ordered = sorted(latencies)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


if __name__ == "__main__":
    alone(measure)
