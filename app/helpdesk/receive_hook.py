"""A webhook of the helpdesk: what it makes us look at.

Called by the vendor's `receipts` in a worker. Nothing in an event is believed but ids and what
it spares us from looking at; replies become jobs of their own, in order per ticket.
"""

from __future__ import annotations

import contextlib

import sqlalchemy as sa

from app.foundation.db import LaterWork
from app.helpdesk import ledger
from app.helpdesk.follow_state import follow_ticket
from app.helpdesk.models import TicketLink
from app.helpdesk.needs import Needs
from app.helpdesk.ports import Disconnected, HelpdeskHook, HookKind


def receive_hook(tools: Needs, *, account_id: int, hook: HelpdeskHook) -> None:
    """Have the reply imported, or follow the ticket's state. Unknown tickets are not ours."""
    if not hook.asks_something:
        return
    with tools.db.across_shops("helpdesk: whose ticket is this") as session:
        link = session.scalars(
            sa.select(TicketLink)
            .where(TicketLink.account_id == account_id, TicketLink.ticket_id == hook.ticket_id)
            .order_by(TicketLink.id.desc())
            .limit(1)
        ).one_or_none()
        if link is None:
            return
        if hook.kind is HookKind.COMMENT_ADDED and hook.comment_id is not None:
            if ledger.is_settled_as(session, link_id=link.id, comment_id=hook.comment_id):
                return
            session.later(_reading(link, hook.comment_id))
        elif hook.kind is HookKind.CHANGED:
            session.later(_reading(link, None))
    if hook.kind is not HookKind.COMMENT_ADDED:
        # A disconnected account is followed up by the poll once it is connected again.
        with contextlib.suppress(Disconnected):
            follow_ticket(
                tools, shop_id=link.shop_id, link_id=link.id, merged_into=hook.merged_into
            )


def _reading(link: TicketLink, comment_id: str | None) -> LaterWork:
    return LaterWork(
        shop_id=link.shop_id,
        topic="helpdesk.import_reply",
        queue="reply",
        payload={"link_id": link.id, "comment_id": comment_id},
        ordering_key=f"helpdesk-replies:{link.id}",
    )
