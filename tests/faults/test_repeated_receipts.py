"""The same receipt comes twice, out of order, or many times in one instant: it counts once."""

from __future__ import annotations

import random
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

from tests.faults.agents import Agents
from tests.faults.books import close_books
from tests.faults.buyers import SPREAD, Buyers
from tests.faults.doors import Doors, crowd
from tests.faults.report import told
from tests.faults.size import Size
from tests.faults.stack import Stack

AT_ONCE = 64


def test_same_text_and_same_webhook_sixty_four_times_at_once_count_once(
    stack: Stack, buyers: Buyers, size: Size
) -> None:
    doors, agents = Doors(stack), Agents(stack)
    (buyer,) = buyers.take(1)
    sid, delivery, order = doors.new_sid(), doors.new_id("delivery"), buyer.order(stack.now)
    scan = buyer.delivery(stack.now, due_in=-1.0)
    with ThreadPoolExecutor(AT_ONCE * 2) as pool:
        texts = [pool.submit(doors.text, buyer, "HELP", sid=sid) for _ in range(AT_ONCE)]
        hooks = [
            pool.submit(doors.shopify, "orders/create", order, delivery=delivery)
            for _ in range(AT_ONCE)
        ]
        # The same fact under many delivery ids, as after a change of subscriptions.
        scans = [
            pool.submit(doors.shopify, "fulfillment_events/create", scan) for _ in range(AT_ONCE)
        ]
        statuses = Counter(one.result().status for one in (*texts, *hooks, *scans))
    assert statuses == {200: 3 * AT_ONCE}
    stack.quiet(size.patience)
    stack.let_pass(SPREAD)
    stack.quiet(size.patience)
    books = close_books(stack, doors, agents, [buyer], checked_in=[buyer])
    assert [text["body"] for text in books.texts if text["direction"] == "in"] == ["HELP"]
    assert [text["purpose"] for text in books.texts if text["direction"] == "out"] == [
        "help_answer"
    ]
    receipts = stack.count("SELECT count(*) FROM receipts WHERE delivery_id = %(id)s", id=delivery)
    assert receipts == 1


def test_every_receipt_twice_and_in_any_order_is_one_check_in_one_comment_one_text(
    stack: Stack, buyers: Buyers, size: Size
) -> None:
    doors, agents = Doors(stack), Agents(stack)
    group = buyers.take(size.few)
    dice = random.Random(size.few)
    for vendor, operation in (("twilio", "status"), ("zendesk", "")):
        stack.fault(vendor, "duplicate", operation)
        stack.fault(vendor, "reorder", operation, seconds=2.0)
    knocks = []
    for buyer in group:
        now = stack.now
        for topic, payload in (
            ("orders/create", buyer.order(now)),
            ("orders/updated", buyer.order(now)),
            ("fulfillment_events/create", buyer.delivery(now, due_in=-1.0)),
        ):
            delivery = doors.new_id("delivery")
            knocks += [(topic, payload, delivery), (topic, payload, delivery)]
    dice.shuffle(knocks)
    crowd(knocks, lambda knock: doors.shopify(knock[0], knock[1], delivery=knock[2]))
    stack.quiet(size.patience)
    stack.let_pass(SPREAD)
    stack.quiet(size.patience)
    texts = [(buyer, doors.new_sid()) for buyer in group] * 2
    dice.shuffle(texts)
    crowd(texts, lambda one: doors.text(one[0], one[0].words("question"), sid=one[1]))
    stack.quiet(size.patience)
    tickets = agents.tickets(group)
    crowd(group, lambda buyer: agents.reply(buyer, tickets[buyer.phone]))
    stack.until(
        lambda: (
            stack.count(
                "SELECT count(*) FROM messages m JOIN contacts c ON c.id = m.contact_id"
                " WHERE m.author = 'agent' AND c.phone = ANY(%(phones)s)",
                phones=[buyer.phone for buyer in group],
            )
            == len(group)
        ),
        60.0,
        "every reply a text",
    )
    stack.tell("DELETE", "/sandbox/faults")
    stack.quiet(size.patience)
    books = close_books(stack, doors, agents, group, checked_in=group)
    told(f"everything twice and shuffled: {dict(books.counted)}")
    assert books.counted["texts at the provider"] == 2 * len(group)
