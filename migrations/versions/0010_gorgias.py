"""A helpdesk whose refresh token does not end.

Revision: 0010, after 0009
"""

from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE helpdesk_accounts ALTER COLUMN refresh_expires_at DROP NOT NULL")


def downgrade() -> None:
    # Whoever has none gets one far away: the release before knows no other way to say never.
    op.execute(
        "UPDATE helpdesk_accounts SET refresh_expires_at = now() + interval '100 years'"
        " WHERE refresh_expires_at IS NULL"
    )
    op.execute("ALTER TABLE helpdesk_accounts ALTER COLUMN refresh_expires_at SET NOT NULL")
