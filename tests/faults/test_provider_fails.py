"""The provider is slow, busy, broken, or takes a text and never says so: no text goes twice.

What it certainly did not take is tried again. What it may have taken is bound by its status
report, or by a look at what it lists; and what nobody can know is said to be unknown.
"""

from __future__ import annotations

import pytest

from tests.faults.agents import Agents
from tests.faults.books import close_books
from tests.faults.buyers import Buyers
from tests.faults.doors import Doors, crowd
from tests.faults.report import told
from tests.faults.size import Size
from tests.faults.stack import Stack

BOUND_SECONDS = 60.0
NOT_BOUND = """
SELECT count(*) FROM messages m JOIN contacts c ON c.id = m.contact_id
WHERE m.direction = 'out' AND m.state IN ('unknown', 'sending', 'queued')
  AND c.phone = ANY(%(phones)s)
"""


@pytest.mark.parametrize(
    ("kind", "options", "told_of"),
    [
        ("latency", {"seconds": 0.8}, True),
        ("429", {}, True),
        ("cut_connection", {}, False),
        ("timeout_after_acting", {"seconds": 0}, True),
        ("5xx_after_acting", {}, True),
        ("timeout_after_acting", {"seconds": 0}, False),
        ("5xx", {}, False),
    ],
)
def test_no_text_goes_twice_whatever_the_provider_does(
    stack: Stack,
    buyers: Buyers,
    size: Size,
    kind: str,
    options: dict[str, float],
    told_of: bool,
) -> None:
    """`told_of`: status reports come. HELP is answered with one text of ours."""
    doors, agents = Doors(stack), Agents(stack)
    group = buyers.take(max(5, size.few // 4))
    stack.fault("twilio", kind, "messages.create", count=len(group) - 1, **options)
    if not told_of:
        stack.fault("twilio", "drop", "status")
    crowd(group, lambda buyer: doors.write(buyer, "HELP"))
    stack.quiet(size.patience)
    phones = [buyer.phone for buyer in group]
    never_taken = len(group) - 1 if kind in ("5xx", "cut_connection") else 0
    stack.until(
        lambda: stack.count(NOT_BOUND, phones=phones) == never_taken,
        BOUND_SECONDS,
        "every text that was taken bound to its row",
    )
    stack.tell("DELETE", "/sandbox/faults")
    stack.quiet(size.patience)
    books = close_books(stack, doors, agents, group)
    told(f"{kind}, {'with' if told_of else 'without'} reports: {dict(books.counted)}")
    assert len(books.unknown) == never_taken
    assert {text["reason"] for text in books.unknown} <= {"no_answer"}
    assert books.counted["texts at the provider"] == len(group) - never_taken
