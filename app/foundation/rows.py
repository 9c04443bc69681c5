"""What a plain statement answered, straight from the driver.

SQLAlchemy's own results cost more than the statements of our doors do. This has the few of their
methods that are used, with their meaning: `one` and `scalar_one` raise when there is no row or
more than one.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
from sqlalchemy.exc import MultipleResultsFound, NoResultFound


class Rows:
    """The rows, each a named tuple; to be read once."""

    def __init__(self, cursor: psycopg.Cursor[Any]) -> None:
        self._cursor = cursor

    @property
    def rowcount(self) -> int:
        return self._cursor.rowcount

    def __iter__(self) -> Iterator[Any]:
        return iter(self._cursor)

    def all(self) -> list[Any]:
        return self._cursor.fetchall()

    def one_or_none(self) -> Any:
        rows = self._cursor.fetchall()
        if len(rows) > 1:
            raise MultipleResultsFound("more than one row where one was expected")
        return rows[0] if rows else None

    def one(self) -> Any:
        row = self.one_or_none()
        if row is None:
            raise NoResultFound("no row where one was expected")
        return row

    def scalar(self) -> Any:
        """The first column of the first row, or None."""
        row = self._cursor.fetchone()
        return row[0] if row else None

    def scalar_one(self) -> Any:
        return self.one()[0]
