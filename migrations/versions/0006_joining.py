"""Joining by text, page, QR code and short link: a shop's choices and its printed codes.

Revision: 0006, after 0005

Every column has a default and no old release reads them, so this is safe beside the one before.
"""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

UPGRADE = """
ALTER TABLE shop_preferences
  ADD COLUMN join_keyword TEXT,
  ADD COLUMN join_page BOOLEAN DEFAULT 'false' NOT NULL,
  ADD COLUMN join_double_opt_in BOOLEAN DEFAULT 'false' NOT NULL,
  ADD COLUMN join_marketing BOOLEAN DEFAULT 'false' NOT NULL,
  ADD COLUMN terms_url TEXT,
  ADD COLUMN privacy_url TEXT;

CREATE TABLE join_links (
    code TEXT NOT NULL,
    shop_id BIGINT NOT NULL,
    source TEXT NOT NULL,
    leads_to TEXT NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    PRIMARY KEY (code),
    FOREIGN KEY(shop_id) REFERENCES shops (id) ON DELETE CASCADE
);

CREATE UNIQUE INDEX join_links_once ON join_links (shop_id, source, leads_to);

GRANT SELECT, INSERT, UPDATE, DELETE ON join_links TO doorstep_app;
ALTER TABLE join_links ENABLE ROW LEVEL SECURITY;
ALTER TABLE join_links FORCE ROW LEVEL SECURITY;
CREATE POLICY of_its_shop ON join_links USING (
  shop_id = nullif(current_setting('doorstep.shop_id', true), '')::bigint
  OR nullif(current_setting('doorstep.across_shops', true), '') IS NOT NULL);
"""

DOWNGRADE = """
DROP TABLE join_links;
ALTER TABLE shop_preferences
  DROP COLUMN join_keyword,
  DROP COLUMN join_page,
  DROP COLUMN join_double_opt_in,
  DROP COLUMN join_marketing,
  DROP COLUMN terms_url,
  DROP COLUMN privacy_url;
"""


def upgrade() -> None:
    op.get_bind().connection.driver_connection.execute(UPGRADE)


def downgrade() -> None:
    op.get_bind().connection.driver_connection.execute(DOWNGRADE)
