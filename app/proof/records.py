"""The stored rows about one phone number in one shop. Reads only; called by `packet`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from app.checkins.models import CheckIn
from app.consent.models import ConsentEvent, PermissionRecord
from app.contacts.models import Contact
from app.conversations.models import Conversation
from app.foundation.audit import AuditEntry
from app.foundation.db import Session
from app.messaging.models import Message, MessageStatusEvent
from app.orders.models import Order
from app.proof.models import TextRecord

# Changes of the rules under which this buyer was texted.
SETTINGS = ("preferences.saved", "sender.connected", "sender.paused")


@dataclass(frozen=True)
class Records:
    contact: Contact | None
    consents: Sequence[ConsentEvent]
    texts: Sequence[Message]
    text_records: Sequence[TextRecord]
    statuses: Sequence[MessageStatusEvent]
    verdicts: Sequence[PermissionRecord]
    orders: Sequence[Order]
    check_ins: Sequence[CheckIn]
    entries: Sequence[AuditEntry]  # about this buyer
    settings: Sequence[AuditEntry]


def read_records(session: Session, *, shop_id: int, phone: str) -> Records:
    """Everything that the shop's ledgers hold about this number, oldest first."""
    contact = session.scalars(
        sa.select(Contact).where(Contact.shop_id == shop_id, Contact.phone == phone)
    ).one_or_none()
    contact_id = contact.id if contact else 0
    texts = session.scalars(
        sa.select(Message).where(Message.contact_id == contact_id).order_by(Message.id)
    ).all()
    text_ids = [text.id for text in texts]
    sids = [text.provider_sid for text in texts if text.provider_sid]
    orders = session.scalars(
        sa.select(Order).where(Order.contact_id == contact_id).order_by(Order.id)
    ).all()
    check_ins = session.scalars(
        sa.select(CheckIn)
        .where(CheckIn.order_id.in_([order.id for order in orders]))
        .order_by(CheckIn.id)
    ).all()
    threads = session.scalars(
        sa.select(Conversation.id).where(Conversation.contact_id == contact_id)
    ).all()
    subjects = [
        f"contact:{contact_id}",
        *(f"conversation:{thread}" for thread in threads),
        *(f"message:{text_id}" for text_id in text_ids),
    ]
    if contact and contact.shopify_customer_id:
        subjects.append(f"customer:{contact.shopify_customer_id}")
    return Records(
        contact=contact,
        consents=session.scalars(
            sa.select(ConsentEvent)
            .where(ConsentEvent.shop_id == shop_id, ConsentEvent.phone == phone)
            .order_by(ConsentEvent.id)
        ).all(),
        texts=texts,
        text_records=session.scalars(
            sa.select(TextRecord).where(TextRecord.message_id.in_(text_ids)).order_by(TextRecord.id)
        ).all(),
        statuses=session.scalars(
            sa.select(MessageStatusEvent)
            .where(
                sa.or_(
                    MessageStatusEvent.message_id.in_(text_ids),
                    sa.and_(
                        MessageStatusEvent.shop_id == shop_id,
                        MessageStatusEvent.provider_sid.in_(sids),
                    ),
                )
            )
            .order_by(MessageStatusEvent.id)
        ).all(),
        verdicts=session.scalars(
            sa.select(PermissionRecord)
            .where(
                sa.or_(
                    PermissionRecord.message_id.in_(text_ids),
                    PermissionRecord.check_in_id.in_([c.id for c in check_ins]),
                )
            )
            .order_by(PermissionRecord.id)
        ).all(),
        orders=orders,
        check_ins=check_ins,
        entries=session.scalars(
            sa.select(AuditEntry)
            .where(AuditEntry.shop_id == shop_id, AuditEntry.subject.in_(subjects))
            .order_by(AuditEntry.id)
        ).all(),
        settings=session.scalars(
            sa.select(AuditEntry)
            .where(AuditEntry.shop_id == shop_id, AuditEntry.action.in_(SETTINGS))
            .order_by(AuditEntry.id)
        ).all(),
    )
