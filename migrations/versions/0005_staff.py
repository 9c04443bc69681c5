"""Staff and their roles; a shop's own row is under row-level security too.

Revision: 0005, after 0004

`shops` was open to every shop's transaction. Reading showed domains only, but a DELETE would have
cascaded into all of another shop's rows, for Postgres does not ask policies there.
"""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

STAFF = """
CREATE TABLE staff (
  shop_id bigint NOT NULL REFERENCES shops (id) ON DELETE CASCADE,
  user_id bigint NOT NULL,
  role text NOT NULL,
  added_at timestamptz NOT NULL,
  added_by text NOT NULL,
  PRIMARY KEY (shop_id, user_id)
);
GRANT SELECT, INSERT, UPDATE, DELETE ON staff TO doorstep_app;
ALTER TABLE staff ENABLE ROW LEVEL SECURITY;
ALTER TABLE staff FORCE ROW LEVEL SECURITY;
CREATE POLICY of_its_shop ON staff USING (
  shop_id = nullif(current_setting('doorstep.shop_id', true), '')::bigint
  OR nullif(current_setting('doorstep.across_shops', true), '') IS NOT NULL);
"""

SHOPS = """
ALTER TABLE shops ENABLE ROW LEVEL SECURITY;
ALTER TABLE shops FORCE ROW LEVEL SECURITY;
CREATE POLICY itself ON shops USING (
  id = nullif(current_setting('doorstep.shop_id', true), '')::bigint
  OR nullif(current_setting('doorstep.across_shops', true), '') IS NOT NULL);
REVOKE DELETE ON shops FROM doorstep_app;
"""


def upgrade() -> None:
    execute = op.get_bind().connection.driver_connection.execute
    execute(STAFF)
    execute(SHOPS)


def downgrade() -> None:
    execute = op.get_bind().connection.driver_connection.execute
    execute("GRANT DELETE ON shops TO doorstep_app")
    execute("DROP POLICY itself ON shops")
    execute("ALTER TABLE shops NO FORCE ROW LEVEL SECURITY")
    execute("ALTER TABLE shops DISABLE ROW LEVEL SECURITY")
    execute("DROP TABLE staff")
