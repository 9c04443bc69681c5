"""A helpdesk whose refresh token does not end.

Revision: 0010, after 0009
"""

from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


ACROSS_SHOPS = "SELECT set_config('doorstep.across_shops', 'migration 0010', true)"
# The release before knows no other way to say never.
FAR_AWAY = """
UPDATE helpdesk_accounts SET refresh_expires_at = now() + interval '100 years'
WHERE refresh_expires_at IS NULL
"""


def upgrade() -> None:
    op.execute("ALTER TABLE helpdesk_accounts ALTER COLUMN refresh_expires_at DROP NOT NULL")


def downgrade() -> None:
    op.execute(ACROSS_SHOPS)
    op.execute(FAR_AWAY)
    op.execute("ALTER TABLE helpdesk_accounts ALTER COLUMN refresh_expires_at SET NOT NULL")
