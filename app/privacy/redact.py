"""Forget a buyer, or a whole shop, when it is asked for.

Called by `privacy.jobs`, for Shopify's compliance webhooks (`customers/redact`, `shop/redact`:
within 30 days) and for requests that a buyer or merchant confirmed. What stays is what the law
makes us keep: that a phone opted out, and the ledger that proves why a text was sent (47 CFR
64.1200; state laws hold opt-outs for ten years). Those rows hold a number, and the wording of a
consent or of an opt-out, no name and no conversation. Order lines say which goods were sold and
hold nothing of the buyer.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa

from app.checkins.cancel import cancel_for_orders
from app.contacts.models import Contact
from app.foundation import audit
from app.foundation.db import Session
from app.foundation.outbox import Postponed
from app.helpdesk.models import HelpdeskAccount
from app.messaging.emptied import emptying_at_provider
from app.messaging.models import Message, Sender
from app.messaging.photos import forget_photos
from app.messaging.queue import cancel_for_contacts
from app.orders.models import Fulfillment, Order
from app.privacy.buyer import Buyer, contacts_of
from app.privacy.requests import close_requests
from app.privacy.tell_agents import ask_to_erase_later
from app.shops.models import Shop, Staff

REDACTED = "[removed at the buyer's request]"

# A statement of its own and first: a text that is being claimed waits for it, or we for its claim.
# In the order of `messaging.locks`.
LOCK_ORDERS = "SELECT FROM orders WHERE contact_id = ANY(%s) ORDER BY id FOR UPDATE"
LOCK = "SELECT FROM contacts WHERE id = ANY(%s) ORDER BY id FOR UPDATE"

DELETING = """
SELECT EXISTS (SELECT FROM outbox WHERE shop_id = %s AND failed_at IS NULL
               AND topic = 'messaging.delete_at_provider')
"""


def redact_buyer(
    session: Session, *, now: datetime, shop_id: int, buyer: Buyer, actor: str = "buyer"
) -> None:
    """Empty texts, photos, addresses and profile of one buyer, here and at the provider.

    Raises Postponed while a text to them is just being handed to the provider.
    """
    contact_ids = contacts_of(session, shop_id=shop_id, buyer=buyer)
    redact_contacts(session, now=now, shop_id=shop_id, contact_ids=contact_ids)
    redact_orders(session, Order.shopify_id.in_(buyer.order_ids), now=now, shop_id=shop_id)
    for message_id in session.scalars(
        sa.select(Message.id).where(
            Message.contact_id.in_(contact_ids), Message.provider_sid.is_not(None)
        )
    ):
        session.later(emptying_at_provider(shop_id=shop_id, message_id=message_id))
    audit.record(
        session,
        now=now,
        shop_id=shop_id,
        actor=actor,
        action="privacy.redacted",
        subject=f"customer:{buyer.customer_id}" if buyer.customer_id else f"contacts:{contact_ids}",
        contacts=len(contact_ids),
        # Closed ones take no note: the merchant finds here what is left to be removed.
        tickets=ask_to_erase_later(session, shop_id=shop_id, contact_ids=contact_ids),
    )


def redact_contacts(
    session: Session, *, now: datetime, shop_id: int, contact_ids: Sequence[int]
) -> None:
    """Empty everything about these buyers, after whatever was still to be sent is called off."""
    session.sql(LOCK_ORDERS, list(contact_ids))
    session.sql(LOCK, list(contact_ids))
    of_them = Message.contact_id.in_(contact_ids)
    if session.scalar(sa.select(sa.exists().where(of_them, Message.state == "sending"))):
        # What comes back from the provider may be that it goes again: its words are needed.
        raise Postponed(5, "a text to this buyer is just leaving")
    cancel_for_contacts(session, now=now, contact_ids=contact_ids)
    redact_orders(session, Order.contact_id.in_(contact_ids), now=now, shop_id=shop_id)
    forget_photos(session, shop_id=shop_id, which=of_them)
    close_requests(session, now=now, shop_id=shop_id, contact_ids=contact_ids)
    session.flush()
    session.execute(
        sa.update(Message).where(of_them).values(body=REDACTED, raw=None, author_name=None)
    )
    session.execute(
        sa.update(Contact)
        .where(Contact.id.in_(contact_ids))
        .values(first_name=None, last_name=None, email=None, zip=None, billing_zip=None)
    )


def redact_orders(
    session: Session, which: sa.ColumnElement[bool], *, now: datetime, shop_id: int
) -> None:
    """Where these orders went; what was bought stays. Their check-ins are called off."""
    order_ids = session.scalars(
        sa.update(Order)
        .where(Order.shop_id == shop_id, which)
        .values(ship_zip=None, bill_zip=None, status_page_url=None)
        .returning(Order.id)
    ).all()
    session.execute(
        sa.update(Fulfillment)
        .where(Fulfillment.order_id.in_(order_ids))
        .values(tracking_number=None, tracking_url=None)
    )
    cancel_for_orders(session, now=now, order_ids=order_ids)


def redact_nobodys_orders(session: Session, *, now: datetime, shop_id: int) -> None:
    """Orders without a phone have no contact, and an address all the same."""
    redact_orders(session, Order.contact_id.is_(None), now=now, shop_id=shop_id)


def next_contacts(session: Session, *, shop_id: int, after: int, most: int) -> Sequence[int]:
    return session.scalars(
        sa.select(Contact.id)
        .where(Contact.shop_id == shop_id, Contact.id > after)
        .order_by(Contact.id)
        .limit(most)
    ).all()


def retire_line(session: Session, *, shop_id: int) -> None:
    """From now on nobody texts this shop or is texted by it."""
    session.execute(sa.update(Sender).where(Sender.shop_id == shop_id).values(state="retired"))


def finish_shop(session: Session, *, now: datetime, shop_id: int) -> None:
    """The shop is gone for good: what opened its number and its helpdesk is dropped, who worked
    there is forgotten, and so are the words that they had saved.

    Raises Postponed while the number's account is needed to delete photos at the provider.
    """
    if session.sql(DELETING, shop_id).scalar():
        raise Postponed(60, "photos are being deleted at the provider")
    session.execute(sa.delete(Staff).where(Staff.shop_id == shop_id))
    session.sql("DELETE FROM saved_replies WHERE shop_id = %s", shop_id)
    session.execute(
        sa.update(HelpdeskAccount)
        .where(HelpdeskAccount.shop_id == shop_id)
        .values(
            state="disconnected",
            access_token="",
            refresh_token="",
            webhook_id=None,
            webhook_secret=None,
            problem="The app was removed.",
        )
    )
    session.execute(sa.update(Sender).where(Sender.shop_id == shop_id).values(auth_token=""))
    close_requests(session, now=now, shop_id=shop_id, contact_ids=None)
    audit.record(
        session,
        now=now,
        shop_id=shop_id,
        actor="merchant",
        action="privacy.redacted",
        subject=f"shop:{shop_id}",
    )


def still_uninstalled(session: Session, *, shop_id: int) -> bool:
    state = session.scalars(sa.select(Shop.state).where(Shop.id == shop_id)).one()
    return state == "uninstalled"
