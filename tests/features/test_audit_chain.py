"""Whatever is changed, added behind a seal or taken away, `verify` names it."""

from __future__ import annotations

import pytest

from app.foundation import audit
from app.proof.jobs import anchor_all
from app.proof.ledgers import LEDGERS, hidden, row_key
from tests import servers as test_servers
from tests.factories import payloads
from tests.factories.sealed import (
    Owner,
    all_seals,
    broken,
    owner_of,
    seal,
    tell_story,
    verified,
)
from tests.factories.world import ShopAtHand, World


@pytest.fixture
def owner(database: test_servers.Database) -> Owner:
    return owner_of(database)


@pytest.fixture
def story(world: World) -> ShopAtHand:
    return tell_story(world)


def test_whole_chain_is_whole_and_everything_was_looked_at(world: World, story: ShopAtHand) -> None:
    checked = verified(world, story)
    assert checked.broken is None
    assert checked.seals >= len(LEDGERS)
    for name in LEDGERS:
        stored = world.scalar(f"SELECT count(*) FROM {name}")
        assert checked.rows[name] == stored > 0, name
    assert checked.texts == world.scalar("SELECT count(*) FROM messages") == 3


def test_card_number_masked_after_its_first_half_was_sealed_breaks_nothing(
    world: World, story: ShopAtHand
) -> None:
    world.text(story, "4111 1111", sid="SM" + "a" * 32)
    seal(world)
    world.text(story, "1111 1111", sid="SM" + "b" * 32)
    seal(world)
    assert not any("4111" in text.body for text in world.texts(direction="in"))
    assert verified(world, story).broken is None
    world.execute("UPDATE messages SET body = 'forged' WHERE direction = 'out'")
    assert broken(world, story).what == "text_changed"


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
