"""How many comments a write to a ticket is: one, unless it brought a thread's history.

Revision: 0013, after 0012

New, with a default, so the previous release works on beside it.
"""

from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE ticket_writes ADD COLUMN comments BIGINT DEFAULT 1 NOT NULL")


def downgrade() -> None:
    op.execute("ALTER TABLE ticket_writes DROP COLUMN comments")
