"""Whatever happens on the way, phone and helpdesk hold the same in the end.

Random buyers, agents and merchants, and a helpdesk, a carrier and a net that fail at random; the
books of who said what to whom are kept by the simulation itself. After each day the faults are
over, time goes on, and all must agree. AGREEMENT_SEED makes a run again that found something: the
acts and faults are the same, but two jobs beside each other may meet in another order.
"""

from __future__ import annotations

import faulthandler
import logging
import os
import random
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from tests import servers as test_servers
from tests.faults.agreement import sides, weather
from tests.faults.agreement.compare import compare
from tests.faults.agreement.house import House
from tests.faults.agreement.people import People
from tests.faults.agreement.sides import Side
from tests.faults.agreement.story import Story
from tests.faults.buyers import Buyers
from tests.faults.report import told
from tests.faults.size import Size

ACTS_A_DAY = 7  # of each conversation
ACTS_AN_HOUR = 20  # of all together; each hour has its own weather
MOST_SHOWN = 5


@pytest.mark.parametrize("helpdesk", [sides.zendesk, sides.gorgias])
def test_phone_and_helpdesk_hold_the_same(
    helpdesk: Callable[[], AbstractContextManager[Side]],
    servers: test_servers.Servers,
    buyers: Buyers,
    size: Size,
    tmp_path: Path,
) -> None:
    faulthandler.cancel_dump_traceback_later()  # at full size it takes long
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    seed = int(os.environ.get("AGREEMENT_SEED") or random.randrange(10**6))
    began = time.monotonic()
    with helpdesk() as side:
        house = House(servers.emptied_database(), servers.new_redis_url(), tmp_path, side, seed)
        try:
            stories = [Story(one.number, one.phone) for one in buyers.take(size.conversations)]
            people = People(house)
            for day in range(size.days):
                live_a_day(house, people, stories, with_outage=day == size.days - 1)
                house.calm_down()
                problems = compare(house, stories)
                assert not problems, (
                    f"seed {seed}, day {day}: {len(problems)} do not agree\n"
                    + "\n".join(problems[:MOST_SHOWN])
                )
        finally:
            house.close()
    house.counted["messages"] = sum(len(story.said) for story in stories)
    counted = ", ".join(f"{many} {what}" for what, many in sorted(house.counted.items()))
    told(f"{side.kind}, seed {seed}, {time.monotonic() - began:.0f} s: {counted}")


def live_a_day(house: House, people: People, stories: list[Story], *, with_outage: bool) -> None:
    acts = [story for story in stories for _ in range(ACTS_A_DAY)]
    house.dice.shuffle(acts)
    hours = len(acts) // ACTS_AN_HOUR
    for hour in range(hours):
        weather.change(house)
        if with_outage and hour == hours // 2:
            weather.outage(house)
        for story in acts[hour::hours]:
            people.act(story)
            if house.dice.random() < 0.4:
                house.deliver()
                house.work(most=house.dice.randrange(1, 8))
            if house.dice.random() < 0.05:
                house.pass_time(house.dice.choice((1, 5, 45, 130)))
                house.tick()
        house.pass_time(house.dice.choice((20, 90, 900)))
        house.tick()
        house.work()
    if house.dice.random() < 0.5:
        house.deliver(all_of_them=True)  # nobody's webhook is later than a day
        house.pass_time(26 * 3600)  # a closed ticket of Gorgias's is closed for good by then
