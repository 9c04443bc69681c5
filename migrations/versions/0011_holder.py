"""Who holds a thread, when its ticket opens, and what the buyer was promised.

Revision: 0011, after 0010

All of it is new and may be empty, so the previous release works on beside it.
"""

from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


PROMISES = """
CREATE TABLE promises (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    shop_id BIGINT NOT NULL,
    conversation_id BIGINT NOT NULL,
    kind TEXT NOT NULL,
    state TEXT DEFAULT 'open' NOT NULL,
    made_at TIMESTAMP WITH TIME ZONE NOT NULL,
    due_at TIMESTAMP WITH TIME ZONE NOT NULL,
    settled_at TIMESTAMP WITH TIME ZONE,
    instead_of BIGINT,
    PRIMARY KEY (id),
    UNIQUE (instead_of),
    FOREIGN KEY(shop_id) REFERENCES shops (id) ON DELETE CASCADE,
    FOREIGN KEY(conversation_id) REFERENCES conversations (id) ON DELETE CASCADE,
    FOREIGN KEY(instead_of) REFERENCES promises (id) ON DELETE CASCADE
)
"""
INDICES = (
    "CREATE UNIQUE INDEX promises_one_open ON promises (conversation_id, kind)"
    " WHERE state = 'open'",
    "CREATE INDEX promises_due ON promises (due_at) WHERE state = 'open'",
    "CREATE INDEX promises_conversation ON promises (conversation_id, id)",
)
OF_ITS_SHOP = """
CREATE POLICY of_its_shop ON promises USING (
  shop_id = nullif(current_setting('doorstep.shop_id', true), '')::bigint
  OR nullif(current_setting('doorstep.across_shops', true), '') IS NOT NULL)
"""
PREFERENCES = (
    "ticket_opens TEXT DEFAULT 'first_text' NOT NULL",
    "agent_hours JSONB",
    "agent_closed_days JSONB DEFAULT '[]' NOT NULL",
    "answer_minutes BIGINT DEFAULT 10 NOT NULL",
    "routing_rules JSONB DEFAULT '[]' NOT NULL",
)


def upgrade() -> None:
    # In the order of the inbound door, which reads preferences before it writes to a thread: the
    # other way round the two would wait for each other.
    for column in PREFERENCES:
        op.execute(f"ALTER TABLE shop_preferences ADD COLUMN {column}")
    op.execute(PROMISES)
    for index in INDICES:
        op.execute(index)
    op.execute("ALTER TABLE promises ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE promises FORCE ROW LEVEL SECURITY")
    op.execute(OF_ITS_SHOP)
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON promises TO doorstep_app")
    op.execute("ALTER TABLE conversations ADD COLUMN raised_at TIMESTAMP WITH TIME ZONE")
    op.execute("ALTER TABLE ticket_links ADD COLUMN tag_obeyed TEXT")
    op.execute("ALTER TABLE ticket_links ADD COLUMN wanted_state TEXT")
    op.execute("ALTER TABLE ticket_links ADD COLUMN routed_as JSONB")


def downgrade() -> None:
    for column in PREFERENCES:
        op.execute(f"ALTER TABLE shop_preferences DROP COLUMN {column.split()[0]}")
    op.execute("ALTER TABLE ticket_links DROP COLUMN routed_as")
    op.execute("ALTER TABLE ticket_links DROP COLUMN wanted_state")
    op.execute("ALTER TABLE ticket_links DROP COLUMN tag_obeyed")
    op.execute("ALTER TABLE conversations DROP COLUMN raised_at")
    op.execute("DROP TABLE promises")
