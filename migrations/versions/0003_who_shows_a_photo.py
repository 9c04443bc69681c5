"""Photos are found by where they lie, so that one is deleted only when no row shows it any more.

Revision: 0002, after 0001
"""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("CREATE INDEX media_storage ON media (storage_key) WHERE storage_key IS NOT NULL")


def downgrade() -> None:
    op.execute("DROP INDEX media_storage")
