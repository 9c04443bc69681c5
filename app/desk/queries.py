"""All that one thread's page shows, read in a handful of statements whatever the thread holds.

Called by `show_thread`, in a transaction of the thread's shop.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import selectinload

from app.consent.facts import Request
from app.consent.models import ConsentEvent
from app.consent.purposes import Purpose
from app.contacts.models import Contact
from app.conversations.models import Conversation, Promise
from app.desk.saved.models import SavedReply
from app.desk.saved.save_reply import replies_of
from app.foundation.db import Session
from app.messaging.models import Message
from app.messaging.permit import Subject, gather
from app.orders.models import Order
from app.shops.models import Shop

MOST_TEXTS = 100
MOST_OTHER_ORDERS = 10
MOST_PROMISES = 3


@dataclass(frozen=True)
class Thread:
    conversation: Conversation
    contact: Contact
    shop: Shop
    texts: Sequence[Message]  # the latest, oldest first
    more: bool  # there are earlier ones
    order: Order | None  # what the thread is about, with lines and parcels
    other_orders: Sequence[Order]  # newest first, without
    request: Request  # an agent's reply in this moment, as permission is asked about it
    consent: ConsentEvent | None  # the row that says how things stand
    saved_replies: Sequence[SavedReply]
    promises: Sequence[Promise]  # the latest, newest first


def read_thread(session: Session, *, now: datetime, conversation_id: int) -> Thread:
    conversation, contact, shop = session.execute(
        sa.select(Conversation, Contact, Shop)
        .join(Contact, Contact.id == Conversation.contact_id)
        .join(Shop, Shop.id == Conversation.shop_id)
        .where(Conversation.id == conversation_id)
    ).one()
    latest = session.scalars(
        sa.select(Message)
        .where(Message.conversation_id == conversation_id)
        .order_by(Message.id.desc())
        .limit(MOST_TEXTS + 1)
        .options(selectinload(Message.media))
    ).all()
    order, others = _orders(session, conversation)
    about = Subject(shop.id, contact.id, Purpose.AGENT_REPLY, order_id=order.id if order else None)
    [request] = gather(session, now=now, subjects=[about])
    return Thread(
        conversation=conversation,
        contact=contact,
        shop=shop,
        texts=latest[:MOST_TEXTS][::-1],
        more=len(latest) > MOST_TEXTS,
        order=order,
        other_orders=others,
        request=request,
        consent=_consent(session, request),
        saved_replies=replies_of(session, shop_id=shop.id),
        promises=session.scalars(
            sa.select(Promise)
            .where(Promise.conversation_id == conversation_id)
            .order_by(Promise.id.desc())
            .limit(MOST_PROMISES)
        ).all(),
    )


def _orders(session: Session, conversation: Conversation) -> tuple[Order | None, list[Order]]:
    """The order of the thread, else the buyer's latest; and the others."""
    its_own = Order.id == conversation.order_id
    found = session.scalars(
        sa.select(Order)
        .where(sa.or_(Order.contact_id == conversation.contact_id, its_own))
        .order_by(sa.func.coalesce(its_own, False).desc(), Order.placed_at.desc().nulls_last())
        .limit(1 + MOST_OTHER_ORDERS)
    ).all()
    if not found:
        return None, []
    order = session.scalars(
        sa.select(Order)
        .where(Order.id == found[0].id)
        .options(selectinload(Order.lines), selectinload(Order.fulfillments))
        .execution_options(populate_existing=True)
    ).one()
    return order, list(found[1:])


def _consent(session: Session, request: Request) -> ConsentEvent | None:
    """The opt-out if there is one, else the strongest consent; permission names it by its row."""
    consent = request.consent
    standing = (
        consent.opted_out or consent.care or consent.shopify_sms or consent.number_at_checkout
    )
    if standing is None:
        return None
    return session.get(ConsentEvent, int(standing.evidence.removeprefix("consent:")))
