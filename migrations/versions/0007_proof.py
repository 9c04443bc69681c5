"""Proof: what every ledger row was, sealed into a chain for each shop.

Revision: 0007, after 0006

Ledgers learn in which transaction a row was written (`xid`), so that the seal knows what can no
longer come late; texts and their status reports get ledgers of their own.
"""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

# The expression is stable, so existing rows get this migration's own number without a rewrite.
WRITTEN_IN = """
ALTER TABLE {table} ADD COLUMN xid BIGINT NOT NULL DEFAULT (pg_current_xact_id()::text::bigint);
CREATE INDEX {table}_to_seal ON {table} (shop_id, xid, id);
"""

TABLES = """
ALTER TABLE messages ADD COLUMN written_by TEXT;

CREATE INDEX permissions_check_in ON permissions (check_in_id) WHERE check_in_id IS NOT NULL;

CREATE TABLE message_status_events (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    shop_id BIGINT NOT NULL,
    message_id BIGINT,
    provider_sid TEXT,
    status TEXT NOT NULL,
    error_code TEXT,
    reason TEXT,
    at TIMESTAMP WITH TIME ZONE NOT NULL,
    xid BIGINT DEFAULT (pg_current_xact_id()::text::bigint) NOT NULL,
    PRIMARY KEY (id),
    FOREIGN KEY(shop_id) REFERENCES shops (id) ON DELETE CASCADE
);
CREATE INDEX message_status_events_message ON message_status_events (message_id)
    WHERE message_id IS NOT NULL;
CREATE UNIQUE INDEX message_status_events_once
    ON message_status_events (shop_id, provider_sid, status);
CREATE INDEX message_status_events_to_seal ON message_status_events (shop_id, xid, id);

CREATE TABLE text_records (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    shop_id BIGINT NOT NULL,
    message_id BIGINT NOT NULL,
    direction TEXT NOT NULL,
    author TEXT NOT NULL,
    written_by TEXT,
    purpose TEXT,
    order_id BIGINT,
    words TEXT NOT NULL,
    photos BIGINT NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    recorded_at TIMESTAMP WITH TIME ZONE NOT NULL,
    xid BIGINT DEFAULT (pg_current_xact_id()::text::bigint) NOT NULL,
    PRIMARY KEY (id),
    FOREIGN KEY(shop_id) REFERENCES shops (id) ON DELETE CASCADE
);
CREATE UNIQUE INDEX text_records_message ON text_records (message_id);
CREATE INDEX text_records_to_seal ON text_records (shop_id, xid, id);

CREATE TABLE audit_chains (
    shop_id BIGINT NOT NULL,
    secret TEXT NOT NULL,
    sealed_below BIGINT DEFAULT '0' NOT NULL,
    number BIGINT DEFAULT '0' NOT NULL,
    head TEXT DEFAULT '' NOT NULL,
    anchored BIGINT DEFAULT '0' NOT NULL,
    PRIMARY KEY (shop_id),
    FOREIGN KEY(shop_id) REFERENCES shops (id) ON DELETE CASCADE
);

CREATE TABLE audit_seals (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    shop_id BIGINT NOT NULL,
    number BIGINT NOT NULL,
    ledger TEXT NOT NULL,
    below BIGINT NOT NULL,
    row_ids BIGINT[] NOT NULL,
    digests BYTEA NOT NULL,
    root TEXT NOT NULL,
    previous TEXT NOT NULL,
    hash TEXT NOT NULL,
    sealed_at TIMESTAMP WITH TIME ZONE NOT NULL,
    PRIMARY KEY (id),
    FOREIGN KEY(shop_id) REFERENCES shops (id) ON DELETE CASCADE
);
CREATE INDEX audit_seals_covering ON audit_seals (shop_id, ledger, below);
CREATE UNIQUE INDEX audit_seals_number ON audit_seals (shop_id, number);
"""

NEW_TABLES = (
    "message_status_events",
    "text_records",
    "audit_chains",
    "audit_seals",
)

ROW_LEVEL_SECURITY = """
ALTER TABLE {table} ENABLE ROW LEVEL SECURITY;
ALTER TABLE {table} FORCE ROW LEVEL SECURITY;
CREATE POLICY of_its_shop ON {table} USING (
  shop_id = nullif(current_setting('doorstep.shop_id', true), '')::bigint
  OR nullif(current_setting('doorstep.across_shops', true), '') IS NOT NULL);
GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO doorstep_app;
"""

APPEND_ONLY = """
REVOKE UPDATE, DELETE ON {table} FROM doorstep_app;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON {table}
  FOR EACH ROW EXECUTE FUNCTION refuse_change();
"""


def upgrade() -> None:
    execute = op.get_bind().connection.driver_connection.execute
    for table in ("audit_entries", "consent_events", "permissions", "messages"):
        execute(WRITTEN_IN.format(table=table))
    execute(TABLES)
    for table in NEW_TABLES:
        execute(ROW_LEVEL_SECURITY.format(table=table))
        if table != "audit_chains":
            execute(APPEND_ONLY.format(table=table))


def downgrade() -> None:
    execute = op.get_bind().connection.driver_connection.execute
    execute(f"DROP TABLE {', '.join(NEW_TABLES)}")
    execute("DROP INDEX permissions_check_in")
    execute("ALTER TABLE messages DROP COLUMN written_by")
    for table in ("audit_entries", "consent_events", "permissions", "messages"):
        execute(f"ALTER TABLE {table} DROP COLUMN xid")
