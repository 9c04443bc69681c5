"""Whatever is changed, added behind a seal or taken away, `verify` names it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import datetime
from typing import Any

import psycopg
import pytest

from app.foundation import audit
from app.proof.jobs import anchor_all, seal_all
from app.proof.ledgers import LEDGERS, hidden, row_key
from app.proof.models import AuditSeal
from app.proof.verify import Break, Checked, verify_shop
from app.rotate import rotate_keys
from tests import servers as test_servers
from tests.factories import payloads
from tests.factories.world import ShopAtHand, World

Owner = Callable[..., None]


def seal(world: World) -> None:
    """Two rounds: the first writes the text records, the second seals them."""
    for _ in range(2):
        seal_all(world.ports, now=world.clock.now())


def verified(world: World, shop: ShopAtHand, since: datetime | None = None) -> Checked:
    return verify_shop(
        world.db,
        shop_id=shop.id,
        decrypt=world.ports.keys.decrypt,
        anchors=world.ports.anchors,
        since=since,
        progress=lambda done: None,
    )


def all_seals(world: World) -> list[AuditSeal]:
    return world.all(AuditSeal)


def broken(world: World, shop: ShopAtHand) -> Break:
    found = verified(world, shop).broken
    assert found is not None, "the break was not noticed"
    return found


@pytest.fixture
def owner(database: test_servers.Database) -> Owner:
    """Somebody with all rights on the tables, who switches the triggers off first."""

    def execute(statement: str, *values: Any) -> None:
        with psycopg.connect(database.owner_url) as connection:
            connection.execute("SELECT set_config('doorstep.across_shops', 'test', true)")
            tables = (*LEDGERS, "audit_seals")
            for table in tables:
                connection.execute(f"ALTER TABLE {table} DISABLE TRIGGER append_only")
            changed = connection.execute(statement, values or None).rowcount
            for table in tables:
                connection.execute(f"ALTER TABLE {table} ENABLE TRIGGER append_only")
        assert changed, "the tampering itself did nothing"

    return execute


@pytest.fixture
def story(world: World) -> ShopAtHand:
    """A check-in that was delivered, a reply with a photo, an opt-out: rows in every ledger."""
    shop = world.shop()
    message = world.checked_in(shop)
    world.report(shop, message, "sent")
    world.report(shop, message, "delivered")
    world.report(shop, message, "failed", ErrorCode="30008")
    world.text(shop, "The waist feels tight")
    world.order(5002)
    world.text(shop, "STOP")
    world.deliver(5002, 9002)
    world.settle()
    world.clock.advance(hours=2, minutes=25)
    world.settle()
    seal(world)
    return shop


def test_whole_chain_is_whole_and_everything_was_looked_at(world: World, story: ShopAtHand) -> None:
    checked = verified(world, story)
    assert checked.broken is None
    assert checked.seals >= len(LEDGERS)
    for name in LEDGERS:
        stored = world.scalar(f"SELECT count(*) FROM {name}")
        assert checked.rows[name] == stored > 0, name
    assert checked.texts == world.scalar("SELECT count(*) FROM messages") == 3


OTHER_VALUE = {
    "text": "coalesce({c}, '') || 'x'",
    "bigint": "coalesce({c}, 0) + 1",
    "boolean": "NOT {c}",
    "timestamp with time zone": "coalesce({c}, '2026-01-01'::timestamptz) + interval '1 second'",
    "jsonb": "jsonb_build_object('was', {c})",
}
COLUMNS = [
    (ledger.name, column)
    for ledger in LEDGERS.values()
    for column in ledger.columns
    if column not in ("id", "shop_id")
]


@pytest.mark.parametrize("ledger", LEDGERS)
def test_change_of_any_column_is_named(
    world: World, story: ShopAtHand, owner: Owner, ledger: str
) -> None:
    for column in (column for name, column in COLUMNS if name == ledger):
        kind = world.scalar(
            "SELECT data_type FROM information_schema.columns"
            " WHERE table_name = :t AND column_name = :c",
            t=ledger,
            c=column,
        )
        row_id = world.scalar(f"SELECT max(id) FROM {ledger}")
        owner(f"CREATE TABLE kept AS SELECT id, {column} FROM {ledger} WHERE id = %s", row_id)
        owner(
            f"UPDATE {ledger} SET {column} = {OTHER_VALUE[kind].format(c=column)} WHERE id = %s",
            row_id,
        )
        found = broken(world, story)
        assert (found.what, found.ledger, found.row_id) == ("row_changed", ledger, row_id), column
        owner(f"UPDATE {ledger} l SET {column} = kept.{column} FROM kept WHERE kept.id = l.id")
        owner("DROP TABLE kept; SELECT 1")
    assert verified(world, story).broken is None


@pytest.mark.parametrize("ledger", LEDGERS)
def test_removed_row_is_named(world: World, story: ShopAtHand, owner: Owner, ledger: str) -> None:
    row_id = world.scalar(f"SELECT min(id) FROM {ledger}")
    owner(f"DELETE FROM {ledger} WHERE id = %s", row_id)
    found = broken(world, story)
    assert (found.what, found.ledger, found.row_id) == ("row_removed", ledger, row_id)


def test_row_given_to_another_shop_is_named(world: World, story: ShopAtHand, owner: Owner) -> None:
    other = world.shop("other.myshopify.com", line="+12025550189")
    row_id = world.scalar("SELECT min(id) FROM permissions")
    owner("UPDATE permissions SET shop_id = %s WHERE id = %s", other.id, row_id)
    found = broken(world, story)
    assert (found.what, found.row_id) == ("row_removed", row_id)


def test_text_whose_words_were_changed_is_named(world: World, story: ShopAtHand) -> None:
    text = world.texts(purpose="check_in")[0]
    world.execute("UPDATE messages SET body = 'Buy one, get one!' WHERE id = :id", id=text.id)
    found = broken(world, story)
    assert (found.what, found.ledger, found.row_id) == ("text_changed", "messages", text.id)


def test_text_that_was_redacted_breaks_nothing(world: World, story: ShopAtHand) -> None:
    body = payloads.load("customers_redact")
    body["customer"] = {"id": 7012345678901, "phone": "+14155550142", "email": None}
    world.shopify("customers/redact", body)
    world.settle()
    seal(world)
    assert "tight" not in world.scalar("SELECT string_agg(body, ' ') FROM messages")
    checked = verified(world, story)
    assert checked.broken is None
    assert (checked.texts, checked.texts_removed) == (0, 3)


def test_personal_value_that_left_its_hash_behind_breaks_nothing(
    world: World, story: ShopAtHand, owner: Owner
) -> None:
    secret = bytes.fromhex(
        world.ports.keys.decrypt(world.scalar("SELECT secret FROM audit_chains"))
    )
    row_id = world.scalar("SELECT min(id) FROM consent_events WHERE wording IS NOT NULL")
    wording = world.scalar("SELECT wording FROM consent_events WHERE id = :id", id=row_id)
    left = hidden(row_key(secret, "consent_events", row_id), "wording", wording)
    owner("UPDATE consent_events SET wording = %s WHERE id = %s", left, row_id)
    assert verified(world, story).broken is None
    owner("UPDATE consent_events SET wording = %s WHERE id = %s", "#" + "0" * 64, row_id)
    assert broken(world, story).row_id == row_id


def test_removed_seal_leaves_a_gap(world: World, story: ShopAtHand, owner: Owner) -> None:
    owner("DELETE FROM audit_seals WHERE number = 2")
    found = broken(world, story)
    assert (found.what, found.seal) == ("seal_removed", 2)


def test_swapped_seals_are_named(world: World, story: ShopAtHand, owner: Owner) -> None:
    owner("UPDATE audit_seals SET number = -2 WHERE number = 2")
    owner("UPDATE audit_seals SET number = 2 WHERE number = 3")
    owner("UPDATE audit_seals SET number = 3 WHERE number = -2")
    found = broken(world, story)
    assert (found.what, found.seal) == ("chain_broken", 2)


@pytest.mark.parametrize(
    "change",
    [
        "row_ids = row_ids[2:], digests = substr(digests, 33)",
        "root = repeat('0', 64)",
        "ledger = 'permissions'",
        "sealed_at = sealed_at - interval '1 year'",
        "hash = repeat('0', 64)",
    ],
)
def test_changed_seal_is_named(world: World, story: ShopAtHand, owner: Owner, change: str) -> None:
    owner(f"UPDATE audit_seals SET {change} WHERE number = 1")
    found = broken(world, story)
    assert (found.what, found.seal) == ("seal_changed", 1)


def test_cut_tail_is_noticed_by_the_chains_own_count(
    world: World, story: ShopAtHand, owner: Owner
) -> None:
    last = world.scalar("SELECT max(number) FROM audit_seals")
    owner("DELETE FROM audit_seals WHERE number = %s", last)
    found = broken(world, story)
    assert (found.what, found.seal) == ("tail_cut", last)


def test_cut_tail_with_rows_and_count_is_noticed_by_the_anchor(
    world: World, story: ShopAtHand, owner: Owner
) -> None:
    anchor_all(world.ports, now=world.clock.now())
    last = all_seals(world)[-1]
    before = all_seals(world)[-2]
    owner(f"DELETE FROM {last.ledger} WHERE id = ANY(%s)", last.row_ids)
    owner("DELETE FROM audit_seals WHERE id = %s", last.id)
    owner("UPDATE audit_chains SET number = %s, head = %s", before.number, before.hash)
    found = broken(world, story)
    assert (found.what, found.seal) == ("tail_cut", last.number)


def test_chain_that_vanished_whole_is_noticed_by_the_anchor(
    world: World, story: ShopAtHand, owner: Owner
) -> None:
    anchor_all(world.ports, now=world.clock.now())
    owner("DELETE FROM audit_seals")
    owner("DELETE FROM audit_chains")
    assert broken(world, story).what == "tail_cut"


def test_chain_made_anew_is_noticed_by_the_anchor(
    world: World, story: ShopAtHand, owner: Owner
) -> None:
    """Even by whoever has our keys: every hash fits, but not the one that was written down."""
    anchor_all(world.ports, now=world.clock.now())
    owner("DELETE FROM audit_seals")
    owner("UPDATE audit_chains SET number = 0, head = '', sealed_below = 0")
    owner("DELETE FROM permissions WHERE id = (SELECT min(id) FROM permissions)")
    for _ in range(20):
        seal(world)
        with world.db.shop(story.id) as session:
            audit.record(
                session,
                now=world.clock.now(),
                shop_id=story.id,
                actor="system",
                action="filler",
                subject="none",
            )
    assert broken(world, story).what == "chain_rewritten"


def test_row_that_came_in_behind_a_seal_is_named(
    world: World, story: ShopAtHand, owner: Owner
) -> None:
    owner(
        "INSERT INTO audit_entries (shop_id, at, actor, action, subject, xid)"
        " VALUES (%s, now(), 'merchant', 'forged', 'shop:1', 3)",
        story.id,
    )
    row_id = world.scalar("SELECT max(id) FROM audit_entries")
    seal(world)
    found = broken(world, story)
    assert (found.what, found.ledger, found.row_id) == ("row_slipped_in", "audit_entries", row_id)


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
        print(  # noqa: T201
            f"\n{rows} rows: sealed in {sealed - began:.1f} s, verified in {ended - sealed:.1f} s"
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
