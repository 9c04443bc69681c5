"""Indices that the relay, the ticker and an operator can walk and stop early.

Revision: 0002, follows 0001

Built beside the running release, which works on without them: CONCURRENTLY, so outside a
transaction, and repeatable, because a build that was broken off leaves an invalid index behind.
"""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

NEW = {
    "outbox_to_relay": "outbox (queue, available_at, id)"
    " WHERE relayed_at IS NULL AND failed_at IS NULL",
    "outbox_handed_out": "outbox (relayed_at) WHERE relayed_at IS NOT NULL AND failed_at IS NULL",
    "outbox_failed": "outbox (failed_at) WHERE failed_at IS NOT NULL",
    "receipts_to_relay": "receipts (source, available_at, id)"
    " WHERE state = 'pending' AND relayed_at IS NULL",
    "receipts_handed_out": "receipts (relayed_at)"
    " WHERE state = 'pending' AND relayed_at IS NOT NULL",
    "receipts_not_done": "receipts (state) WHERE state <> 'done'",
    "receipts_done": "receipts (processed_at) WHERE state = 'done'",
    "ticket_links_conversation": "ticket_links (conversation_id, id)",
    "ticket_links_lively": "ticket_links (account_id, last_activity_at)"
    " WHERE state IN ('open', 'solved')",
}
OLD = {
    "outbox_waiting": "outbox (available_at, id) WHERE failed_at IS NULL",
    "receipts_pending": "receipts (available_at, id) WHERE state = 'pending'",
}
# A poll of Shopify used to be told since when; now the shop's row says it.
ACROSS_SHOPS = "SELECT set_config('doorstep.across_shops', 'migration 0002', true)"
NOTHING_TOLD = "UPDATE outbox SET payload = '{}' WHERE topic = 'orders.reconcile'"
TOLD_AGAIN = """
UPDATE outbox SET payload = jsonb_build_object('since', now() - interval '26 hours')
WHERE topic = 'orders.reconcile'
"""


def upgrade() -> None:
    op.execute(ACROSS_SHOPS)
    op.execute(NOTHING_TOLD)
    exchange(OLD, NEW)


def downgrade() -> None:
    op.execute(ACROSS_SHOPS)
    op.execute(TOLD_AGAIN)
    exchange(NEW, OLD)


def exchange(old: dict[str, str], new: dict[str, str]) -> None:
    with op.get_context().autocommit_block():
        for name, definition in new.items():
            op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
            op.execute(f"CREATE INDEX CONCURRENTLY {name} ON {definition}")
        for name in old:
            op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
