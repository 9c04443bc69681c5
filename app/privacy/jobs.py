"""RQ doors of privacy.

Webhooks as they came go first, rows after: a receipt that is still to be worked may write a name
anew. Photos, and the provider's copies, are deleted by work that the redacting transaction puts
off, so nothing is lost when a worker is killed.
"""

from __future__ import annotations

from app.foundation.db import LaterWork
from app.foundation.jobs import Tools
from app.foundation.outbox import Postponed
from app.privacy import receipts, redact

CONTACTS_AT_ONCE = 100


def redact_customer(
    tools: Tools, *, shop_id: int, customer_id: int | None, order_ids: list[int]
) -> None:
    buyer = redact.Buyer(customer_id=customer_id, order_ids=tuple(order_ids))
    with tools.db.shop(shop_id) as session:
        owners = receipts.owners_of(session, shop_id=shop_id, buyer=buyer)
    if not receipts.erase_receipts(tools.db, owners):
        raise Postponed(30, "receipts about this buyer are still to be worked")
    with tools.db.shop(shop_id) as session:
        redact.redact_buyer(session, now=tools.clock.now(), shop_id=shop_id, buyer=buyer)


def redact_shop(tools: Tools, *, shop_id: int, after: int = 0) -> None:
    """48 hours after an uninstall; a merchant who came back meanwhile keeps everything.

    One job for some hundred buyers, which puts off the next one for those `after` them.
    """
    now = tools.clock.now()
    with tools.db.shop(shop_id) as session:
        if not redact.still_uninstalled(session, shop_id=shop_id):
            return
        redact.retire_line(session, shop_id=shop_id)
        contact_ids = redact.next_contacts(
            session, shop_id=shop_id, after=after, most=CONTACTS_AT_ONCE
        )
        redact.redact_contacts(session, now=now, shop_id=shop_id, contact_ids=contact_ids)
        if contact_ids:
            session.later(
                LaterWork(
                    shop_id=shop_id,
                    topic="privacy.redact_shop",
                    queue="slow",
                    payload={"after": contact_ids[-1]},
                )
            )
            return
        owners = receipts.owners_of(session, shop_id=shop_id, buyer=None)
    if not receipts.erase_receipts(tools.db, owners):
        raise Postponed(30, "receipts of this shop are still to be worked")
    with tools.db.shop(shop_id) as session:
        redact.redact_nobodys_orders(session, now=now, shop_id=shop_id)
        redact.finish_shop(session, now=now, shop_id=shop_id)
