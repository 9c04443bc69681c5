"""Look into open tickets for what a lost webhook kept from us.

Called by the job `helpdesk.poll`, which `enqueue_polls` puts off for each account that has
tickets to look into. Zendesk repeats only some failed deliveries and trips a circuit breaker
(developer.zendesk.com, "Webhooks"), so lively tickets are looked into every few minutes, quiet
ones every hour, a bounded number at a time: a look costs two requests of the account's limit.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import structlog

from app.foundation.db import Database, Session
from app.foundation.outbox import Postponed
from app.helpdesk.catch_up import catch_up
from app.helpdesk.follow_state import NotReadYet, follow_ticket
from app.helpdesk.models import HelpdeskAccount, TicketLink
from app.helpdesk.needs import Needs
from app.helpdesk.receive_reply import take_new_comments
from app.helpdesk.tokens import access_for

log = structlog.get_logger()

LINKS_PER_POLL = 20
LIVELY = timedelta(hours=2)  # since the last activity
LIVELY_EVERY = timedelta(minutes=2)
QUIET_EVERY = timedelta(hours=1)
ACTIVE_LATELY = timedelta(days=30)
SETTLED_AFTER = timedelta(minutes=10)  # a mirror not done by then is asked for again
IDLE = timedelta(hours=24)
REFRESH_TOKEN_MARGIN = timedelta(days=3)

_DUE_LINKS = """
  l.state IN ('open', 'solved') AND l.last_activity_at > %(now)s::timestamptz - %(active)s
  AND (l.polled_at IS NULL OR l.polled_at < %(now)s::timestamptz - %(quiet)s
       OR (l.polled_at < %(now)s::timestamptz - %(lively_every)s
           AND l.last_activity_at > %(now)s::timestamptz - %(lively)s))
"""
DUE_LINKS = f"""
SELECT l.id FROM ticket_links l WHERE l.account_id = %(account)s AND {_DUE_LINKS}
ORDER BY l.polled_at NULLS FIRST, l.id LIMIT %(most)s
"""
# The row in the outbox is the claim: one poll of an account at a time.
_ENQUEUE = """
INSERT INTO outbox (shop_id, topic, queue, payload, ordering_key)
SELECT a.shop_id, 'helpdesk.poll', 'slow', jsonb_build_object('account_id', a.id),
       'helpdesk-poll:' || a.id
FROM helpdesk_accounts a JOIN shops s ON s.id = a.shop_id AND s.state = 'installed'
WHERE a.state = 'connected' AND ({condition}) AND NOT EXISTS (
  SELECT FROM outbox o WHERE o.ordering_key = 'helpdesk-poll:' || a.id AND o.failed_at IS NULL)
"""
ENQUEUE_DUE = _ENQUEUE.format(
    condition=f"EXISTS (SELECT FROM ticket_links l WHERE l.account_id = a.id AND {_DUE_LINKS})"
)
ENQUEUE_IDLE = _ENQUEUE.format(
    condition="a.expires_at < %(now)s::timestamptz - %(idle)s"
    " OR a.refresh_expires_at < %(now)s::timestamptz + %(margin)s"
)
PACE = {
    "active": ACTIVE_LATELY,
    "quiet": QUIET_EVERY,
    "lively": LIVELY,
    "lively_every": LIVELY_EVERY,
}


def poll_account(tools: Needs, *, shop_id: int, account_id: int) -> None:
    """One round. Refreshes the account's tokens if they are about to end. Raises Disconnected,
    Temporary, Postponed when the helpdesk asks for a pause."""
    access_for(tools, shop_id=shop_id, account_id=account_id)
    now = tools.clock.now()
    with tools.db.shop(shop_id) as session:
        account = session.get_one(HelpdeskAccount, account_id)
        behind = catch_up(session, account=account, until=now - SETTLED_AFTER)
        if behind:
            log.info("threads put off to be written", account_id=account_id, threads=behind)
        due = _due_links(session, account_id, now)
    for link_id in due:
        # First, so that one ticket which cannot be read does not keep the others waiting.
        with tools.db.shop(shop_id) as session:
            session.get_one(TicketLink, link_id).polled_at = now
        _poll_link(tools, shop_id, link_id)


def _poll_link(tools: Needs, shop_id: int, link_id: int) -> None:
    try:
        take_new_comments(tools, shop_id=shop_id, link_id=link_id)
    except Postponed as postponed:
        # A write to this one ticket is under way; the others need not wait for it.
        log.info("poll passes over a ticket", link_id=link_id, why=str(postponed))
    try:
        follow_ticket(tools, shop_id=shop_id, link_id=link_id)
    except NotReadYet as postponed:
        log.info("poll passes over a ticket", link_id=link_id, why=str(postponed))


def _due_links(session: Session, account_id: int, now: datetime) -> list[int]:
    rows = session.connection().exec_driver_sql(
        DUE_LINKS, {"account": account_id, "now": now, "most": LINKS_PER_POLL, **PACE}
    )
    return [row.id for row in rows]


def enqueue_polls(db: Database, *, now: datetime) -> int:
    """Put off a poll for each connected account with tickets to look into."""
    with db.across_shops("helpdesk: polls that are due") as session:
        count = session.connection().exec_driver_sql(ENQUEUE_DUE, {"now": now, **PACE}).rowcount
    if count:
        db.ring()
    return count


def enqueue_refreshes(db: Database, *, now: datetime) -> int:
    """Put off a poll for each account whose tokens nobody used for long: it refreshes them."""
    with db.across_shops("helpdesk: tokens of idle accounts") as session:
        count = (
            session.connection()
            .exec_driver_sql(
                ENQUEUE_IDLE, {"now": now, "idle": IDLE, "margin": REFRESH_TOKEN_MARGIN}
            )
            .rowcount
        )
    if count:
        db.ring()
    return count
