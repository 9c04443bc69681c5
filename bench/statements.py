"""How many statements a door needs, as PostgreSQL's own log saw them."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from bench.generator import closed_loop
from bench.stage import Stage, our_server

WARM, COUNTED = 12, 20
# The first line of an entry; a statement's further lines and its parameters are not taken for one.
_ENTRY = re.compile(r"\d[^\t\n]* LOG:  (?:statement|execute [^:]*):(.*)")


@dataclass(frozen=True)
class Statements:
    """Per request: reads and writes; whose rows are seen; BEGIN and COMMIT."""

    own: float
    scope: float
    transaction: float

    def __str__(self) -> str:
        if not self.transaction:
            return f"{self.own:g} statement(s) a request, committing by itself"
        return (
            f"{self.own:g} statements a request, besides BEGIN, COMMIT and"
            f" {self.scope:g} set_config in BEGIN's round trip"
        )


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
            statements = counted(lines, requests=COUNTED)
    finally:
        server.stop()
        with stage.superuser() as connection:
            connection.execute(f"ALTER DATABASE {name} RESET log_statement")
    if not statements.own:
        raise RuntimeError(f"the server logged no statement of the door: see {log}")
    return statements


def counted(log: Iterable[str], *, requests: int) -> Statements:
    """What `log`, PostgreSQL's own, has of so many requests. Ours begin on a line of their own, so
    that an entry often ends at its colon."""
    seen = [match[1].strip() for line in log if (match := _ENTRY.match(line))]
    transaction = sum(text.startswith(("BEGIN", "COMMIT", "ROLLBACK")) for text in seen)
    scope = sum(text.startswith("BEGIN; SELECT set_config") for text in seen)
    return Statements(
        own=(len(seen) - transaction) / requests,
        scope=scope / requests,
        transaction=transaction / requests,
    )
