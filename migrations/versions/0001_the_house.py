"""The house: every table, row-level security on each that belongs to a shop.

Revision: 0001, first

The role `doorstep_app` connects for web, worker and ticker. It owns nothing and cannot bypass
row-level security; it sees the rows of the shop named in `doorstep.shop_id`, or all rows when
`doorstep.across_shops` names the worker that must (ticker, relay, doors that look up their key).
"""

from pathlib import Path

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

APP_ROLE = """
DO $$ BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'doorstep_app') THEN
    CREATE ROLE doorstep_app NOLOGIN NOSUPERUSER NOBYPASSRLS;
  END IF;
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'doorstep_app' AND (rolbypassrls OR rolsuper))
  THEN
    RAISE EXCEPTION 'role doorstep_app may bypass row-level security'
      USING HINT = 'ALTER ROLE doorstep_app NOSUPERUSER NOBYPASSRLS';
  END IF;
END $$;
GRANT USAGE ON SCHEMA public TO doorstep_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO doorstep_app;
REVOKE INSERT, UPDATE, DELETE ON alembic_version FROM doorstep_app;
"""

ROW_LEVEL_SECURITY = """
DO $$ DECLARE t text; BEGIN
  FOR t IN SELECT c.table_name FROM information_schema.columns c
           WHERE c.table_schema = 'public' AND c.column_name = 'shop_id' LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
    EXECUTE format($policy$
      CREATE POLICY of_its_shop ON %I USING (
        shop_id = nullif(current_setting('doorstep.shop_id', true), '')::bigint
        OR nullif(current_setting('doorstep.across_shops', true), '') IS NOT NULL)
    $policy$, t);
  END LOOP;
END $$;
"""

# A receipt may come before its shop is known: any door adds, only work across shops reads.
RECEIPTS = """
ALTER TABLE receipts ENABLE ROW LEVEL SECURITY;
ALTER TABLE receipts FORCE ROW LEVEL SECURITY;
CREATE POLICY doors_add ON receipts FOR INSERT WITH CHECK (true);
CREATE POLICY across_shops_read ON receipts
  USING (nullif(current_setting('doorstep.across_shops', true), '') IS NOT NULL);
"""

# Evidence is written once. The grant stops the app; the trigger stops everybody else's slip.
LEDGERS = """
REVOKE UPDATE, DELETE ON consent_events, permissions, audit_entries FROM doorstep_app;
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION '% is append-only', TG_TABLE_NAME; END $$;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON consent_events
  FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON audit_entries
  FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON permissions
  FOR EACH ROW EXECUTE FUNCTION refuse_change();
"""


def upgrade() -> None:
    # The driver's own execution, so that colons and percent signs of the SQL stay as they are.
    execute = op.get_bind().connection.driver_connection.execute
    execute((Path(__file__).parent / "0001_tables.sql").read_text())
    execute(APP_ROLE)
    execute(ROW_LEVEL_SECURITY)
    execute(RECEIPTS)
    execute(LEDGERS)


def downgrade() -> None:
    execute = op.get_bind().connection.driver_connection.execute
    tables = [
        row[0]
        for row in execute(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
            " AND tablename <> 'alembic_version'"
        )
    ]
    execute(f"DROP TABLE {', '.join(tables)} CASCADE")
    execute("DROP FUNCTION refuse_change()")
    execute("REVOKE ALL ON SCHEMA public FROM doorstep_app")
    execute("REVOKE ALL ON alembic_version FROM doorstep_app")
