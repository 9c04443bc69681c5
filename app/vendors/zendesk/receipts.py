"""A stored Zendesk webhook becomes what follows from it. Called by the worker, in any order."""

from __future__ import annotations

from datetime import datetime

import structlog

from app.helpdesk.needs import Needs
from app.helpdesk.receive_hook import receive_hook
from app.vendors.zendesk import webhooks

log = structlog.get_logger()


def work(
    tools: Needs,
    *,
    topic: str,
    owner: str,
    body: bytes,
    receipt_id: int,
    occurred_at: datetime | None,
) -> bool:
    """Work one event; `owner` is the helpdesk account's id. Always done: its shop is known."""
    try:
        hook = webhooks.parse(body)
    except webhooks.Malformed as error:
        # Signed by Zendesk, yet a shape that we do not know. Trying again would not change it,
        # and the poll finds whatever it was about.
        log.warning("zendesk event not understood", receipt_id=receipt_id, reason=str(error))
        return True
    receive_hook(tools, account_id=int(owner), hook=hook)
    return True
