"""Brings jobs to a stop between two steps, so that a kill -9 meets them exactly there.

Nothing in the product is touched: the vendors' emulators hold a request before or after they act,
and locks on single rows hold a transaction that needs them. `FOR KEY SHARE` lets a door update the
row and stops only a job that locks it for itself.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from tests.faults.buyers import Buyer
from tests.faults.stack import Stack

CONTACT = "SELECT FROM contacts WHERE phone = %(phone)s FOR KEY SHARE"
THREAD = """
SELECT FROM conversations v JOIN contacts c ON c.id = v.contact_id
WHERE c.phone = %(phone)s FOR KEY SHARE OF v
"""
TEXT = """
SELECT FROM messages m JOIN contacts c ON c.id = m.contact_id
WHERE c.phone = %(phone)s AND m.state = 'sending' FOR UPDATE OF m
"""
LINK = """
SELECT FROM ticket_links l JOIN conversations v ON v.id = l.conversation_id
JOIN contacts c ON c.id = v.contact_id WHERE c.phone = %(phone)s FOR NO KEY UPDATE OF l
"""
RECEIPT = "SELECT FROM receipts WHERE delivery_id = %(delivery)s FOR UPDATE"
NEW_ORDER = "INSERT INTO orders (shop_id, shopify_id) VALUES (%(shop)s, %(order)s)"

IN_CALL = """
SELECT m.id FROM messages m JOIN contacts c ON c.id = m.contact_id
WHERE c.phone = %(phone)s AND m.state = 'sending'
"""
INTENDED = """
SELECT w.id FROM ticket_writes w JOIN ticket_links l ON l.id = w.link_id
JOIN conversations v ON v.id = l.conversation_id JOIN contacts c ON c.id = v.contact_id
WHERE c.phone = %(phone)s AND w.state = 'intent'
"""
SEND_BEGUN = """
SELECT o.id FROM outbox o JOIN messages m ON m.id = (o.payload->>'message_id')::bigint
JOIN contacts c ON c.id = m.contact_id
WHERE o.topic = 'messaging.send' AND o.leased_until > now() AND c.phone = %(phone)s
"""
MIRROR_BEGUN = """
SELECT o.id FROM outbox o JOIN conversations v ON v.id = (o.payload->>'conversation_id')::bigint
JOIN contacts c ON c.id = v.contact_id
WHERE o.topic = 'helpdesk.mirror' AND o.leased_until > now() AND c.phone = %(phone)s
"""
RECEIPT_BEGUN = "SELECT id FROM receipts WHERE delivery_id = %(delivery)s AND leased_until > now()"
ORDER_TRACKED = "SELECT id FROM orders WHERE shopify_id = %(order)s AND contact_id IS NOT NULL"

WAIT_SECONDS = 20.0


class Lock:
    """Rows that are locked until `release`; what waited for them then goes on."""

    def __init__(self, stack: Stack, statement: str, **values: object) -> None:
        self._connection = stack.connect()
        self._connection.autocommit = False
        self._connection.execute(statement, values)

    def release(self) -> None:
        if not self._connection.closed:
            self._connection.rollback()
            self._connection.close()


@contextmanager
def locked(stack: Stack, statement: str, **values: object) -> Iterator[Lock]:
    lock = Lock(stack, statement, **values)
    try:
        yield lock
    finally:
        lock.release()


class Windows:
    """All that is held open; `close` lets go of it."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._locks: list[Lock] = []

    def close(self) -> None:
        for lock in self._locks:
            lock.release()
        self._locks = []

    def lock(self, statement: str, **values: object) -> Lock:
        lock = Lock(self._stack, statement, **values)
        self._locks.append(lock)
        return lock

    def wait(self, statement: str, what: str, **values: object) -> None:
        self._stack.until(lambda: self._stack.rows(statement, **values), WAIT_SECONDS, what)

    def lock_text_in_call(self, buyer: Buyer) -> None:
        """The provider's answer will come, and cannot be written down."""
        self.wait(IN_CALL, "a text in the call", phone=buyer.phone)
        self.lock(TEXT, phone=buyer.phone)

    def lock_link_in_call(self, buyer: Buyer) -> None:
        """The helpdesk's answer will come, and cannot be written down."""
        self.wait(INTENDED, "a write to the ticket", phone=buyer.phone)
        self.lock(LINK, phone=buyer.phone)

    def used_up(self, fault_id: int) -> None:
        """Until the one request that the fault was for has met it."""

        def gone() -> bool:
            on = self._stack.tell("GET", "/sandbox/faults")["faults"]
            return all(one["id"] != fault_id for one in on)

        self._stack.until(gone, WAIT_SECONDS, f"fault {fault_id} struck")
        time.sleep(0.05)
