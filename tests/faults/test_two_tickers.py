"""Any number of tickers may run, and any may die: each check-in goes out once."""

from __future__ import annotations

import time

from tests.faults.agents import Agents
from tests.faults.books import close_books
from tests.faults.buyers import SPREAD, Buyers
from tests.faults.doors import Doors, crowd
from tests.faults.size import Size
from tests.faults.stack import Stack


def test_two_tickers_one_of_which_keeps_dying_send_each_check_in_once(
    stack: Stack, buyers: Buyers, size: Size
) -> None:
    doors, agents = Doors(stack), Agents(stack)
    group = buyers.take(size.few * 3)
    crowd(group, doors.deliver)
    stack.quiet(size.patience)
    stack.second_ticker.start()
    stack.until(
        lambda: "ticker started" in stack.second_ticker.last_words(), 20.0, "a second ticker"
    )
    stack.let_pass(SPREAD)
    for _ in range(3):
        time.sleep(0.4)
        stack.ticker.kill_and_restart()
    stack.quiet(size.patience)
    books = close_books(stack, doors, agents, group, checked_in=group)
    assert books.counted["texts at the provider"] == len(group)
