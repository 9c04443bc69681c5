"""What a text costs the database while the provider waits: few statements, whatever it says."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa

from tests.factories.joining import joining_shop
from tests.factories.world import World


@contextmanager
def counted(world: World, trace: Path) -> Iterator[list[str]]:
    """What goes to the server by libpq's own trace, besides BEGIN and COMMIT."""
    seen: list[str] = []
    with trace.open("wb") as file:

        def count(connection: psycopg.Connection[Any], *_: object) -> None:
            connection.pgconn.trace(file.fileno())

        def forget(connection: psycopg.Connection[Any], *_: object) -> None:
            connection.pgconn.untrace()

        sa.event.listen(world.db.engine, "checkout", count)
        sa.event.listen(world.db.engine, "checkin", forget)
        yield seen
        sa.event.remove(world.db.engine, "checkout", count)
        sa.event.remove(world.db.engine, "checkin", forget)
    sent = re.findall(r"\tF\t\d+\t(Bind|Query)\t(.*)", trace.read_text(errors="replace"))
    seen += [kind for kind, words in sent if kind == "Bind" or "INSERT" in words]


@pytest.mark.parametrize(
    "said",
    [
        "Thanks, it fits great!",
        "Yep, got it. Haven't tried it on yet.",
        "what size would you take if you are between a 6 and an 8",
        "Love the colour! The zip catches a bit at the top though, is there a trick to it?",
        "Hi! It came today, thank you. I tried it on right away and the waist feels a little tight"
        " when I sit down. Is that normal for this one?",
    ],
)
def test_an_ordinary_text_costs_three_statements(world: World, tmp_path: Path, said: str) -> None:
    """The text with its person, its thread, what follows later. The shop has a word to join by."""
    shop = joining_shop(world)
    world.text(shop, "Hello, it arrived!")
    with counted(world, tmp_path / "trace") as seen:
        world.text(shop, said)
    assert seen == ["Bind", "Bind", "Query"]


def test_what_may_go_on_with_a_number_costs_one_more(world: World, tmp_path: Path) -> None:
    """The order's number might be the rest of a card's, so the text before it is read."""
    shop = world.shop()
    world.text(shop, "Hello, it arrived!")
    with counted(world, tmp_path / "trace") as seen:
        world.text(shop, "It was order 10234, by the way.")
    assert len(seen) == 4
