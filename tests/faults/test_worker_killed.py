"""kill -9 for the worker at each step of send, receive and mirror, several jobs at a time.

Each step holds one buyer's job in its place; then the whole worker dies at once and a new one
starts, as a platform would start it. Within a minute all is done, and nothing twice.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from tests.faults import windows as w
from tests.faults.agents import Agents
from tests.faults.books import close_books
from tests.faults.buyers import Buyer, Buyers
from tests.faults.doors import Doors, crowd
from tests.faults.size import Size
from tests.faults.stack import Stack
from tests.faults.windows import Windows

RECOVERED_SECONDS = 60.0
HELD = 25.0  # seconds for which a vendor holds a request; longer than all windows take to open
Step = Callable[[Stack, Doors, Windows, Buyer], None]

WAITING_FOR_LOCKS = """
SELECT count(*) FROM pg_stat_activity
WHERE wait_event_type = 'Lock' AND datname = current_database()
"""
TRACKED = """
SELECT count(*) FROM orders WHERE contact_id IS NOT NULL AND shopify_id = ANY(%(orders)s)
"""


# --- Send. HELP is answered with a text of ours, so one knock leads straight to a send.


def claim_under_way(stack: Stack, doors: Doors, windows: Windows, buyer: Buyer) -> None:
    windows.lock(w.CONTACT, phone=buyer.phone)
    doors.write(buyer, "HELP")
    windows.wait(w.SEND_BEGUN, "a claim under way", phone=buyer.phone)


def call_that_never_arrives(stack: Stack, doors: Doors, windows: Windows, buyer: Buyer) -> None:
    stack.fault("twilio", "latency", "messages.create", seconds=HELD, count=1)
    last = stack.fault("twilio", "5xx", "messages.create", count=1)
    doors.write(buyer, "HELP")
    windows.used_up(last)


def call_that_arrives_later(stack: Stack, doors: Doors, windows: Windows, buyer: Buyer) -> None:
    held = stack.fault("twilio", "latency", "messages.create", seconds=HELD / 2, count=1)
    doors.write(buyer, "HELP")
    windows.used_up(held)


def taken_and_not_answered(stack: Stack, doors: Doors, windows: Windows, buyer: Buyer) -> None:
    held = stack.fault("twilio", "timeout_after_acting", "messages.create", seconds=HELD, count=1)
    doors.write(buyer, "HELP")
    windows.used_up(held)


def taken_and_not_told(stack: Stack, doors: Doors, windows: Windows, buyer: Buyer) -> None:
    """As above, and no status report comes either: only a look at the provider's list tells."""
    stack.fault("twilio", "drop", "status", count=4)
    taken_and_not_answered(stack, doors, windows, buyer)


def answered_and_not_settled(stack: Stack, doors: Doors, windows: Windows, buyer: Buyer) -> None:
    stack.fault("twilio", "latency", "messages.create", seconds=1.0, count=1)
    doors.write(buyer, "HELP")
    windows.lock_text_in_call(buyer)


# --- Receive


def receipt_under_way(stack: Stack, doors: Doors, windows: Windows, buyer: Buyer) -> None:
    windows.lock(w.NEW_ORDER, shop=stack.shop_id, order=buyer.order_id)
    answer = doors.shopify("orders/create", buyer.order(stack.now))
    windows.wait(w.RECEIPT_BEGUN, "a receipt begun", delivery=answer.key)


def receipt_worked_and_not_done(stack: Stack, doors: Doors, windows: Windows, buyer: Buyer) -> None:
    order = windows.lock(w.NEW_ORDER, shop=stack.shop_id, order=buyer.order_id)
    answer = doors.shopify("orders/create", buyer.order(stack.now))
    windows.wait(w.RECEIPT_BEGUN, "a receipt begun", delivery=answer.key)
    windows.lock(w.RECEIPT, delivery=answer.key)
    order.release()
    windows.wait(w.ORDER_TRACKED, "the order tracked", order=buyer.order_id)


# --- Mirror


def plan_under_way(stack: Stack, doors: Doors, windows: Windows, buyer: Buyer) -> None:
    windows.lock(w.THREAD, phone=buyer.phone)
    doors.write(buyer, buyer.words("second text"))
    windows.wait(w.MIRROR_BEGUN, "a mirror begun", phone=buyer.phone)


def comment_that_never_arrives(stack: Stack, doors: Doors, windows: Windows, buyer: Buyer) -> None:
    stack.fault("zendesk", "latency", "tickets.update", seconds=HELD, count=1)
    last = stack.fault("zendesk", "5xx", "tickets.update", count=1)
    doors.write(buyer, buyer.words("second text"))
    windows.used_up(last)


def comment_that_arrives_later(stack: Stack, doors: Doors, windows: Windows, buyer: Buyer) -> None:
    held = stack.fault("zendesk", "latency", "tickets.update", seconds=HELD / 2, count=1)
    doors.write(buyer, buyer.words("second text"))
    windows.used_up(held)


def comment_not_answered(stack: Stack, doors: Doors, windows: Windows, buyer: Buyer) -> None:
    held = stack.fault("zendesk", "timeout_after_acting", "tickets.update", seconds=HELD, count=1)
    doors.write(buyer, buyer.words("second text"))
    windows.used_up(held)


def comment_not_settled(stack: Stack, doors: Doors, windows: Windows, buyer: Buyer) -> None:
    stack.fault("zendesk", "latency", "tickets.update", seconds=1.0, count=3)
    doors.write(buyer, buyer.words("second text"))
    windows.lock_link_in_call(buyer)


def ticket_that_opens_later(stack: Stack, doors: Doors, windows: Windows, buyer: Buyer) -> None:
    held = stack.fault("zendesk", "latency", "tickets.create", seconds=HELD / 2, count=1)
    doors.write(buyer, buyer.words("first text"))
    windows.used_up(held)


def ticket_not_answered(stack: Stack, doors: Doors, windows: Windows, buyer: Buyer) -> None:
    held = stack.fault("zendesk", "timeout_after_acting", "tickets.create", seconds=HELD, count=1)
    doors.write(buyer, buyer.words("first text"))
    windows.used_up(held)


MIRROR_STEPS: tuple[Step, ...] = (
    ticket_that_opens_later,
    ticket_not_answered,
    comment_that_never_arrives,
    comment_that_arrives_later,
    comment_not_answered,
)
SEND_STEPS: tuple[Step, ...] = (
    call_that_never_arrives,
    call_that_arrives_later,
    taken_and_not_answered,
    taken_and_not_told,
)
# Last, because a transaction waits for a lock no longer than five seconds.
LOCKED_STEPS: tuple[Step, ...] = (
    comment_not_settled,
    answered_and_not_settled,
    receipt_worked_and_not_done,
    receipt_under_way,
    claim_under_way,
    plan_under_way,
)
STEPS = (*MIRROR_STEPS, *SEND_STEPS, *LOCKED_STEPS)
NEW_TO_US = (ticket_that_opens_later, ticket_not_answered)
RECEIVING = (receipt_under_way, receipt_worked_and_not_done)
TEXTED = (*SEND_STEPS, answered_and_not_settled, claim_under_way)


def test_worker_killed_at_every_step_recovers_within_a_minute_and_does_nothing_twice(
    stack: Stack, buyers: Buyers, size: Size
) -> None:
    doors, agents = Doors(stack), Agents(stack)
    everybody: list[tuple[Step, Buyer]] = []
    for _ in range(1 if size.threads < 1000 else 5):
        cast = list(zip(STEPS, buyers.take(len(STEPS)), strict=True))
        everybody += cast
        known = [buyer for step, buyer in cast if step not in NEW_TO_US]
        crowd(known, lambda buyer: doors.write(buyer, buyer.words("first text")))
        stack.quiet(size.patience)
        # Enough of them that every held job has a process of its own.
        stack.worker.kill()
        stack.worker.start(WORKER_PROCESSES=str(len(STEPS) + 2))
        windows = Windows(stack)
        try:
            for step, buyer in cast:
                step(stack, doors, windows, buyer)
            waiting = stack.count(WAITING_FOR_LOCKS)
            stack.worker.kill()
        finally:
            windows.close()
        stack.worker.start()
        recovery = stack.quiet(RECOVERED_SECONDS)
        print(f"{waiting} of {len(LOCKED_STEPS)} held by locks; recovered in {recovery:.0f} s")
        stack.tell("DELETE", "/sandbox/faults")
    received = [buyer.order_id for step, buyer in everybody if step in RECEIVING]
    assert stack.count(TRACKED, orders=received) == len(received)
    books = close_books(
        stack, doors, agents, [buyer for _, buyer in everybody], delivered=False
    )
    texted = [buyer for step, buyer in everybody if step in TEXTED]
    assert books.counted["texts at the provider"] == len(texted)
    assert not books.unknown


def test_text_that_waits_in_line_when_its_sender_dies_leaves_once(
    stack: Stack, buyers: Buyers, size: Size
) -> None:
    """Claimed, verdict stored, and not yet handed over: the one step without any trace outside."""
    doors, agents = Doors(stack), Agents(stack)
    group = buyers.take(4)
    crowd(group, doors.deliver)
    stack.quiet(size.patience)
    stack.execute("UPDATE senders SET segments_per_second = 1.3, next_slot_at = %(now)s", now=stack.now)
    try:
        stack.let_pass(21 * 60)
        stack.until(
            lambda: stack.count("SELECT count(*) FROM messages WHERE state = 'sending'"),
            20.0,
            "a text in line",
        )
        stack.worker.kill_and_restart()
        died = time.monotonic()
        stack.quiet(RECOVERED_SECONDS)
        print(f"recovered {time.monotonic() - died:.0f} s after kill -9")
    finally:
        stack.execute("UPDATE senders SET segments_per_second = 500")
    books = close_books(stack, doors, agents, group)
    assert books.counted["texts at the provider"] == len(group)
