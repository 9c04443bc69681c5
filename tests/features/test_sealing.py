"""Rows are sealed once, in whatever order and however late their transactions end."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from app.foundation import audit
from app.proof.jobs import seal_all
from app.rotate import rotate_keys
from tests import servers as test_servers
from tests.factories.sealed import Owner, broken, owner_of, seal, tell_story, verified
from tests.factories.world import ShopAtHand, World


@pytest.fixture
def owner(database: test_servers.Database) -> Owner:
    return owner_of(database)


@pytest.fixture
def story(world: World) -> ShopAtHand:
    return tell_story(world)


def add_entry(session: Any, world: World, shop: ShopAtHand, action: str) -> None:
    audit.record(
        session,
        now=world.clock.now(),
        shop_id=shop.id,
        actor="system",
        action=action,
        subject="none",
    )
    session.flush()


def test_row_that_commits_late_with_a_lower_id_is_sealed_later(
    world: World, story: ShopAtHand
) -> None:
    with world.db.shop(story.id) as slow:
        add_entry(slow, world, story, "slow")
        with world.db.shop(story.id) as quick:
            add_entry(quick, world, story, "quick")
        seal(world)
        # The quick one waits too: the slow one, which began earlier, may still commit.
        assert verified(world, story).rows["audit_entries"] == sealed_entries(world)
    seal(world)
    checked = verified(world, story)
    assert checked.broken is None
    assert checked.rows["audit_entries"] == world.scalar("SELECT count(*) FROM audit_entries")


def sealed_entries(world: World) -> int:
    count: int = world.scalar(
        "SELECT coalesce(sum(cardinality(row_ids)), 0) FROM audit_seals"
        " WHERE ledger = 'audit_entries'"
    )
    return count


def test_writers_and_two_sealers_at_once_lose_and_double_nothing(
    world: World, story: ShopAtHand
) -> None:
    stop = threading.Event()
    faults: list[BaseException] = []

    def guarded(work: Callable[[], None]) -> threading.Thread:
        def run() -> None:
            try:
                work()
            except BaseException as error:
                faults.append(error)

        return threading.Thread(target=run)

    def write() -> None:
        for number in range(60):
            with world.db.shop(story.id) as session:
                add_entry(session, world, story, f"write {number}")

    def keep_sealing() -> None:
        while not stop.is_set():
            seal_all(world.ports, now=world.clock.now())

    writers = [guarded(write) for _ in range(4)]
    sealers = [guarded(keep_sealing) for _ in range(2)]
    for thread in (*writers, *sealers):
        thread.start()
    for thread in writers:
        thread.join()
    stop.set()
    for thread in sealers:
        thread.join()
    assert faults == []
    seal(world)
    checked = verified(world, story)
    assert checked.broken is None
    assert checked.rows["audit_entries"] == world.scalar("SELECT count(*) FROM audit_entries")


def test_verify_since_a_moment_looks_only_at_what_came_after(
    world: World, story: ShopAtHand, owner: Owner
) -> None:
    row_id = world.scalar("SELECT min(id) FROM permissions")
    world.clock.advance(days=1)
    later = world.clock.now()
    with world.db.shop(story.id) as session:
        add_entry(session, world, story, "a day later")
    seal(world)
    owner("UPDATE permissions SET verdict = 'allowed', reason = 'x' WHERE id = %s", row_id)
    assert broken(world, story).row_id == row_id
    checked = verified(world, story, since=later)
    assert checked.broken is None
    assert checked.rows == {"audit_entries": 1}


def test_keys_may_be_rotated(world: World, story: ShopAtHand) -> None:
    before = world.scalar("SELECT secret FROM audit_chains")
    rotate_keys(world.db, world.ports.keys)
    assert world.scalar("SELECT secret FROM audit_chains") != before
    assert verified(world, story).broken is None


def test_each_shop_has_a_chain_of_its_own(world: World, story: ShopAtHand) -> None:
    other = world.shop("other.myshopify.com", line="+12025550189")
    seal(world)
    assert verified(world, other).broken is None
    assert verified(world, other).seals < verified(world, story).seals
    assert world.scalar("SELECT count(DISTINCT secret) FROM audit_chains") == 2


def test_nothing_new_makes_no_seal(world: World, story: ShopAtHand) -> None:
    before = world.scalar("SELECT count(*) FROM audit_seals")
    seal(world)
    assert world.scalar("SELECT count(*) FROM audit_seals") == before


def test_long_backlog_is_sealed_in_several_seals(
    world: World, story: ShopAtHand, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its time is printed, and judged by nobody."""
    rows = 100_000
    with world.db.shop(story.id) as session:
        session.sql(
            "INSERT INTO permissions (shop_id, purpose, verdict, evidence, decided_at)"
            " SELECT %s, 'check_in', 'allowed',"
            " jsonb_build_object('verdict', 'allowed', 'evidence', jsonb_build_array(n)), now()"
            " FROM generate_series(1, %s) n",
            story.id,
            rows,
        )
    began = time.monotonic()
    seal(world)
    sealed = time.monotonic()
    checked = verified(world, story)
    ended = time.monotonic()
    with capsys.disabled():
        sys.stdout.write(
            f"\n{rows} rows: sealed in {sealed - began:.1f} s, verified in {ended - sealed:.1f} s\n"
        )
    assert checked.broken is None
    assert checked.rows["permissions"] > rows
    assert checked.seals > rows // 4096


def test_transactions_counted_anew_stop_the_seal_and_are_not_hidden(
    world: World, story: ShopAtHand
) -> None:
    world.execute("UPDATE audit_chains SET sealed_below = 1000000000")
    with world.db.shop(story.id) as session:
        add_entry(session, world, story, "after a restore")
    seal(world)
    assert broken(world, story).what == "row_slipped_in"
