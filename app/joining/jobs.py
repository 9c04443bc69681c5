"""RQ doors of joining."""

from __future__ import annotations

from typing import Protocol

import structlog

from app.foundation import audit
from app.foundation.errors import Refused, Temporary, Unknowable
from app.foundation.jobs import Tools
from app.joining.tell_shopify import Untold, change_for_shopify
from app.orders.ports import Commerce
from app.shops.ports import TokenSource
from app.shops.tokens import NoToken, access_to

log = structlog.get_logger()


class Needs(Tools, Protocol):
    @property
    def commerce(self) -> Commerce: ...
    @property
    def tokens(self) -> TokenSource: ...


def sync_marketing(tools: Needs, *, shop_id: int, contact_id: int) -> None:
    """Tell Shopify what this buyer last decided. Raises Temporary, so that it is tried again."""
    now = tools.clock.now()
    with tools.db.shop(shop_id) as session:
        change = change_for_shopify(session, contact_id=contact_id)
    if isinstance(change, Untold):
        log.info("nothing to tell Shopify", contact_id=contact_id, reason=change.reason)
        return
    try:
        access = access_to(tools.db, tools.keys, tools.tokens, now=now, shop_id=shop_id)
        tools.commerce.write_sms_marketing(access, change)
        action, reason = (
            "consent.told_shopify",
            "subscribed" if change.subscribed else "unsubscribed",
        )
    except Unknowable as lost:
        # To set a state twice does no harm.
        raise Temporary(lost.vendor, "the answer was lost", code=lost.code) from lost
    except NoToken:
        return
    except Refused as refused:
        action, reason = "consent.not_told_shopify", str(refused)
    with tools.db.shop(shop_id) as session:
        audit.record(
            session,
            now=now,
            shop_id=shop_id,
            actor="system",
            action=action,
            subject=f"contact:{contact_id}",
            reason=reason,
        )
