"""The steps of send, receive and mirror, each with a buyer whose job is held in its place.

`kill_worker_at_every_step` brings one job to each of them and kills the worker then. WHY is
answered with a text of ours and asks nothing of the helpdesk but its own comment, so one knock
leads straight to a send.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from tests.faults import windows as w
from tests.faults.books import Books
from tests.faults.buyers import SPREAD, Buyer, Buyers
from tests.faults.doors import Doors, crowd
from tests.faults.stack import Stack
from tests.faults.windows import Windows

HELD = 25.0  # seconds for which a vendor holds a request; longer than all windows take to open
Step = Callable[[Stack, Doors, Windows, Buyer], None]

WAITING_FOR_LOCKS = """
SELECT count(*) FROM pg_stat_activity
WHERE wait_event_type = 'Lock' AND datname = current_database()
"""
DUE_NOW = """
UPDATE check_ins SET due_at = %(now)s WHERE state = 'scheduled' AND order_id IN (
  SELECT id FROM orders WHERE shopify_id = ANY(%(orders)s))
"""
LEFT = """
SELECT count(*) FROM messages m JOIN contacts c ON c.id = m.contact_id
WHERE c.phone = ANY(%(phones)s) AND m.state = ANY(%(states)s)
"""
SLOW_LINE = "UPDATE senders SET segments_per_second = 1.3, next_slot_at = %(now)s"
CLAIMED = """
SELECT count(*) FROM messages m JOIN contacts c ON c.id = m.contact_id
WHERE c.phone = ANY(%(phones)s) AND m.claimed_at IS NOT NULL
"""
TRACKED = """
SELECT count(*) FROM orders WHERE contact_id IS NOT NULL AND shopify_id = ANY(%(orders)s)
"""


# --- Send


def claim_under_way(stack: Stack, doors: Doors, windows: Windows, buyer: Buyer) -> None:
    windows.lock(w.CONTACT, phone=buyer.phone)
    doors.write(buyer, "WHY")
    windows.wait(w.SEND_BEGUN, "a claim under way", phone=buyer.phone)


def call_that_never_arrives(stack: Stack, doors: Doors, windows: Windows, buyer: Buyer) -> None:
    stack.fault("twilio", "latency", "messages.create", seconds=HELD, count=1)
    last = stack.fault("twilio", "5xx", "messages.create", count=1)
    doors.write(buyer, "WHY")
    windows.used_up(last)


def call_that_arrives_later(stack: Stack, doors: Doors, windows: Windows, buyer: Buyer) -> None:
    held = stack.fault("twilio", "latency", "messages.create", seconds=HELD / 2, count=1)
    doors.write(buyer, "WHY")
    windows.used_up(held)


def taken_and_not_answered(stack: Stack, doors: Doors, windows: Windows, buyer: Buyer) -> None:
    held = stack.fault("twilio", "timeout_after_acting", "messages.create", seconds=HELD, count=1)
    doors.write(buyer, "WHY")
    windows.used_up(held)


def taken_and_not_told(stack: Stack, doors: Doors, windows: Windows, buyer: Buyer) -> None:
    """As above, and no status report comes either: only a look at the provider's list tells."""
    stack.fault("twilio", "drop", "status", count=4)
    taken_and_not_answered(stack, doors, windows, buyer)


def answered_and_not_settled(stack: Stack, doors: Doors, windows: Windows, buyer: Buyer) -> None:
    stack.fault("twilio", "latency", "messages.create", seconds=1.0, count=1)
    doors.write(buyer, "WHY")
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
IN_LINE = 3  # buyers of the step `text_in_line`, besides one for each of STEPS
TOGETHER = 6  # buyers whose check-ins leave together


@dataclass(frozen=True)
class Cast:
    """Who is held where."""

    by_step: list[tuple[Step, Buyer]]
    in_line: list[Buyer]  # their check-ins leave one by one, slowly
    together: list[Buyer]  # their check-ins leave together

    @classmethod
    def of(cls, buyers: Buyers) -> Cast:
        by_step = list(zip(STEPS, buyers.take(len(STEPS)), strict=True))
        return cls(by_step, buyers.take(IN_LINE), buyers.take(TOGETHER))

    @property
    def everybody(self) -> list[Buyer]:
        return [*self.checked_in, *(buyer for _, buyer in self.by_step)]

    @property
    def checked_in(self) -> list[Buyer]:
        return [*self.in_line, *self.together]

    def at(self, *steps: Step) -> list[Buyer]:
        return [buyer for step, buyer in self.by_step if step in steps]

    def arrive(self, stack: Stack, doors: Doors) -> None:
        """What must have happened, and be quiet, before the steps are held."""
        # Enough of them that every held job has a process of its own.
        stack.worker.kill()
        stack.worker.start(WORKER_PROCESSES=str(len(STEPS) + 2))
        known = [buyer for step, buyer in self.by_step if step not in NEW_TO_US]
        crowd(known, lambda buyer: doors.write(buyer, buyer.words("first text")))
        crowd(self.checked_in, doors.deliver)


def kill_worker_at_every_step(stack: Stack, doors: Doors, cast: Cast) -> str:
    """Hold them all, kill the worker, let go, start a new one. What was met, in words."""
    windows = Windows(stack)
    try:
        hold_texts_that_left_together(stack, windows, cast.together)
        for step, buyer in cast.by_step:
            step(stack, doors, windows, buyer)
        hold_texts_in_line(stack, cast.in_line)
        waiting = stack.count(WAITING_FOR_LOCKS)
        stack.worker.kill()
    finally:
        windows.close()
        stack.execute("UPDATE senders SET segments_per_second = 500")
    stack.worker.start()
    return f"{len(STEPS)} steps held, {waiting} transactions waiting for locks"


def hold_texts_that_left_together(stack: Stack, windows: Windows, group: list[Buyer]) -> None:
    """Claimed in one transaction: half of them are settled, half are still in their calls."""
    half = len(group) // 2
    held = stack.fault("twilio", "latency", "messages.create", seconds=HELD, count=half)
    stack.execute(DUE_NOW, now=stack.now, orders=[buyer.order_id for buyer in group])
    windows.used_up(held)
    phones = [buyer.phone for buyer in group]
    taken = ["accepted", "sent", "delivered"]
    stack.until(
        lambda: stack.count(LEFT, phones=phones, states=taken) == len(group) - half,
        20.0,
        "half of them settled",
    )
    assert stack.count(LEFT, phones=phones, states=["sending"]) == half


def hold_texts_in_line(stack: Stack, group: list[Buyer]) -> None:
    """One check-in was just claimed, those behind it have their places in a slow line."""
    stack.execute(SLOW_LINE, now=stack.now + timedelta(seconds=SPREAD))
    stack.let_pass(SPREAD)
    phones = [buyer.phone for buyer in group]
    stack.until(lambda: stack.count(CLAIMED, phones=phones) >= 2, 20.0, "a text in line")


def check_steps(stack: Stack, cast: Cast, books: Books) -> None:
    """Beyond what the books compare: nothing that was held is missing now."""
    received = [buyer.order_id for buyer in cast.at(*RECEIVING)]
    assert stack.count(TRACKED, orders=received) == len(received)
    texted = {buyer.phone for buyer in (*cast.at(*TEXTED), *cast.checked_in)}
    left = {text["phone"] for text in books.texts if text["sent_at"] and text["direction"] == "out"}
    unsure = {text["phone"] for text in books.unknown}
    assert texted <= left | unsure
