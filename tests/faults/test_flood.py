"""A flood of bulk work: a buyer's text does not wait behind it.

Thousands of rows for the helpdesk's, Shopify's and the slow queues, check-ins that all fall due at
one moment, and every vendor slow to answer. What is measured is from our answer to a buyer's text
to the moment at which its comment is about to be written.
"""

from __future__ import annotations

import time

from tests.faults.buyers import SPREAD, Buyers
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
    stack.fault("shopify", "latency", seconds=0.2)
    stack.fault("twilio", "latency", "messages.create", seconds=0.2)
    stack.fault("twilio", "latency", "messages.list", seconds=0.2)
    stack.execute(FLOOD, shop=stack.shop_id, half=size.bulk // 2)
    stack.let_pass(SPREAD)
    time.sleep(1.0)
    answers = []
    for number, buyer in enumerate([*talking, *buyers.take(size.few)]):
        answers.append(doors.write(buyer, buyer.words(f"urgent text {number}")))
        time.sleep(0.2)
    waiting = stack.count("SELECT count(*) FROM outbox WHERE queue IN ('send', 'sync', 'slow')")
    assert waiting > size.bulk // 10, "the flood was over before the measuring was"
    answered = {one.key: one.at for one in answers}

    def begun() -> dict[str, float]:
        rows = stack.rows(BEGUN, sids=list(answered))
        return {row["provider_sid"]: row["begun"] for row in rows}

    stack.until(lambda: len(begun()) == len(answered), 120.0, "every text begun")
    delays = [at - answered[sid] for sid, at in begun().items()]
    p50, p99 = percentile(delays, 0.5), percentile(delays, 0.99)
    told(f"{waiting} rows waiting; text begun after p50 {p50:.3f} s, p99 {p99:.3f} s")
    stack.execute("DELETE FROM outbox WHERE topic IN ('orders.complete', 'messaging.backfill')")
    stack.tell("DELETE", "/sandbox/faults")
    stack.quiet(size.patience)
    assert p99 <= BEGINS_WITHIN
