"""Forget a buyer, or a whole shop, when Shopify asks for it.

Bound by Shopify's compliance webhooks (`customers/redact`, `shop/redact`): within 30 days. What
stays is what the law makes us keep: that a phone opted out, and the ledger that proves why a
text was sent (47 CFR 64.1200; state laws hold opt-outs for ten years). Those rows hold a number
and a wording, no name, no conversation.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from app.contacts.models import Contact
from app.foundation import audit
from app.foundation.db import Session
from app.helpdesk.models import HelpdeskAccount
from app.messaging.models import Media, Message, Sender
from app.orders.models import Order
from app.shops.models import Shop

REDACTED = "[removed at the buyer's request]"


@dataclass(frozen=True)
class Buyer:
    """Whom Shopify asks us to forget: a customer, or a guest known by their orders alone."""

    customer_id: int | None
    order_ids: tuple[int, ...] = ()  # Shopify's


def redact_contacts(
    session: Session, *, now: datetime, shop_id: int, buyer: Buyer | None
) -> Sequence[str]:
    """Empty the texts, photos and profile of this buyer (or of all, if None).

    Returns the storage keys of the photos, which the caller deletes after the commit.
    """
    which: list[sa.ColumnElement[bool]] = [Contact.shop_id == shop_id]
    if buyer is not None:
        of_orders = sa.select(Order.contact_id).where(
            Order.shop_id == shop_id, Order.shopify_id.in_(buyer.order_ids)
        )
        known: sa.ColumnElement[bool] = Contact.id.in_(of_orders)
        if buyer.customer_id is not None:
            known |= Contact.shopify_customer_id == buyer.customer_id
        which.append(known)
    contacts = sa.select(Contact.id).where(*which).scalar_subquery()
    texts = sa.select(Message.id).where(Message.contact_id.in_(contacts)).scalar_subquery()
    keys = session.scalars(
        sa.update(Media)
        .where(Media.message_id.in_(texts), Media.storage_key.is_not(None))
        .values(state="failed", error="redacted", provider_url=None)
        .returning(Media.storage_key)
    ).all()
    session.execute(sa.update(Media).where(Media.message_id.in_(texts)).values(storage_key=None))
    session.execute(
        sa.update(Message)
        .where(Message.contact_id.in_(contacts))
        .values(body=REDACTED, raw=None, author_name=None)
    )
    session.execute(
        sa.update(Order)
        .where(Order.contact_id.in_(contacts))
        .values(ship_zip=None, bill_zip=None, status_page_url=None)
    )
    forgotten = session.scalars(
        sa.update(Contact)
        .where(*which)
        .values(first_name=None, last_name=None, email=None, zip=None, billing_zip=None)
        .returning(Contact.id)
    ).all()
    audit.record(
        session,
        now=now,
        shop_id=shop_id,
        actor="buyer" if buyer else "merchant",
        action="privacy.redacted",
        subject=f"customer:{buyer.customer_id}" if buyer else f"shop:{shop_id}",
        contacts=len(forgotten),
    )
    return [key for key in keys if key]


def drop_credentials(session: Session, *, shop_id: int) -> None:
    """The shop is gone for good: what opened its number and its helpdesk is dropped."""
    session.execute(
        sa.update(HelpdeskAccount)
        .where(HelpdeskAccount.shop_id == shop_id)
        .values(
            state="disconnected",
            access_token="",
            refresh_token="",
            webhook_secret=None,
            problem="The app was removed.",
        )
    )
    session.execute(
        sa.update(Sender).where(Sender.shop_id == shop_id).values(state="retired", auth_token="")
    )


def still_uninstalled(session: Session, *, shop_id: int) -> bool:
    state = session.scalars(sa.select(Shop.state).where(Shop.id == shop_id)).one()
    return state == "uninstalled"
