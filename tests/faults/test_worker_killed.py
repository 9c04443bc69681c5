"""kill -9 for the worker at each step of send, receive and mirror, several jobs at a time.

Each step holds one buyer's job in its place; then the whole worker dies at once and a new one
starts, as a platform would start it. Within a minute all is done, and nothing twice.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

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
    stack.fault("zendesk", "latency", "tickets.update", seconds=1.0, count=1)
    doors.write(buyer, buyer.words("second text"))
    windows.lock_link_in_call(buyer)


STEPS: tuple[Step, ...] = (
    claim_under_way,
    call_that_never_arrives,
    call_that_arrives_later,
    taken_and_not_answered,
    taken_and_not_told,
    answered_and_not_settled,
    receipt_under_way,
    receipt_worked_and_not_done,
    plan_under_way,
    comment_that_never_arrives,
    comment_that_arrives_later,
    comment_not_answered,
    comment_not_settled,
)


def ticket_that_opens_later(stack: Stack, doors: Doors, windows: Windows, buyer: Buyer) -> None:
    held = stack.fault("zendesk", "latency", "tickets.create", seconds=HELD / 2, count=1)
    doors.write(buyer, buyer.words("first text"))
    windows.used_up(held)


def ticket_not_answered(stack: Stack, doors: Doors, windows: Windows, buyer: Buyer) -> None:
    held = stack.fault("zendesk", "timeout_after_acting", "tickets.create", seconds=HELD, count=1)
    doors.write(buyer, buyer.words("first text"))
    windows.used_up(held)


FIRST_STEPS: tuple[Step, ...] = (ticket_that_opens_later, ticket_not_answered)
RECEIVING = (receipt_under_way, receipt_worked_and_not_done)


def test_worker_killed_at_every_step_recovers_within_a_minute_and_does_nothing_twice(
    stack: Stack, buyers: Buyers, size: Size
) -> None:
    doors, agents = Doors(stack), Agents(stack)
    everybody: list[Buyer] = []
    for _ in range(1 if size.threads < 1000 else 5):
        known, new = buyers.take(len(STEPS)), buyers.take(len(FIRST_STEPS))
        everybody += known + new
        crowd(known, lambda buyer: doors.write(buyer, buyer.words("first text")))
        stack.quiet(size.patience)
        windows = Windows(stack)
        # Enough of them that every held job has a process of its own.
        stack.worker.kill()
        stack.worker.start(WORKER_PROCESSES=str(len(STEPS) + len(FIRST_STEPS) + 2))
        try:
            for step, buyer in zip((*STEPS, *FIRST_STEPS), known + new, strict=True):
                step(stack, doors, windows, buyer)
            time.sleep(1.5)  # vendors' last answers come, and meet the locks
            stack.worker.kill()
        finally:
            windows.close()
        stack.worker.start()
        recovery = stack.quiet(RECOVERED_SECONDS)
        print(f"recovered {recovery:.0f} s after kill -9")
        stack.tell("DELETE", "/sandbox/faults")
    received = [
        buyer
        for number, buyer in enumerate(everybody)
        if (*STEPS, *FIRST_STEPS)[number % (len(STEPS) + len(FIRST_STEPS))] in RECEIVING
    ]
    assert stack.count(
        "SELECT count(*) FROM orders WHERE contact_id IS NOT NULL AND shopify_id = ANY(%(orders)s)",
        orders=[buyer.order_id for buyer in received],
    ) == len(received)
    books = close_books(stack, doors, agents, everybody, delivered=False)
    answered = 6 * (len(everybody) // (len(STEPS) + len(FIRST_STEPS)))
    assert books.counted["texts at the provider"] == answered
    assert not books.unknown


@pytest.mark.parametrize("pause", [0.05])
def test_text_that_waits_in_line_when_its_sender_dies_leaves_once(
    stack: Stack, buyers: Buyers, size: Size, pause: float
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
        time.sleep(pause)
        stack.worker.kill_and_restart()
        died = time.monotonic()
        stack.quiet(RECOVERED_SECONDS)
        print(f"recovered {time.monotonic() - died:.0f} s after kill -9")
    finally:
        stack.execute("UPDATE senders SET segments_per_second = 500")
    books = close_books(stack, doors, agents, group)
    assert books.counted["texts at the provider"] == len(group)
