"""What Shopify's own SMS marketing consent must learn from a change here.

Pure reading, for the job that carries it out. An opt-out ends marketing there too: whoever says no
to one text of a shop means all. Only marketing consent of ours subscribes there; care consent
never does. What came from Shopify is not told back; and what we told comes back as a webhook with
the very time that we sent, by which `vendors/shopify/receipts` knows it for its own echo.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from app.consent.models import ConsentEvent
from app.contacts.models import Contact
from app.foundation.db import Session
from app.orders.ports import SmsMarketing
from app.shops.models import Shop

SCOPE = "write_customers"
FROM_SHOPIFY = "shopify_sms"


@dataclass(frozen=True)
class Untold:
    """Nothing to tell. Reasons: no_customer, no_scope, not_installed, nothing, from_there."""

    reason: str


def change_for_shopify(session: Session, *, contact_id: int) -> SmsMarketing | Untold:
    contact, shop = session.execute(
        sa.select(Contact, Shop)
        .join(Shop, Shop.id == Contact.shop_id)
        .where(Contact.id == contact_id)
    ).one()
    if contact.shopify_customer_id is None:
        return Untold("no_customer")
    if shop.state != "installed":
        return Untold("not_installed")
    if SCOPE not in shop.scopes.split(","):
        return Untold("no_scope")
    latest = session.execute(
        sa.select(
            ConsentEvent.action,
            ConsentEvent.source,
            ConsentEvent.occurred_at,
            ConsentEvent.evidence,
        )
        .where(ConsentEvent.shop_id == contact.shop_id, ConsentEvent.phone == contact.phone)
        .where(
            sa.or_(
                ConsentEvent.action == "revoked",
                sa.and_(ConsentEvent.action == "granted", ConsentEvent.purpose == "marketing"),
            )
        )
        .order_by(ConsentEvent.id.desc())
        .limit(1)
    ).one_or_none()
    if latest is None:
        return Untold("nothing")
    if latest.source == FROM_SHOPIFY:
        return Untold("from_there")
    return SmsMarketing(
        customer_id=contact.shopify_customer_id,
        subscribed=latest.action == "granted",
        confirmed=bool(latest.evidence.get("double_opt_in")),
        at=whole_second(latest.occurred_at),
    )


def whole_second(at: datetime) -> datetime:
    """Shopify keeps no fractions of a second."""
    return at.replace(microsecond=0)
