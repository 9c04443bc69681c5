"""Verdicts a second on one core with the history in hand, and what reading that history costs.

The first is `decide` alone, over buyers everywhere in the country on one day. The second is the one
statement of `messaging.permit`, among 1,000,000 messages; it must touch them by index only.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from app.consent.permission import (
    ConsentState,
    Grant,
    ProactiveSend,
    Purpose,
    Request,
    SendHistory,
    decide,
)
from app.consent.zones import locate
from app.messaging.permit import GATHER, Subject, facts_asked
from app.orders.ports import Place
from bench import machine
from bench.run import alone
from bench.stage import Stage
from bench.table import Finding, median
from tests.evals.permission_oracle import AREA_CODES, ZIP5

VERDICTS, RUNS = 20_000, 5
MESSAGES, CONTACTS = 1_000_000, 50_000
ASKED = 400
MORNING = datetime(2026, 11, 24, 12, tzinfo=UTC)

# Foreign keys are not checked: what the statement reads is there, nothing else is.
FILL = """
INSERT INTO shops (domain, name, installed_at) VALUES ('bench-history.myshopify.com', 'B', now());
INSERT INTO shop_preferences (shop_id) SELECT max(id) FROM shops;
INSERT INTO contacts (shop_id, phone, country, zip)
SELECT (SELECT max(id) FROM shops), '+1212555' || lpad(n::text, 6, '0'), 'US', '10001'
FROM generate_series(1, {contacts}) n;
INSERT INTO consent_events (shop_id, phone, purpose, action, source, proof, occurred_at)
SELECT shop_id, phone, 'care', 'granted', 'checkout_block', 'bench:' || phone, now() FROM contacts;
INSERT INTO messages (shop_id, contact_id, direction, author, purpose, body, state, order_id,
                      created_at, sent_at)
SELECT c.shop_id, c.id, 'out', 'system',
       (ARRAY['check_in', 'reply', 'agent_reply', 'order_status'])[1 + n % 4], 'x', 'delivered', n,
       now() - n * interval '3 seconds', now() - n * interval '3 seconds'
FROM generate_series(1, {messages}) n JOIN contacts c ON c.id = (
  SELECT min(id) FROM contacts) + n % {contacts}
"""


def measure(stage: Stage) -> list[Finding]:
    machine.pin([os.getpid()], machine.SERVER_CORE)
    requests = list(buyers(Random(7)))
    rates = []
    for _ in range(RUNS):
        began = time.perf_counter()
        for request in requests:
            decide(request)
        rates.append(len(requests) / (time.perf_counter() - began))
    rate = median(rates[1:])
    scans, seconds = history(stage)
    return [
        Finding(
            "verdicts with history in hand, one core", "≥ 5,000/s", f"{rate:,.0f}/s", rate >= 5_000,
            f"{VERDICTS:,} buyers of one day, median of {RUNS - 1}; the first run warms the caches",
        ),
        Finding(
            f"the history among {MESSAGES:,} messages", "one statement, by index only",
            "by index" if not scans else f"reads all of {', '.join(scans)}", not scans,
            f"{seconds * 1e3:.2f} ms, median of {ASKED}",
        ),
    ]  # fmt: skip


def buyers(random: Random) -> Iterator[Request]:
    codes, zips = sorted(AREA_CODES), sorted(ZIP5)
    for number in range(VERDICTS):
        phone = f"+1{random.choice(codes)}5550142"
        now = MORNING + timedelta(seconds=random.randrange(18 * 3600))
        before = ProactiveSend(now - timedelta(hours=30), 1, Purpose.CHECK_IN)
        yield Request(
            purpose=Purpose.CHECK_IN,
            now=now,
            phone=phone,
            consent=ConsentState(care=Grant(f"consent:{number}")),
            places=locate(phone, Place(country="US", zip=random.choice(zips))),
            history=SendHistory(proactive=(before,)),
            order_id=2,
        )


def history(stage: Stage) -> tuple[list[str], float]:
    """Tables of which the statement reads every row, and the seconds that it takes."""
    with stage.superuser() as connection:
        connection.execute("SET session_replication_role = replica")
        for statement in FILL.format(contacts=CONTACTS, messages=MESSAGES).split(";\n"):
            connection.execute(statement)
        connection.execute("VACUUM (ANALYZE) messages, contacts, consent_events")
        row = connection.execute("SELECT min(id) FROM contacts").fetchone()
        assert row is not None
        times = []
        for number in range(ASKED):
            asked = facts_asked(
                [Subject(1, row[0] + number, Purpose.CHECK_IN, number)], now=datetime.now(UTC)
            )
            began = time.perf_counter()
            connection.execute(GATHER, asked).fetchall()
            times.append(time.perf_counter() - began)
        plan = connection.execute(f"EXPLAIN (FORMAT JSON) {GATHER}", asked).fetchone()
    assert plan is not None
    found = plan[0] if isinstance(plan[0], list) else json.loads(plan[0])
    return sorted(
        set(scanned(found[0]["Plan"])) & {"messages", "consent_events", "contacts"}
    ), median(times)


def scanned(node: dict[str, Any]) -> Iterator[str]:
    if node["Node Type"] == "Seq Scan":
        yield node["Relation Name"]
    for below in node.get("Plans", []):
        yield from scanned(below)


if __name__ == "__main__":
    alone(measure)
