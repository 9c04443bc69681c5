"""A buyer who was asked whether we should stop; a thread in which somebody is in danger.

Revision: 0008, after 0007
"""

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE contacts ADD COLUMN opt_out_asked_at TIMESTAMP WITH TIME ZONE")
    op.execute("ALTER TABLE conversations ADD COLUMN urgent_at TIMESTAMP WITH TIME ZONE")
    op.execute(
        "CREATE INDEX contacts_asked ON contacts (opt_out_asked_at)"
        " WHERE opt_out_asked_at IS NOT NULL"
    )


def downgrade() -> None:
    op.execute("ALTER TABLE conversations DROP COLUMN urgent_at")
    op.execute("ALTER TABLE contacts DROP COLUMN opt_out_asked_at")
