"""Requests about a buyer's data as rows; how long a shop keeps texts, and how far that was done.

Revision: 0009, after: 0008

All of it is new, so the previous release works on beside it. The index is built CONCURRENTLY, so
outside a transaction, and repeatable, because a build that was broken off leaves an invalid one.
"""

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

REQUESTS = """
CREATE TABLE privacy_requests (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    shop_id BIGINT NOT NULL,
    kind TEXT NOT NULL,
    source TEXT NOT NULL,
    state TEXT DEFAULT 'open' NOT NULL,
    contact_ids BIGINT[] DEFAULT '{}' NOT NULL,
    customer_id BIGINT,
    order_ids BIGINT[] DEFAULT '{}' NOT NULL,
    asked_at TIMESTAMP WITH TIME ZONE NOT NULL,
    due_at TIMESTAMP WITH TIME ZONE NOT NULL,
    code TEXT,
    code_until TIMESTAMP WITH TIME ZONE,
    act_at TIMESTAMP WITH TIME ZONE,
    page_key TEXT,
    data_key TEXT,
    kept_until TIMESTAMP WITH TIME ZONE,
    fulfilled_at TIMESTAMP WITH TIME ZONE,
    fulfilled_by TEXT,
    PRIMARY KEY (id),
    FOREIGN KEY(shop_id) REFERENCES shops (id) ON DELETE CASCADE
)
"""
INDICES = (
    "CREATE INDEX privacy_requests_of_shop ON privacy_requests (shop_id, id)",
    "CREATE INDEX privacy_requests_to_act ON privacy_requests (act_at)"
    " WHERE state = 'ready' AND act_at IS NOT NULL",
    "CREATE INDEX privacy_requests_kept ON privacy_requests (kept_until)"
    " WHERE kept_until IS NOT NULL",
)
OF_ITS_SHOP = """
CREATE POLICY of_its_shop ON privacy_requests USING (
  shop_id = nullif(current_setting('doorstep.shop_id', true), '')::bigint
  OR nullif(current_setting('doorstep.across_shops', true), '') IS NOT NULL)
"""


def upgrade() -> None:
    op.execute(REQUESTS)
    for index in INDICES:
        op.execute(index)
    op.execute("ALTER TABLE privacy_requests ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE privacy_requests FORCE ROW LEVEL SECURITY")
    op.execute(OF_ITS_SHOP)
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON privacy_requests TO doorstep_app")
    op.execute("ALTER TABLE shop_preferences ADD COLUMN retention_days BIGINT")
    op.execute("ALTER TABLE shops ADD COLUMN aged_out_until TIMESTAMP WITH TIME ZONE")
    with op.get_context().autocommit_block():
        op.execute("DROP INDEX CONCURRENTLY IF EXISTS messages_by_age")
        op.execute("CREATE INDEX CONCURRENTLY messages_by_age ON messages (shop_id, created_at)")


def downgrade() -> None:
    op.execute("DROP INDEX messages_by_age")
    op.execute("ALTER TABLE shops DROP COLUMN aged_out_until")
    op.execute("ALTER TABLE shop_preferences DROP COLUMN retention_days")
    op.execute("DROP TABLE privacy_requests")
