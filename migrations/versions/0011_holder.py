"""Who holds a thread, and when its ticket opens.

Revision: 0011, after 0009

All of it is new and may be empty, so the previous release works on beside it.
"""

from alembic import op

revision = "0011"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE conversations ADD COLUMN raised_at TIMESTAMP WITH TIME ZONE")
    op.execute("ALTER TABLE ticket_links ADD COLUMN tag_obeyed TEXT")
    op.execute("ALTER TABLE ticket_links ADD COLUMN wanted_state TEXT")
    op.execute(
        "ALTER TABLE shop_preferences ADD COLUMN ticket_opens TEXT DEFAULT 'first_text' NOT NULL"
    )


def downgrade() -> None:
    op.execute("ALTER TABLE shop_preferences DROP COLUMN ticket_opens")
    op.execute("ALTER TABLE ticket_links DROP COLUMN wanted_state")
    op.execute("ALTER TABLE ticket_links DROP COLUMN tag_obeyed")
    op.execute("ALTER TABLE conversations DROP COLUMN raised_at")
