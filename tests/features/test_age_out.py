"""Texts older than a shop wants to keep are emptied; buyers and ledgers notice nothing of it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from app.foundation.errors import Refused
from app.foundation.media import MediaGone
from app.messaging.models import Media, Sender
from app.messaging.ports import MediaFile, SenderAccess
from app.privacy.age_out import BATCH, age_out_batch
from app.privacy.redact import REDACTED
from app.shops.models import Shop
from tests.factories.photos import jpeg_with_place
from tests.factories.world import ACCOUNT, BUYER, ShopAtHand, World
from tests.features.test_consent import prefer

FILL = """
INSERT INTO messages (shop_id, contact_id, direction, author, body, state, created_at)
SELECT c.shop_id, c.id, 'in', 'contact', 'old words', 'received',
       CAST(:at AS timestamptz) + n / 7 * interval '1 second'
FROM contacts c, generate_series(1, :rows) n WHERE c.shop_id = :shop
"""


def keep(world: World, shop: ShopAtHand, days: Any) -> None:
    prefer(world, shop, retention_days=days)


def bodies(world: World) -> list[str]:
    return [text.body for text in world.texts()]


def night(world: World) -> None:
    world.duty("privacy")
    world.settle(patient=True)


def fill(world: World, shop: ShopAtHand, rows: int, *, days_ago: int) -> None:
    at = world.clock.now() - timedelta(days=days_ago)
    world.execute(FILL, shop=shop.id, rows=rows, at=at)


def test_texts_and_photos_beyond_the_limit_go_and_younger_ones_stay(world: World) -> None:
    shop = world.shop()
    line: Sender = world.all(Sender)[0]
    access = SenderAccess(line.id, ACCOUNT, "", phone=line.phone)
    photo = MediaFile(jpeg_with_place(), "image/jpeg")
    url = world.sms.receive(access, from_phone=BUYER, body="", photos=[photo]).media[0].url
    world.text(shop, "The old one", photos=[url])
    world.settle(patient=True)
    [key] = [media.storage_key for media in world.all(Media)]
    world.clock.advance(days=40)
    world.text(shop, "The young one")
    keep(world, shop, 30)
    night(world)
    assert bodies(world) == [REDACTED, "The young one"]
    assert world.texts()[0].raw is None
    with pytest.raises(MediaGone):
        world.ports.media.get(key or "")


def test_without_a_limit_everything_stays(world: World) -> None:
    shop = world.shop()
    world.text(shop, "hello")
    world.clock.advance(days=4000)
    night(world)
    assert bodies(world) == ["hello"]


@pytest.mark.parametrize("days", [29, 0, -1, "30", 40_000])
def test_limit_is_at_least_thirty_days(world: World, days: Any) -> None:
    shop = world.shop()
    with pytest.raises(Refused, match="retention_days"):
        keep(world, shop, days)


def test_limit_may_be_taken_away_again(world: World) -> None:
    shop = world.shop()
    world.text(shop, "hello")
    keep(world, shop, 30)
    keep(world, shop, None)
    world.clock.advance(days=100)
    night(world)
    assert bodies(world) == ["hello"]


def test_ledgers_are_left_as_they_are(world: World) -> None:
    shop = world.shop()
    world.checked_in(shop)
    world.text(shop, "STOP")
    world.settle()
    ledgers = "SELECT md5(string_agg(t::text, '' ORDER BY t.id)) FROM {} t"
    before = [world.scalar(ledgers.format(name)) for name in ("consent_events", "permissions")]
    keep(world, shop, 30)
    world.clock.advance(days=60)
    night(world)
    assert set(bodies(world)) == {REDACTED}
    after = [world.scalar(ledgers.format(name)) for name in ("consent_events", "permissions")]
    assert after == before


def test_what_was_cut_off_goes_on_where_it_was(world: World) -> None:
    shop = world.shop()
    world.text(shop, "young")
    fill(world, shop, 2 * BATCH + 100, days_ago=60)
    keep(world, shop, 30)
    sizes = []
    for _ in range(3):
        with world.db.shop(shop.id) as session:
            sizes.append(age_out_batch(session, now=world.clock.now(), shop_id=shop.id))
    assert [(one.texts, one.done) for one in sizes] == [
        (BATCH, False), (BATCH, False), (100, True),
    ]  # fmt: skip
    assert bodies(world).count(REDACTED) == 2 * BATCH + 100
    assert bodies(world).count("young") == 1


def test_a_batch_holds_no_lock_that_a_buyers_text_needs(world: World) -> None:
    shop = world.shop()
    world.text(shop, "first")
    fill(world, shop, 50, days_ago=60)
    keep(world, shop, 30)
    with world.db.shop(shop.id) as session:
        age_out_batch(session, now=world.clock.now(), shop_id=shop.id)
        session.flush()
        assert world.text(shop, "while it is open").status_code == 200
    assert "while it is open" in bodies(world)


def test_many_texts_are_emptied_in_several_runs_of_the_job(world: World) -> None:
    shop = world.shop()
    world.text(shop, "young")
    fill(world, shop, 21 * BATCH, days_ago=60)
    keep(world, shop, 30)
    night(world)
    assert world.scalar("SELECT count(*) FROM messages WHERE body = :b", b=REDACTED) == 21 * BATCH
    runs = world.scalar("SELECT count(*) FROM audit_entries WHERE action = 'privacy.aged_out'")
    assert runs == 2


def test_the_next_night_looks_only_at_what_has_become_too_old(world: World) -> None:
    shop = world.shop()
    fill_at = world.clock.now()
    world.text(shop, "hello")
    keep(world, shop, 30)
    world.clock.advance(days=40)
    night(world)
    [row] = world.all(Shop)
    assert row.aged_out_until == world.clock.now() - timedelta(days=30) > fill_at
    world.duty("privacy")
    assert world.scalar("SELECT count(*) FROM outbox") == 0, "not twice a day"


def test_other_shops_keep_their_own_limits(world: World) -> None:
    one = world.shop()
    two = world.shop("other.myshopify.com", line="+12025550189")
    world.text(one, "of one")
    world.text(two, "of two")
    keep(world, one, 30)
    world.clock.advance(days=40)
    night(world)
    assert bodies(world) == [REDACTED, "of two"]
