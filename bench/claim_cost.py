"""What it costs the ticker to find 200 due check-ins, among 10,000 scheduled and 5,000,000.

Finding is what could grow: what is found is then locked by its keys.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime

from app.checkins.claim import DUE, LOOK
from app.foundation.bell import SilentBell
from app.foundation.db import Database
from bench.run import alone
from bench.stage import Stage
from bench.table import Finding, median
from tests import servers as test_servers

FEW, MANY = 10_000, 5_000_000
DUE_NOW = 400
CLAIMS = 400

# Foreign keys are not checked while the rows are made: there is no order behind them, and the
# claim reads none. The rest is due over the next thirty days.
FILL = """
INSERT INTO check_ins (shop_id, order_id, kind, basis, state, arrived_at, due_at)
SELECT 1 + n %% 200, n, 'opener', 'carrier', 'scheduled', now(),
       CASE WHEN n %% (%(rows)s / %(due)s) = 0 THEN now() - interval '1 minute'
       ELSE now() + interval '1 hour' + random() * interval '30 days' END
FROM generate_series(1, %(rows)s) n
"""


def measure(stage: Stage) -> list[Finding]:
    times: dict[int, list[float]] = {}
    databases = {}
    for rows in (FEW, MANY):
        made = stage.servers.new_database()
        fill(stage, made, rows)
        databases[rows] = Database(
            made.url, reactions=lambda session, event, now: None, doorbell=SilentBell()
        )
        times[rows] = []
    now = datetime.now(UTC)
    for turn in range(CLAIMS):
        for rows, database in databases.items():
            seconds = claim(database, now)
            if turn >= CLAIMS // 10:
                times[rows].append(seconds)
    for database in databases.values():
        database.close()
    few, many = (median(times[rows]) for rows in (FEW, MANY))
    return [
        Finding(
            "claim cost at 5,000,000 scheduled against 10,000", "≤ 1.3 ×", f"{many / few:.2f} ×",
            many / few <= 1.3, f"finding {LOOK}: {few * 1e3:.2f} ms and {many * 1e3:.2f} ms",
        )
    ]  # fmt: skip


def fill(stage: Stage, database: test_servers.Database, rows: int) -> None:
    with stage.superuser(database) as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute(FILL, {"rows": rows, "due": DUE_NOW})
        connection.execute("VACUUM (ANALYZE) check_ins")
        connection.execute("CHECKPOINT")


def claim(database: Database, now: datetime) -> float:
    """Seconds for one claim, whose rows are given back."""
    try:
        with database.across_shops("bench: claim") as session:
            began = time.perf_counter()
            claimed = session.sql(DUE, now, LOOK).all()
            seconds = time.perf_counter() - began
            assert len(claimed) == LOOK
            raise _GiveBack
    except _GiveBack:
        return seconds


class _GiveBack(Exception):
    pass


if __name__ == "__main__":
    alone(measure)
