"""The bench's count of statements is taken from PostgreSQL's log as the server writes it."""

from __future__ import annotations

from bench.statements import counted

LOG = """\
2026-11-28 09:21:35.009 UTC [8825] LOG:  statement: BEGIN; SELECT set_config('doorstep.a', 'b')
2026-11-28 09:21:35.009 UTC [8825] LOG:  execute _pg3_2:
\tINSERT INTO messages (body)
\tVALUES ($1)
\t
2026-11-28 09:21:35.010 UTC [8825] DETAIL:  Parameters: $1 = 'LOG:  statement: COMMIT'
2026-11-28 09:21:35.010 UTC [8825] LOG:  execute <unnamed>: SELECT body FROM messages
2026-11-28 09:21:35.011 UTC [8825] LOG:  statement: COMMIT
2026-11-28 09:21:36.000 UTC [8801] LOG:  checkpoint starting: immediate force wait
""".replace("_pg3_2:\n", "_pg3_2: \n")  # the server leaves a blank before a statement's first line


def test_statements_that_begin_on_the_next_line_are_counted_once() -> None:
    found = counted(LOG.splitlines(keepends=True), requests=1)
    assert (found.own, found.scope, found.transaction) == (2.0, 1.0, 2.0)
