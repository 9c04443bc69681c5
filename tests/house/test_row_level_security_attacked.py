"""Another shop with a free hand in SQL: it sees, adds, moves and removes nothing of the first.

The attacker is the app's own role, in a transaction that works for the other shop. What they must
not be able to do is say `doorstep.across_shops`: that is code of ours, searched for in reviews.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from psycopg import errors, sql

from app.tables import ALL_TABLES
from tests import servers as test_servers
from tests.factories.full_shop import OF_SHOPS, TwoShops, rows_of, two_shops
from tests.factories.world import World

NO_SHOPS_ROWS = {"alembic_version"}  # which migration this is
ACROSS_ONLY = {"receipts"}  # may come before their shop is known

LOOKS = (
    "SELECT count(*) FROM {t} WHERE {c} = %(one)s",
    "SELECT count(*) FROM {t} WHERE {c} <> %(other)s",
    "SELECT count(*) FROM (TABLE {t}) AS x WHERE x.{c} = %(one)s",
    "WITH x AS MATERIALIZED (SELECT * FROM {t}) SELECT count(*) FROM x WHERE {c} = %(one)s",
    "SELECT count(*) FROM (VALUES (%(one)s::bigint)) AS v(id) JOIN {t} x ON x.{c} = v.id",
    "SELECT count(*) FROM (VALUES (%(one)s::bigint)) AS v(id), LATERAL"
    " (SELECT 1 FROM {t} x WHERE x.{c} = v.id) AS y",
    "SELECT count(*) FROM {t} TABLESAMPLE SYSTEM (100) WHERE {c} = %(one)s",
    "SELECT CASE WHEN EXISTS (SELECT FROM {t} WHERE {c} = %(one)s) THEN 1 ELSE 0 END",
    "SELECT count(*) FROM pg_temp.fetched('SELECT {c} FROM {t}') AS f(id) WHERE f.id = %(one)s",
    "SELECT count(*) FROM {t} FULL JOIN shops s ON s.id = {t}.{c}"
    " WHERE {t}.{c} = %(one)s OR s.id = %(one)s",
)

# An honest function would never be asked about a row that is not ours; a dishonest one tells.
SPY = """
CREATE FUNCTION pg_temp.spy(anyelement, bigint) RETURNS boolean LANGUAGE plpgsql COST 0.0001 AS
$$ BEGIN RAISE NOTICE 'saw %', $2; RETURN true; END $$;
CREATE FUNCTION pg_temp.fetched(asked text) RETURNS SETOF bigint SECURITY DEFINER LANGUAGE plpgsql
AS $$ BEGIN RETURN QUERY EXECUTE asked; END $$
"""

FORGED = ("0", "-1", "1 OR true", "true", "*", "%", "NULL", "NaN", "1e1", "１", "1,2", "{1,2}",
          "1); SELECT 1; --", "' OR ''='", "99999999999999999999")  # fmt: skip

BREAKOUTS = (
    "SET ROLE doorstep_owner",
    "SET ROLE postgres",
    "SET SESSION AUTHORIZATION doorstep_owner",
    "ALTER ROLE doorstep_app BYPASSRLS",
    "ALTER ROLE doorstep_app SUPERUSER",
    "CREATE ROLE thief LOGIN",
    "GRANT doorstep_owner TO doorstep_app",
    "GRANT pg_read_all_data TO doorstep_app",
    "SET session_replication_role = replica",
    "ALTER TABLE contacts DISABLE ROW LEVEL SECURITY",
    "ALTER TABLE contacts NO FORCE ROW LEVEL SECURITY",
    "ALTER TABLE audit_entries DISABLE TRIGGER ALL",
    "ALTER TABLE contacts OWNER TO doorstep_app",
    "DROP TRIGGER append_only ON audit_entries",
    "DROP POLICY of_its_shop ON contacts",
    "CREATE POLICY all_of_it ON contacts USING (true)",
    "ALTER POLICY of_its_shop ON contacts USING (true)",
    "CREATE TABLE public.loot (x text)",
    "CREATE VIEW public.window AS TABLE contacts",
    "CREATE FUNCTION public.f() RETURNS int SECURITY DEFINER LANGUAGE sql AS 'SELECT 1'",
    "CREATE OR REPLACE FUNCTION public.refuse_change() RETURNS trigger LANGUAGE plpgsql"
    " AS 'BEGIN RETURN NEW; END'",
    "CREATE EXTENSION dblink",
    "CREATE EXTENSION postgres_fdw",
    "CREATE SERVER elsewhere FOREIGN DATA WRAPPER postgres_fdw",
    "COPY contacts TO PROGRAM 'cat'",
    "COPY contacts TO '/tmp/loot'",
    "SELECT pg_read_file('/etc/passwd')",
    "SELECT pg_ls_dir('.')",
    "SELECT lo_import('/etc/passwd')",
    "SELECT rolpassword FROM pg_authid",
    "SELECT * FROM pg_statistic",
    "LOAD '/tmp/x.so'",
    "SELECT count(*) FROM another_database.public.contacts",
    "UPDATE alembic_version SET version_num = '0'",
    "UPDATE pg_class SET relrowsecurity = false",
    "DELETE FROM shops",
)


@pytest.fixture
def shops(world: World) -> TwoShops:
    return two_shops(world)


@pytest.fixture
def thief(database: test_servers.Database) -> Iterator[psycopg.Connection[Any]]:
    """The app's role; each statement in its own transaction unless a test opens one."""
    with psycopg.connect(database.url, autocommit=True) as connection:
        yield connection


def work_for(connection: psycopg.Connection[Any], shop_id: object) -> None:
    connection.execute("SELECT set_config('doorstep.shop_id', %s, true)", (str(shop_id),))


def test_every_table_is_one_of_ours_and_of_a_shop(
    shops: TwoShops, world: World, thief: psycopg.Connection[Any]
) -> None:
    there = {
        row[0]: row[1:]
        for row in thief.execute(
            "SELECT relname, relkind::text, relrowsecurity, relforcerowsecurity FROM pg_class"
            " WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'v', 'm', 'f')"
        )
    }
    ours = {t.__tablename__ for t in ALL_TABLES}
    assert set(there) == ours | NO_SHOPS_ROWS, "a table that the models do not know, or a view"
    assert ours == set(OF_SHOPS) | ACROSS_ONLY, "a table that belongs to no shop: say why here"
    for table in ours:
        assert there[table] in (("r", True, True), ("p", True, True)), table
    empty = [table for table, (count, _) in rows_of(world, shops.one).items() if not count]
    assert not empty, f"give the shop of tests/factories/full_shop.py rows of {empty}"
    assert world.scalar("SELECT count(*) FROM receipts") > 0


def test_no_policy_lets_anybody_see_more_than_one_shop(
    world: World, thief: psycopg.Connection[Any]
) -> None:
    scope = "current_setting('doorstep.shop_id'::text, true)"
    for table, name, kind, using, check in thief.execute(
        "SELECT tablename, policyname, cmd, qual, with_check FROM pg_policies"
        " WHERE schemaname = 'public'"
    ):
        if table in ACROSS_ONLY:
            continue
        assert (kind, check) == ("ALL", None), (table, name)
        assert f"{OF_SHOPS[table]} = (NULLIF({scope}, ''::text))::bigint" in using, (table, name)
    functions = thief.execute(
        "SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND prosecdef"
    ).fetchall()
    assert functions == [], "a function that runs as its owner sees past the policies of its caller"


def test_other_shop_sees_nothing_however_it_asks(
    shops: TwoShops, thief: psycopg.Connection[Any]
) -> None:
    ids = {"one": shops.one.id, "other": shops.other.id}
    seen: list[str] = []
    thief.add_notice_handler(lambda notice: seen.append(notice.message_primary or ""))
    for table, column in OF_SHOPS.items():
        with thief.transaction(force_rollback=True):
            work_for(thief, shops.other.id)
            thief.execute(SPY)
            for look in LOOKS:
                row = thief.execute(look.format(t=table, c=column), ids).fetchone()
                assert row == (0,), (table, look)
            for copied in (f"COPY {table} TO STDOUT", f"COPY (TABLE {table}) TO STDOUT"):
                with thief.cursor().copy(copied) as rows:
                    said = b"".join(bytes(part) for part in rows).decode()
                assert not [mark for mark in shops.marks if mark in said], (table, copied)
            thief.execute(f"SELECT FROM {table} x WHERE pg_temp.spy(x.{column}, x.{column})")
            thief.execute(
                f"DECLARE c CURSOR FOR SELECT {column} FROM {table} WHERE {column} = {ids['one']}"
            )
            assert thief.execute("FETCH ALL c").fetchall() == []
    assert f"saw {shops.other.id}" in seen, "the spy was never asked: this test shows nothing"
    assert f"saw {shops.one.id}" not in seen
    for table in ACROSS_ONLY:
        with thief.transaction():
            work_for(thief, shops.other.id)
            assert thief.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,)


def test_other_shop_adds_moves_and_removes_nothing(
    shops: TwoShops, world: World, thief: psycopg.Connection[Any]
) -> None:
    before = rows_of(world, shops.one)
    one, other = shops.one.id, shops.other.id
    for table, column in OF_SHOPS.items():
        if table == "shops":
            adds = "INSERT INTO shops (domain, name, installed_at) VALUES ('x', 'x', now())"
        else:
            adds = f"INSERT INTO {table} ({column}) VALUES ({one})"
        attempts: list[tuple[int, str]] = [
            (other, adds),
            (other, f"INSERT INTO {table} SELECT * FROM {table} WHERE {column} = {one}"),
            (other, f"UPDATE {table} SET {column} = {other} WHERE {column} = {one}"),
            (other, f"UPDATE {table} SET {column} = {column} WHERE {column} <> {other}"),
            (other, f"WITH x AS (DELETE FROM {table} WHERE {column} = {one} RETURNING 1) TABLE x"),
            (other, f"DELETE FROM {table} WHERE {column} = {one}"),
            (other, f"DELETE FROM {table} USING shops s WHERE s.id = {one}"),
            (other, f"SELECT {column} FROM {table} WHERE {column} = {one} FOR UPDATE"),
            (other, f"TRUNCATE {table} CASCADE"),
            # The shop itself may not push a row of its own over to somebody else either.
            (one, f"UPDATE {table} SET {column} = {other} WHERE {column} = {one}"),
        ]
        for who, attempt in attempts:
            try:
                with thief.transaction(force_rollback=False):
                    work_for(thief, who)
                    touched = thief.execute(attempt).rowcount
            except (errors.InsufficientPrivilege, errors.GeneratedAlways):
                continue
            except errors.SyntaxError as error:
                raise AssertionError(attempt) from error
            assert touched == 0, attempt
            assert attempt != adds and who == other, f"was not refused: {attempt}"
        with pytest.raises(psycopg.Error), thief.transaction():
            work_for(thief, other)
            with thief.cursor().copy(f"COPY {table} ({column}) FROM STDIN") as rows:
                rows.write(f"{one}\n")
    assert rows_of(world, shops.one) == before


def test_own_row_may_be_added_so_the_refusals_above_mean_something(
    shops: TwoShops, thief: psycopg.Connection[Any]
) -> None:
    for table, column in OF_SHOPS.items():
        if table == "shops":
            continue
        try:
            with thief.transaction(force_rollback=True):
                work_for(thief, shops.other.id)
                thief.execute(f"INSERT INTO {table} ({column}) VALUES ({shops.other.id})")
        except (errors.NotNullViolation, errors.UniqueViolation):
            continue  # the policy said yes, and the table's other rules came to speak


@pytest.mark.parametrize("forged", ["", *FORGED])
def test_forged_or_missing_scope_shows_nothing(
    world: World, thief: psycopg.Connection[Any], forged: str
) -> None:
    world.shop()
    for table in (*OF_SHOPS, *ACROSS_ONLY):
        try:
            with thief.transaction():
                work_for(thief, forged)
                assert thief.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,), table
        except (errors.InvalidTextRepresentation, errors.NumericValueOutOfRange):
            continue
    # And what a transaction said is not left for the next one on its connection.
    with thief.transaction():
        thief.execute("SELECT set_config('doorstep.across_shops', 'test', true)")
        assert thief.execute("SELECT count(*) FROM shops").fetchone() == (1,)
    for table in (*OF_SHOPS, *ACROSS_ONLY):
        assert thief.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,), table


def test_our_own_code_cannot_be_made_to_forge_a_scope(world: World) -> None:
    for forged in FORGED:
        if forged in ("0", "-1", "１", "99999999999999999999"):  # numbers, of nobody
            continue
        with pytest.raises(ValueError), world.db.shop(forged):  # type: ignore[arg-type]
            pass
    named = "o'brien'); SET doorstep.shop_id = '1'; --"
    with world.db.across_shops(named) as session:
        said = session.sql(
            "SELECT current_setting('doorstep.across_shops') AS across,"
            " current_setting('doorstep.shop_id', true) AS shop"
        ).one()
    assert said[0] == named
    assert said[1] in (None, "")


def test_app_role_breaks_out_of_nothing(
    shops: TwoShops, world: World, thief: psycopg.Connection[Any]
) -> None:
    before = rows_of(world, shops.one)
    for attempt in BREAKOUTS:
        refusals = errors.InsufficientPrivilege, errors.FeatureNotSupported, errors.UndefinedObject
        with pytest.raises(psycopg.Error) as refused, thief.transaction(force_rollback=True):
            work_for(thief, shops.other.id)
            thief.execute(sql.SQL(attempt))  # type: ignore[arg-type]
            raise AssertionError(attempt)
        assert isinstance(refused.value, refusals), (attempt, refused.value)
    with pytest.raises(errors.InsufficientPrivilege):  # runs in no transaction
        thief.execute("ALTER SYSTEM SET shared_preload_libraries = 'x'")
    # Without policies Postgres answers nothing rather than everything.
    with pytest.raises(errors.InsufficientPrivilege), thief.transaction():
        thief.execute("SET LOCAL row_security = off")
        thief.execute("SELECT count(*) FROM contacts")
    assert rows_of(world, shops.one) == before


def test_planner_statistics_tell_no_values(
    shops: TwoShops, database: test_servers.Database, thief: psycopg.Connection[Any]
) -> None:
    with psycopg.connect(database.owner_url, autocommit=True) as owner:
        owner.execute("ANALYZE")
    told = thief.execute("SELECT count(*) FROM pg_stats WHERE schemaname = 'public'").fetchone()
    assert told is not None
    tables = thief.execute(
        "SELECT DISTINCT tablename FROM pg_stats WHERE schemaname = 'public'"
    ).fetchall()
    assert {row[0] for row in tables} <= NO_SHOPS_ROWS


def test_role_is_nobodys_superior(thief: psycopg.Connection[Any]) -> None:
    role = thief.execute(
        "SELECT rolsuper, rolbypassrls, rolcreaterole, rolcreatedb, rolreplication FROM pg_roles"
        " WHERE rolname = current_user"
    ).fetchone()
    assert role == (False,) * 5
    member_of = thief.execute(
        "SELECT count(*) FROM pg_auth_members m JOIN pg_roles r ON r.oid = m.member"
        " WHERE r.rolname = current_user"
    ).fetchone()
    assert member_of == (0,)
    owns = thief.execute(
        "SELECT count(*) FROM pg_class c JOIN pg_roles r ON r.oid = c.relowner"
        " WHERE r.rolname = current_user"
    ).fetchone()
    assert owns == (0,)
