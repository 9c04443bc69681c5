"""When a text is looked up next, which text a second attempt repeats, since when a check-in waits.

Revision: 0004, after: 0003

All three may be empty, so the previous release works beside them: a text that it left `sending`
has no `look_up_at` and is found by the time of its claim.
"""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE messages ADD COLUMN look_up_at TIMESTAMP WITH TIME ZONE")
    op.execute("ALTER TABLE messages ADD COLUMN retry_of BIGINT")
    op.execute("CREATE INDEX messages_retry ON messages (retry_of) WHERE retry_of IS NOT NULL")
    op.execute("ALTER TABLE check_ins ADD COLUMN held_since TIMESTAMP WITH TIME ZONE")


def downgrade() -> None:
    op.execute("ALTER TABLE check_ins DROP COLUMN held_since")
    op.execute("ALTER TABLE messages DROP COLUMN retry_of")
    op.execute("ALTER TABLE messages DROP COLUMN look_up_at")
