"""A flood of bulk work: a buyer's text does not wait behind it.

Thousands of rows for the helpdesk's, Shopify's and the slow queues, check-ins that all fall due at
one moment, and every vendor slow to answer. What is measured is from our answer to a buyer's text
to the moment at which its comment is about to be written.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

from tests.faults.buyers import SPREAD, Buyer, Buyers
from tests.faults.doors import Doors, crowd, percentile
from tests.faults.report import told
from tests.faults.size import Size
from tests.faults.stack import Stack

BEGINS_WITHIN = 1.0  # seconds, at the 99th percentile
FLOOD = """
INSERT INTO outbox (shop_id, topic, queue, payload)
SELECT %(shop)s, 'orders.complete', 'sync', jsonb_build_object('order_id', o.id)
FROM generate_series(1, %(half)s) AS n
CROSS JOIN LATERAL (SELECT id FROM orders WHERE NOT complete ORDER BY id OFFSET n %% 20 LIMIT 1) o
UNION ALL
SELECT %(shop)s, 'messaging.backfill', 'slow', jsonb_build_object('sender_id', s.id)
FROM generate_series(1, %(half)s) AS n, senders s
"""
BEGUN = """
SELECT m.provider_sid, extract(epoch FROM min(w.intended_at))::float AS begun
FROM messages m JOIN ticket_writes w ON w.message_ids @> ARRAY[m.id]
WHERE m.direction = 'in' AND m.provider_sid = ANY(%(sids)s) GROUP BY 1
"""


def test_buyers_text_starts_within_a_second_though_bulk_work_floods_every_queue(
    stack: Stack, buyers: Buyers, size: Size
) -> None:
    doors = Doors(stack)
    checked_in, talking = buyers.take(size.few * 2), buyers.take(size.few)
    crowd(checked_in, doors.deliver)
    crowd(talking, lambda buyer: doors.write(buyer, buyer.words("first text")))
    stack.quiet(size.patience)
    at_rest = percentile(delays(stack, doors, talking, "calm text"), 0.99)
    for vendor, operation in (
        ("shopify", ""),
        ("twilio", "messages.create"),
        ("twilio", "messages.list"),
    ):
        stack.fault(vendor, "latency", operation, seconds=0.2)
    stack.execute(FLOOD, shop=stack.shop_id, half=size.bulk // 2)
    stack.let_pass(SPREAD)
    time.sleep(1.0)
    flooded = delays(stack, doors, [*talking, *buyers.take(size.few)], "urgent text")
    waiting = stack.count("SELECT count(*) FROM outbox WHERE queue IN ('send', 'sync', 'slow')")
    stack.execute("DELETE FROM outbox WHERE topic IN ('orders.complete', 'messaging.backfill')")
    stack.tell("DELETE", "/sandbox/faults")
    stack.quiet(size.patience)
    p50, p99 = percentile(flooded, 0.5), percentile(flooded, 0.99)
    told(
        f"flood, {waiting} rows still waiting: a text begun after p50 {p50:.3f} s, p99 {p99:.3f} s"
        f" (at rest p99 {at_rest:.3f} s)"
    )
    assert waiting > size.bulk // 10, "the flood was over before the measuring was"
    if len(flooded) >= 200:
        assert p99 <= BEGINS_WITHIN
    else:
        # Of few texts the 99th percentile is the worst, which a busy machine decides. Where that
        # takes long at rest, the flood is not to blame for it.
        assert percentile(flooded, 0.9) <= max(BEGINS_WITHIN, 3 * at_rest)


def delays(stack: Stack, doors: Doors, group: Sequence[Buyer], what: str) -> list[float]:
    """Seconds from our answer to each buyer's text to its mirror's beginning."""
    answered = {}
    for buyer in group:
        answer = doors.write(buyer, buyer.words(what))
        answered[answer.key] = answer.at
        time.sleep(0.15)

    def begun() -> list[float]:
        rows = stack.rows(BEGUN, sids=list(answered))
        found = [row["begun"] - answered[row["provider_sid"]] for row in rows]
        return found if len(found) == len(answered) else []

    result: list[float] = stack.until(begun, 120.0, "every text begun")
    return result
