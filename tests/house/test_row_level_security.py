"""No row of one shop is visible to another, whatever a query forgets."""

from __future__ import annotations

import psycopg
import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from app.foundation.db import Base
from app.proof.jobs import seal_all
from app.proof.ledgers import LEDGERS
from app.tables import ALL_TABLES
from tests import servers as test_servers
from tests.factories.world import World

OF_SHOPS = sorted(t.__tablename__ for t in ALL_TABLES if "shop_id" in t.__table__.columns)


def test_the_list_of_tables_is_whole() -> None:
    assert {t.__tablename__ for t in ALL_TABLES} == set(Base.metadata.tables)


@pytest.mark.parametrize("table", [*OF_SHOPS, "receipts"])
def test_row_level_security_is_forced(database: test_servers.Database, table: str) -> None:
    with psycopg.connect(database.owner_url) as connection:
        row = connection.execute(
            "SELECT relrowsecurity, relforcerowsecurity FROM pg_class WHERE relname = %s", (table,)
        ).fetchone()
    assert row == (True, True)


def test_the_app_role_cannot_bypass_it(database: test_servers.Database) -> None:
    with psycopg.connect(database.url) as connection:
        row = connection.execute(
            "SELECT rolsuper, rolbypassrls, rolcreaterole FROM pg_roles"
            " WHERE rolname = current_user"
        ).fetchone()
        assert row == (False, False, False)
        owned = connection.execute(
            "SELECT count(*) FROM pg_tables"
            " WHERE schemaname = 'public' AND tableowner = current_user"
        ).fetchone()
    assert owned == (0,)


def test_without_a_scope_nothing_is_visible(world: World) -> None:
    shop = world.shop()
    world.checked_in(shop)
    world.text(shop, "hello")
    with world.db.door() as session:
        for table in [*OF_SHOPS, "receipts"]:
            assert session.sql(f"SELECT count(*) FROM {table}").scalar_one() == 0, table


def test_one_shop_sees_and_touches_only_its_own(world: World) -> None:
    one = world.shop()
    world.checked_in(one)
    world.text(one, "hello")
    two = world.shop("other.myshopify.com", line="+12025550189")
    with world.db.shop(two.id) as session:
        for table in OF_SHOPS:
            foreign = session.sql(
                f"SELECT count(*) FROM {table} WHERE shop_id = %s", one.id
            ).scalar_one()
            assert foreign == 0, table
        changed = session.sql("UPDATE messages SET body = 'x' WHERE shop_id = %s", one.id)
        assert changed.rowcount == 0
        deleted = session.sql("DELETE FROM contacts WHERE shop_id = %s", one.id)
        assert deleted.rowcount == 0
    with pytest.raises(psycopg.errors.InsufficientPrivilege), world.db.shop(two.id) as session:
        session.sql("INSERT INTO contacts (shop_id, phone) VALUES (%s, '+14155550199')", one.id)


@pytest.mark.parametrize("table", [*LEDGERS, "audit_seals"])
def test_evidence_cannot_be_changed_or_removed(
    world: World, database: test_servers.Database, table: str
) -> None:
    shop = world.shop()
    world.checked_in(shop)
    seal_all(world.ports, now=world.clock.now())
    for statement in (f"UPDATE {table} SET shop_id = shop_id", f"DELETE FROM {table}"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege), world.db.shop(shop.id) as session:
            session.sql(statement)
        # Not even whoever owns the schema, by a slip.
        with psycopg.connect(database.owner_url) as owner:
            owner.execute("SELECT set_config('doorstep.across_shops', 'test', true)")
            with pytest.raises(psycopg.errors.RaiseException):
                owner.execute(statement)


def test_models_and_migrations_agree(database: test_servers.Database) -> None:
    engine = sa.create_engine(database.owner_url.replace("postgresql://", "postgresql+psycopg://"))
    with engine.connect() as connection:
        context = MigrationContext.configure(connection)
        differences = compare_metadata(context, Base.metadata)
    engine.dispose()
    assert differences == []


def test_migrations_go_down_and_up_again_on_data(
    world: World, database: test_servers.Database
) -> None:
    shop = world.shop()
    world.checked_in(shop)
    world.execute(  # a refresh token that does not end, which the releases before did not know
        "INSERT INTO helpdesk_accounts (shop_id, kind, subdomain, access_token, refresh_token,"
        " expires_at, bot_user_id, door_key, connected_at)"
        " VALUES (:shop, 'gorgias', 'acme', 'a', 'r', now(), '1', 'door', now())",
        shop=shop.id,
    )
    world.close()
    config = test_servers.alembic_config(database.owner_url)
    command.downgrade(config, "base")
    with psycopg.connect(database.owner_url) as connection:
        left = connection.execute(
            "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"
            " AND tablename <> 'alembic_version'"
        ).fetchone()
    assert left == (0,)
    command.upgrade(config, "head")
    with psycopg.connect(database.url) as connection:
        assert connection.execute("SELECT count(*) FROM shops").fetchone() == (0,)
