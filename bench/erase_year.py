"""A buyer's text while a year of texts is emptied for its age: does it wait?

ERASE_ROWS sets how many texts are too old (1,000,000 if not set; the target size is 10,000,000).
The erasing goes as the job does it: its batches and its rests. The texts go through
`messaging.receive` with the product's reactions, from several threads at a steady pace, before and
meanwhile.
"""

from __future__ import annotations

import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

from app.foundation.bell import SilentBell
from app.foundation.db import Database
from app.messaging.ports import InboundText
from app.messaging.receive import receive_text
from app.privacy.age_out import age_out_batch
from app.privacy.jobs import BATCHES_AT_ONCE, REST_SECONDS
from app.reactions import react
from bench import requests
from bench.run import alone
from bench.stage import Shop, Stage
from bench.table import Finding, median

ROWS = int(os.environ.get("ERASE_ROWS", "1000000"))
BUYERS = 10_000
THREADS, PER_SECOND = 4, 5  # each thread
QUIET_SECONDS = 15.0
MOST_SECONDS = 1800.0

# A year of texts before the last thirty days, by buyers who still text. Rows as they are: most
# inbound ones carry the provider's form.
CONTACTS = """
INSERT INTO contacts (shop_id, phone)
SELECT %(shop)s, '+1415' || lpad((5550000 + n)::text, 7, '0') FROM generate_series(1, %(buyers)s) n
"""
FILL = """
INSERT INTO messages (shop_id, contact_id, sender_id, direction, author, body, state, provider_sid,
                      raw, created_at)
SELECT %(shop)s, c.first + n %% %(buyers)s, %(sender)s, 'in', 'contact',
       'The waist feels a little tight, is that normal for this one? ' || n, 'received',
       'SM' || lpad(n::text, 32, '0'), '{"NumSegments": "1", "FromCity": "PORTLAND"}',
       now() - interval '400 days' + n * (interval '365 days' / %(rows)s)
FROM generate_series(1, %(rows)s) n, (SELECT min(id) AS first FROM contacts) c
"""


def measure(stage: Stage) -> list[Finding]:
    stage.use_both_cores()
    shop = stage.add_shop()
    with stage.superuser() as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute(CONTACTS, {"shop": shop.id, "buyers": BUYERS})
        connection.execute(
            FILL, {"shop": shop.id, "sender": shop.sender_id, "rows": ROWS, "buyers": BUYERS}
        )
        connection.execute("UPDATE shop_preferences SET retention_days = 30")
        connection.execute("VACUUM (ANALYZE) messages")
        connection.execute("CHECKPOINT")
    database = Database(stage.database.url, reactions=react, doorbell=SilentBell())
    quiet = texts(database, shop, until=time.monotonic() + QUIET_SECONDS)
    eraser = Eraser(database, shop)
    eraser.start()
    busy = texts(database, shop, until=time.monotonic() + MOST_SECONDS, only_while=eraser)
    eraser.join()
    database.close()
    left = stage.count("messages WHERE created_at < now() - interval '31 days' AND raw IS NOT NULL")
    if left or eraser.texts != ROWS:
        raise RuntimeError(f"{eraser.texts} of {ROWS} texts emptied, {left} left")
    before, meanwhile = at(quiet, 0.99), at(busy, 0.99)
    return [
        Finding(
            f"a buyer's text, p99, while {ROWS:,} old ones are emptied", "≤ 2 × alone",
            f"{meanwhile / before:.2f} ×", meanwhile <= 2 * before,
            f"p50 {median(busy) * 1e3:.1f}, p99 {meanwhile * 1e3:.1f}, most"
            f" {max(busy) * 1e3:.0f} ms of {len(busy)}; alone"
            f" p50 {median(quiet) * 1e3:.1f}, p99 {before * 1e3:.1f} ms; emptied in"
            f" {eraser.seconds:.0f} s, {ROWS / eraser.seconds:,.0f} a second; longest batch"
            f" {eraser.longest * 1e3:.0f} ms",
        )
    ]  # fmt: skip


class Eraser(threading.Thread):
    """Batch after batch until nothing is too old."""

    def __init__(self, database: Database, shop: Shop) -> None:
        super().__init__(daemon=True)
        self._database, self._shop = database, shop
        self.texts, self.batches, self.seconds, self.longest = 0, 0, 0.0, 0.0

    def run(self) -> None:
        began, done = time.perf_counter(), False
        while not done:
            started = time.perf_counter()
            with self._database.shop(self._shop.id) as session:
                batch = age_out_batch(session, now=datetime.now(UTC), shop_id=self._shop.id)
            self.longest = max(self.longest, time.perf_counter() - started)
            self.texts, done = self.texts + batch.texts, batch.done
            self.batches += 1
            if not done and self.batches % BATCHES_AT_ONCE == 0:
                time.sleep(REST_SECONDS)
        self.seconds = time.perf_counter() - began


def texts(
    database: Database, shop: Shop, *, until: float, only_while: threading.Thread | None = None
) -> list[float]:
    """Of all threads together."""
    with ThreadPoolExecutor(THREADS) as threads:
        buyers = [
            threads.submit(buyer, database, shop, number, until, only_while)
            for number in range(THREADS)
        ]
        return [seconds for one in buyers for seconds in one.result()]


def buyer(
    database: Database, shop: Shop, number: int, until: float, only_while: threading.Thread | None
) -> list[float]:
    """Seconds from when each text was due to come until it was stored: one that waited behind
    another counts its waiting."""
    took: list[float] = []
    began = time.monotonic()
    while time.monotonic() < until and (only_while is None or only_while.is_alive()):
        due = began + len(took) / PER_SECOND
        time.sleep(max(0.0, due - time.monotonic()))
        with database.door() as session:
            receive_text(
                session,
                now=datetime.now(UTC),
                shop_id=shop.id,
                sender_id=shop.sender_id,
                text=inbound(number, len(took)),
            )
        took.append(time.monotonic() - due)
    return took


def inbound(thread: int, number: int) -> InboundText:
    return InboundText(
        provider_sid=f"SM{thread}{time.monotonic_ns():031d}",
        from_phone=f"+1415{5550001 + number * 7919 % BUYERS:07}",
        to_phone=requests.LINE,
        body="I did. The waist feels tight. Is that normal?",
        media=(),
        opt_out_type="",
        raw={},
    )


def at(values: list[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


if __name__ == "__main__":
    alone(measure)
