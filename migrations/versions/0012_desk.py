"""Saved replies of a shop; an index to find who read a buyer's data lately.

Revision: 0012, after 0011

All of it is new, so the previous release works on beside it. The index is built CONCURRENTLY, so
outside a transaction, and everything is repeatable: a build that was broken off leaves an invalid
index, and the table that was made before it.
"""

from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

SAVED_REPLIES = """
CREATE TABLE IF NOT EXISTS saved_replies (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    shop_id BIGINT NOT NULL,
    title TEXT NOT NULL,
    text TEXT NOT NULL,
    changed_at TIMESTAMP WITH TIME ZONE NOT NULL,
    PRIMARY KEY (id),
    FOREIGN KEY(shop_id) REFERENCES shops (id) ON DELETE CASCADE
)
"""
OF_ITS_SHOP = """
CREATE POLICY of_its_shop ON saved_replies USING (
  shop_id = nullif(current_setting('doorstep.shop_id', true), '')::bigint
  OR nullif(current_setting('doorstep.across_shops', true), '') IS NOT NULL)
"""


def upgrade() -> None:
    op.execute(SAVED_REPLIES)
    op.execute(
        "CREATE UNIQUE INDEX IF NOT EXISTS saved_replies_title ON saved_replies (shop_id, title)"
    )
    op.execute("ALTER TABLE saved_replies ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE saved_replies FORCE ROW LEVEL SECURITY")
    op.execute("DROP POLICY IF EXISTS of_its_shop ON saved_replies")
    op.execute(OF_ITS_SHOP)
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON saved_replies TO doorstep_app")
    with op.get_context().autocommit_block():
        op.execute("DROP INDEX CONCURRENTLY IF EXISTS audit_entries_reads")
        op.execute(
            "CREATE INDEX CONCURRENTLY audit_entries_reads"
            " ON audit_entries (shop_id, subject, actor, at) WHERE action = 'data.read'"
        )


def downgrade() -> None:
    op.execute("DROP INDEX audit_entries_reads")
    op.execute("DROP TABLE saved_replies")
