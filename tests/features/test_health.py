"""What an operator's machine asks of us."""

from __future__ import annotations

from datetime import timedelta

import psycopg
from cryptography.fernet import Fernet

from app.foundation.crypto import KeyRing
from app.foundation.media import sign_media_token
from app.health import MOST_COUNTED
from app.rotate import Rotated, rotate_keys
from tests import servers as test_servers
from tests.factories.world import World


def test_ready_says_so_and_names_what_is_missing(world: World) -> None:
    assert world.client.get("/readyz").get_json() == {
        "database": "ok",
        "redis": "ok",
        "migrations": "ok",
    }


def test_behind_on_migrations_is_not_ready(world: World, database: test_servers.Database) -> None:
    with psycopg.connect(database.owner_url) as owner:
        owner.execute("UPDATE alembic_version SET version_num = '0000'")
    answer = world.client.get("/readyz")
    assert answer.status_code == 503
    assert "alembic upgrade head" in answer.get_json()["migrations"]


def test_database_without_a_table_is_not_called_away(
    world: World, database: test_servers.Database
) -> None:
    with psycopg.connect(database.owner_url) as owner:
        owner.execute("ALTER TABLE alembic_version RENAME TO elsewhere")
    answer = world.client.get("/readyz")
    assert answer.status_code == 503
    assert answer.get_json()["database"] == "ok"
    assert "alembic upgrade head" in answer.get_json()["migrations"]


def scraped(world: World, name: str) -> float:
    """One gauge; `name` with its labels."""
    headers = {"Authorization": "Bearer metrics-of-tests"}
    page = world.client.get("/metrics", headers=headers).get_data(as_text=True)
    [line] = [line for line in page.splitlines() if line.startswith(f"{name} ")]
    return float(line.split()[1])


def test_a_backlog_is_counted_so_far_and_no_further(world: World) -> None:
    shop = world.shop()
    for queue, rows, handed_out in (
        ("slow", MOST_COUNTED + 7, "NULL"),
        ("slow", 2, "now()"),
        ("send", 3, "NULL"),
        ("send", 2, "now()"),
    ):
        world.execute(
            "INSERT INTO outbox (shop_id, topic, queue, payload, relayed_at)"
            f" SELECT :shop, 'none', :queue, '{{}}', {handed_out} FROM generate_series(1, :rows)",
            shop=shop.id,
            queue=queue,
            rows=rows,
        )
    world.execute(
        "INSERT INTO receipts (source, topic, owner, delivery_id, business_key, body, state)"
        " SELECT 'shopify', 'none', 'x', n::text, sha256(n::text::bytea), '', 'waiting'"
        " FROM generate_series(1, :rows) AS n",
        rows=MOST_COUNTED + 7,
    )
    assert scraped(world, 'doorstep_outbox_waiting{queue="slow"}') == MOST_COUNTED
    assert scraped(world, 'doorstep_outbox_waiting{queue="send"}') == 5
    assert scraped(world, 'doorstep_outbox_waiting{queue="sync"}') == 0
    assert scraped(world, 'doorstep_receipts{state="waiting"}') == MOST_COUNTED
    assert scraped(world, 'doorstep_receipts{state="failed"}') == 0


def test_metrics_need_their_token_and_count_what_waits(world: World) -> None:
    shop = world.shop()
    world.text(shop, "hello")
    assert world.client.get("/metrics").status_code == 401
    page = world.client.get(
        "/metrics", headers={"Authorization": "Bearer metrics-of-tests"}
    ).get_data(as_text=True)
    assert 'doorstep_outbox_waiting{queue="reply"} 2.0' in page
    assert "+1415" not in page


def test_keys_rotate_without_losing_a_secret(world: World) -> None:
    world.shop()
    old = world.ports.settings.encryption_keys.get_secret_value()
    both = KeyRing(f"{Fernet.generate_key().decode()},{old}")
    for _ in range(2):
        assert rotate_keys(world.db, both) == Rotated(written=3, busy=0)
    stored = world.scalar("SELECT auth_token FROM senders")
    assert both.decrypt(stored) == "auth-token-of-tests"


def test_photo_is_served_by_its_signed_address_until_that_expires(world: World) -> None:
    shop = world.shop()
    world.text(shop, "see")
    key = world.ports.media.put(shop.id, b"picture")
    [text] = world.texts(direction="in")
    world.execute(
        "INSERT INTO media (shop_id, message_id, ordinal, state, storage_key, content_type)"
        " VALUES (:shop, :text, 0, 'stored', :key, 'image/jpeg')",
        shop=shop.id,
        text=text.id,
        key=key,
    )
    photo = world.scalar("SELECT id FROM media")
    secrets = [world.ports.keys.signing_key]
    until = world.clock.now() + timedelta(minutes=5)
    token = sign_media_token(secrets, photo, shop.id, until)
    shown = world.client.get(f"/media/{token}")
    assert (shown.status_code, shown.data) == (200, b"picture")
    assert shown.headers["X-Content-Type-Options"] == "nosniff"
    forged = sign_media_token(["another key"], photo, shop.id, until)
    assert world.client.get(f"/media/{forged}").status_code == 404
    elsewhere = sign_media_token(secrets, photo, shop.id + 1, until)
    assert world.client.get(f"/media/{elsewhere}").status_code == 404
    world.clock.advance(minutes=6)
    assert world.client.get(f"/media/{token}").status_code == 410


def test_age_of_the_oldest_row_knows_what_waits_was_handed_out_and_may_not_run_yet(
    world: World,
) -> None:
    def oldest() -> float:
        return scraped(world, "doorstep_outbox_oldest_seconds")

    shop = world.shop()
    add = (
        "INSERT INTO outbox (shop_id, topic, queue, payload, available_at, relayed_at)"
        " VALUES (:shop, 'none', :queue, '{}', now() + make_interval(secs => :seconds), "
    )
    assert oldest() == 0
    world.execute(add + "NULL)", shop=shop.id, queue="send", seconds=500)
    assert oldest() == 0
    world.execute(add + "NULL)", shop=shop.id, queue="slow", seconds=-100)
    assert 100 <= oldest() < 200
    world.execute(add + "now())", shop=shop.id, queue="reply", seconds=-300)
    assert 300 <= oldest() < 400
