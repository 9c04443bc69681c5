"""Where the emulator keeps its shops: one SQLite file, so that 20,000 orders fit and stay.

Documents are JSON; orders and customers have the columns that are searched by. Every change goes
through `changing()`, which holds the lock and commits once, at the outermost exit. Nothing here is
precious: `synchronous` is off.
"""

from __future__ import annotations

import itertools
import json
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

Record = dict[str, Any]

# Ids begin above 2^53 and are odd, so that whoever reads them as floating point gets others.
FIRST_ID = 9_007_199_260_000_001

TABLES = """
CREATE TABLE IF NOT EXISTS documents (
  kind TEXT, id TEXT, body TEXT NOT NULL, PRIMARY KEY (kind, id)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS orders (
  id INTEGER PRIMARY KEY, shop TEXT NOT NULL, name TEXT NOT NULL, created_at TEXT NOT NULL,
  updated_at TEXT NOT NULL, body TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS orders_updated ON orders (shop, updated_at, id);
CREATE INDEX IF NOT EXISTS orders_created ON orders (shop, created_at, id);
CREATE INDEX IF NOT EXISTS orders_name ON orders (shop, name);
CREATE TABLE IF NOT EXISTS parts (id INTEGER PRIMARY KEY, order_id INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS customers (
  id INTEGER PRIMARY KEY, shop TEXT NOT NULL, phone TEXT, email TEXT, body TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS customers_phone ON customers (shop, phone);
CREATE INDEX IF NOT EXISTS customers_email ON customers (shop, email);
CREATE TABLE IF NOT EXISTS deliveries (id INTEGER PRIMARY KEY AUTOINCREMENT, body TEXT NOT NULL);
"""


class Store:
    """`path` None keeps everything in memory only."""

    def __init__(self, path: Path | None) -> None:
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
        self._lock = threading.RLock()
        self._depth = 0
        self._after: list[Callable[[], None]] = []
        self._db = sqlite3.connect(
            str(path or ":memory:"), check_same_thread=False, isolation_level=None
        )
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=OFF")
        self._db.executescript(TABLES)
        self._ids = itertools.count()
        self._reserved = 0

    @contextmanager
    def changing(self) -> Iterator[None]:
        """All or nothing; nested ones belong to the outermost."""
        with self._lock:
            if self._depth == 0:
                self._db.execute("BEGIN")
            self._depth += 1
            done = False
            try:
                yield
                done = True
            finally:
                self._depth -= 1
                if self._depth == 0:
                    self._db.execute("COMMIT" if done else "ROLLBACK")
                    after, self._after = self._after, []
                    if not done:
                        self._reserved = 0
                    for act in after if done else ():
                        act()

    def after_commit(self, act: Callable[[], None]) -> None:
        """Call once the outermost change is kept; not at all if it is undone."""
        self._after.append(act)

    def next_id(self) -> int:
        """A number never given before, also after a restart; taken in blocks of 1,000."""
        with self._lock:
            if self._reserved == 0:
                start = int((self.get("counter", "ids") or {"next": FIRST_ID})["next"])
                self.put("counter", "ids", {"next": start + 2_000})
                self._ids = itertools.count(start, 2)
                self._reserved = 1_000
            self._reserved -= 1
            return next(self._ids)

    def forget_orders(self) -> None:
        """Forget orders, buyers and unsent webhooks; shops, tokens and goods stay."""
        with self.changing():
            for name in ("orders", "parts", "customers", "deliveries"):
                self._db.execute(f"DELETE FROM {name}")

    # documents

    def get(self, kind: str, key: str) -> Record | None:
        return self._one("SELECT body FROM documents WHERE kind = ? AND id = ?", kind, key)

    def put(self, kind: str, key: str, body: Record) -> None:
        self._write("INSERT OR REPLACE INTO documents VALUES (?, ?, ?)", kind, key, _text(body))

    def remove(self, kind: str, key: str) -> None:
        self._write("DELETE FROM documents WHERE kind = ? AND id = ?", kind, key)

    def all(self, kind: str) -> list[Record]:
        return self._many("SELECT body FROM documents WHERE kind = ? ORDER BY id", kind)

    # orders

    def order(self, order_id: int) -> Record | None:
        return self._one("SELECT body FROM orders WHERE id = ?", order_id)

    def order_of(self, part_id: int) -> Record | None:
        """The order that a fulfillment or return belongs to."""
        return self._one(
            "SELECT body FROM orders WHERE id = (SELECT order_id FROM parts WHERE id = ?)", part_id
        )

    def order_named(self, shop: str, name: str) -> Record | None:
        return self._one("SELECT body FROM orders WHERE shop = ? AND name = ?", shop, name)

    def put_order(self, order: Record) -> None:
        self._write(
            "INSERT OR REPLACE INTO orders VALUES (?, ?, ?, ?, ?, ?)",
            order["id"],
            order["shop"],
            order["name"],
            order["created_at"],
            order["updated_at"],
            _text(order),
        )

    def note_part(self, part_id: int, order_id: int) -> None:
        self._write("INSERT OR REPLACE INTO parts VALUES (?, ?)", part_id, order_id)

    def orders(self, where: str, values: list[Any], order_by: str, limit: int) -> list[Record]:
        """`where` and `order_by` are made by our own search alone."""
        return self._many(
            f"SELECT body FROM orders WHERE {where} ORDER BY {order_by} LIMIT ?", *values, limit
        )

    def count_orders(self, shop: str) -> int:
        with self._lock:
            found = self._db.execute("SELECT count(*) FROM orders WHERE shop = ?", (shop,))
            return int(found.fetchone()[0])

    # customers

    def customer(self, customer_id: int) -> Record | None:
        return self._one("SELECT body FROM customers WHERE id = ?", customer_id)

    def customer_by(self, shop: str, *, phone: str | None, email: str | None) -> Record | None:
        """The customer with this phone, else with this e-mail, else none."""
        for column, value in (("phone", phone), ("email", email)):
            if value:
                sql = f"SELECT body FROM customers WHERE shop = ? AND {column} = ? ORDER BY id"
                found = self._one(sql, shop, value)
                if found is not None:
                    return found
        return None

    def put_customer(self, customer: Record) -> None:
        self._write(
            "INSERT OR REPLACE INTO customers VALUES (?, ?, ?, ?, ?)",
            customer["id"],
            customer["shop"],
            customer["phone"],
            customer["email"],
            _text(customer),
        )

    # webhooks on their way

    def add_delivery(self, body: Record) -> int:
        with self._lock:
            done = self._db.execute("INSERT INTO deliveries (body) VALUES (?)", (_text(body),))
            assert done.lastrowid is not None
            return done.lastrowid

    def delivery(self, delivery_id: int) -> Record | None:
        return self._one("SELECT body FROM deliveries WHERE id = ?", delivery_id)

    def update_delivery(self, delivery_id: int, body: Record) -> None:
        self._write("UPDATE deliveries SET body = ? WHERE id = ?", _text(body), delivery_id)

    def remove_delivery(self, delivery_id: int) -> None:
        self._write("DELETE FROM deliveries WHERE id = ?", delivery_id)

    def pending_deliveries(self) -> list[int]:
        with self._lock:
            return [row[0] for row in self._db.execute("SELECT id FROM deliveries ORDER BY id")]

    def _one(self, sql: str, *values: Any) -> Record | None:
        with self._lock:
            row = self._db.execute(sql, values).fetchone()
        return None if row is None else json.loads(row[0])

    def _many(self, sql: str, *values: Any) -> list[Record]:
        with self._lock:
            rows = self._db.execute(sql, values).fetchall()
        return [json.loads(row[0]) for row in rows]

    def _write(self, sql: str, *values: Any) -> None:
        with self._lock:
            self._db.execute(sql, values)


def _text(body: Record) -> str:
    return json.dumps(body, separators=(",", ":"))
