"""A stored Gorgias webhook becomes what follows from it. Called by the worker, in any order."""

from __future__ import annotations

from datetime import datetime

from app.helpdesk.needs import Needs
from app.helpdesk.receive_hook import receive_hook
from app.vendors.gorgias import webhooks


def work(
    tools: Needs,
    *,
    topic: str,
    owner: str,
    body: bytes,
    receipt_id: int,
    occurred_at: datetime | None,
) -> bool:
    """Work one event, slimmed by the door; `owner` is the helpdesk account's id. Always done."""
    receive_hook(tools, account_id=int(owner), hook=webhooks.parse(body))
    return True
