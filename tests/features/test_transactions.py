"""A transaction whose line to the database breaks says that the database is away, and is undone."""

from __future__ import annotations

import pytest

from app.contacts.models import Contact
from app.foundation.db import LaterWork, is_away
from app.foundation.outbox import OutboxRow
from tests.factories.world import World


def cut(world: World, pid: int) -> None:
    """As when the server is killed, or a firewall ends the line."""
    with world.db.across_shops("test: cuts a line") as other:
        other.sql("SELECT pg_terminate_backend(%s)", pid)


def work(shop_id: int) -> LaterWork:
    return LaterWork(shop_id=shop_id, topic="messaging.send", queue="send", payload={})


@pytest.mark.parametrize("put_off", [False, True])
@pytest.mark.parametrize("orm", [False, True])
def test_line_that_breaks_before_the_commit(world: World, put_off: bool, orm: bool) -> None:
    shop = world.shop()
    with pytest.raises(Exception) as broken, world.db.shop(shop.id) as session:
        if orm:
            session.add(Contact(shop_id=shop.id, phone="+14155550100"))
            session.flush()
        else:
            session.sql(
                "INSERT INTO contacts (shop_id, phone) VALUES (%s, '+14155550100')", shop.id
            )
        if put_off:
            session.later(work(shop.id))
        cut(world, session.sql("SELECT pg_backend_pid()").scalar())
    assert is_away(broken.value)
    assert (world.all(Contact), world.all(OutboxRow)) == ([], [])


def test_line_that_broke_while_it_lay_in_the_pool(world: World) -> None:
    with world.db.across_shops("test") as session:
        pid = session.sql("SELECT pg_backend_pid()").scalar()
        with world.db.across_shops("test: cuts a line") as other:
            mine = other.sql("SELECT pg_backend_pid()").scalar()
    world.execute("SELECT 1")
    with world.db.statement() as connection:  # outside of any transaction
        own = connection.info.backend_pid
        for each in {pid, mine} - {own}:
            connection.execute("SELECT pg_terminate_backend(%s)", (each,))
    failures = 0
    for _ in range(3):
        try:
            world.execute("SELECT 1")
        except Exception as error:
            assert is_away(error)
            failures += 1
    assert failures <= 1  # then all that lay idle are forgotten


def test_work_put_off_keeps_its_quotes_and_backslashes(world: World) -> None:
    shop = world.shop()
    odd = {"note": 'it\'s \\ "odd" {} %s é 😊'}
    with world.db.shop(shop.id) as session:
        session.later(LaterWork(shop_id=shop.id, topic="x.y", queue="slow", payload=odd))
    [row] = world.all(OutboxRow, OutboxRow.topic == "x.y")
    assert row.payload == odd
