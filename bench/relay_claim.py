"""What one look of the relay costs among 1,000 waiting rows and among 100,000.

The rows are a burst: most of them stand in Postgres until Redis has room, some were handed out,
and every tenth stands behind another of its ordering key.
"""

from __future__ import annotations

import time

from app.foundation.bell import SilentBell
from app.foundation.db import Database
from app.relay import CLAIM, CLAIM_OUTBOX, PUT_BACK_OUTBOX, QUEUES
from bench.run import alone
from bench.stage import Stage
from bench.table import Finding, median
from tests import servers as test_servers

FEW, MANY = 1_000, 100_000
LOOKS = 100
ROOM = min(CLAIM, 64)  # of one look; both tables have it in every queue
HANDED_OUT = 500

FILL = """
INSERT INTO outbox (shop_id, topic, queue, payload, ordering_key, available_at, relayed_at)
SELECT 1, 'messaging.send', (ARRAY['reply', 'send', 'sync', 'slow'])[1 + n %% 4], '{}',
       'messaging:1:' || CASE WHEN n %% 10 = 0 THEN n - 1 ELSE n END,
       now() - interval '1 hour' + n * interval '1 millisecond',
       CASE WHEN n <= %(handed_out)s THEN now() END
FROM generate_series(1, %(rows)s) n
"""


def measure(stage: Stage) -> list[Finding]:
    databases = {rows: filled(stage, rows) for rows in (FEW, MANY)}
    claims: dict[int, list[float]] = {rows: [] for rows in databases}
    looks: dict[int, list[float]] = {rows: [] for rows in databases}
    for turn in range(LOOKS):
        for rows, database in databases.items():
            claim, look = one_look(database)
            if turn >= LOOKS // 10:
                claims[rows].append(claim)
                looks[rows].append(look)
    for database in databases.values():
        database.close()
    found = []
    for what, times in (("relay's claim", claims), ("… its look for lost rows", looks)):
        few, many = median(times[FEW]), median(times[MANY])
        found.append(
            Finding(
                f"{what} at 100,000 waiting against 1,000", "≤ 1.5 ×", f"{many / few:.2f} ×",
                many / few <= 1.5, f"{few * 1e3:.2f} ms and {many * 1e3:.2f} ms",
            )
        )  # fmt: skip
    return found


def filled(stage: Stage, rows: int) -> Database:
    made: test_servers.Database = stage.servers.new_database()
    with stage.superuser(made) as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute(FILL, {"rows": rows, "handed_out": HANDED_OUT})
        connection.execute("VACUUM (ANALYZE) outbox")
        connection.execute("CHECKPOINT")
    return Database(made.url, reactions=lambda session, event, now: None, doorbell=SilentBell())


def one_look(database: Database) -> tuple[float, float]:
    """Seconds for a claim and for a look for lost rows; what they changed is undone."""
    queues = list(QUEUES)
    try:
        with database.across_shops("bench: relay") as session:
            began = time.perf_counter()
            claimed = session.sql(CLAIM_OUTBOX, queues, [ROOM] * len(queues)).all()
            between = time.perf_counter()
            lost = session.sql(PUT_BACK_OUTBOX, queues, [60] * len(queues)).rowcount
            ended = time.perf_counter()
            assert len(claimed) > ROOM and lost == 0
            raise _Undo
    except _Undo:
        return between - began, ended - between


class _Undo(Exception):
    pass


if __name__ == "__main__":
    alone(measure)
