"""Alembic's entry. Runs as the owner of the schema (DATABASE_OWNER_URL), never as the app."""

from __future__ import annotations

import os

import sqlalchemy as sa
from alembic import context

from app.foundation.db import Base
from app.tables import ALL_TABLES

assert ALL_TABLES


def owner_url() -> str:
    given = context.config.attributes.get("url") or os.environ.get("DATABASE_OWNER_URL")
    if not given:
        raise SystemExit("Set DATABASE_OWNER_URL: the role that owns the schema, not the app's.")
    return str(given).replace("postgresql://", "postgresql+psycopg://", 1)


def run() -> None:
    engine = sa.create_engine(owner_url(), poolclass=sa.NullPool)
    with engine.connect() as connection:
        # Two releases deployed at once must not migrate side by side, and a migration must
        # rather fail than stand in line before every query of a busy table.
        connection.execute(sa.text("SET lock_timeout = '10s'"))
        connection.execute(sa.text("SELECT pg_advisory_lock(7105711)"))
        connection.commit()
        context.configure(connection=connection, target_metadata=Base.metadata)
        with context.begin_transaction():
            context.run_migrations()
        connection.execute(sa.text("SELECT pg_advisory_unlock(7105711)"))
        connection.commit()


run()
