"""How many statements a door needs, as PostgreSQL's own log saw them."""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Callable

from bench.generator import closed_loop
from bench.stage import Stage, our_server

WARM, COUNTED = 12, 20
SEEN = re.compile(r"(?:statement|execute [^:]*): (.*)$")


class Statements:
    """Per request; `transaction` are BEGIN, COMMIT and ROLLBACK."""

    def __init__(self, seen: Counter[str]) -> None:
        words = {"BEGIN", "COMMIT", "ROLLBACK"}
        self.transaction = sum(n for word, n in seen.items() if word in words) / COUNTED
        self.own = sum(n for word, n in seen.items() if word not in words) / COUNTED

    def __str__(self) -> str:
        if not self.transaction:
            return f"{self.own:g} statement(s) a request, committing by itself"
        return f"{self.own:g} statements a request, and {self.transaction:g} for BEGIN and COMMIT"


def count_statements(stage: Stage, build: Callable[[int], list[bytes]]) -> Statements:
    """Have a few requests logged by the server, one after the other."""
    name = stage.database.name
    with stage.superuser() as connection:
        connection.execute(f"ALTER DATABASE {name} SET log_statement = 'all'")
    server = our_server(stage)
    try:
        closed_loop(server.port, build(WARM), connections=1, seconds=30)
        time.sleep(0.2)
        log = stage.servers.postgres.log
        begun = log.stat().st_size
        load = closed_loop(server.port, build(COUNTED), connections=1, seconds=30)
        assert load.fine == COUNTED, load.statuses
        time.sleep(0.2)
        with log.open(errors="replace") as lines:
            lines.seek(begun)
            found = [match[1].strip() for line in lines if (match := SEEN.search(line.rstrip()))]
    finally:
        server.stop()
        with stage.superuser() as connection:
            connection.execute(f"ALTER DATABASE {name} RESET log_statement")
    return Statements(Counter(text.split(" ")[0].upper() if text else "…" for text in found))
