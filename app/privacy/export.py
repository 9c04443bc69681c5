"""Everything held about one buyer, as plain data: what `export_page` shows and the JSON file is.

Called by `privacy.jobs` and the operator's command. Bound by GDPR articles 15 and 20 (a copy, in a
form that machines read) and California Civil Code 1798.130. Secrets, door keys and what belongs to
other people are not in it. A phone that several customers share names no single buyer: the export
says so, and the merchant decides what to hand on.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from app.checkins.models import CheckIn
from app.consent.models import ConsentEvent, PermissionRecord
from app.consent.verdicts import Reason, reason_text
from app.contacts.models import Contact
from app.conversations.models import Conversation, Promise
from app.foundation.db import Base, Session
from app.helpdesk.models import HelpdeskAccount, TicketLink
from app.messaging.models import Message
from app.orders.models import Order
from app.privacy.buyer import Buyer, contacts_of
from app.privacy.models import PrivacyRequest
from app.shops.models import Shop

Data = dict[str, Any]

PROFILE = (
    "phone", "shopify_customer_id", "first_name", "last_name", "email", "locale", "country", "zip",
    "billing_zip", "shared_phone", "line_kind", "opted_out_at", "last_inbound_at", "created_at",
)  # fmt: skip
ORDER = (
    "shopify_id", "name", "placed_at", "cancelled_at", "financial_status", "returned", "currency",
    "total_price", "locale", "ship_country", "ship_region", "ship_zip", "bill_zip",
    "status_page_url",
)  # fmt: skip
LINE = ("title", "variant_title", "options", "sku", "quantity", "current_quantity")
PARCEL = (
    "status", "shipment_status", "tracking_company", "tracking_number", "tracking_url",
    "shipped_at", "estimated_delivery_at", "delivered_at", "delivered_by",
)  # fmt: skip
TEXT = (
    "id", "direction", "author", "author_name", "purpose", "body", "state", "reason", "error_code",
    "provider_sid", "raw", "created_at", "sent_at", "delivered_at",
)  # fmt: skip
PHOTO = ("state", "error", "content_type", "size_bytes", "width", "height", "storage_key")
CONSENT = (
    "phone", "purpose", "action", "source", "wording", "covers_assistant", "evidence", "proof",
    "occurred_at",
)  # fmt: skip
CHECK_IN = ("kind", "basis", "state", "reason", "arrived_at", "due_at", "sent_at", "answered_at")
PROMISE = ("kind", "state", "made_at", "due_at", "settled_at")
TICKET = ("ticket_id", "state", "last_activity_at", "created_at")
REQUEST = ("kind", "source", "state", "asked_at", "due_at", "fulfilled_at")


def gather(session: Session, *, now: datetime, shop_id: int, buyer: Buyer) -> Data:
    """Reads only. Photos are named by their key; `with_photos` brings them."""
    shop = session.get_one(Shop, shop_id)
    contact_ids = contacts_of(session, shop_id=shop_id, buyer=buyer)
    contacts = _all(session, Contact, Contact.id.in_(contact_ids))
    orders = _all(
        session,
        Order,
        Order.shop_id == shop_id,
        sa.or_(Order.contact_id.in_(contact_ids), Order.shopify_id.in_(buyer.order_ids)),
    )
    texts = _all(session, Message, Message.contact_id.in_(contact_ids))
    check_ins = _all(session, CheckIn, CheckIn.order_id.in_([order.id for order in orders]))
    return {
        "about": {
            "shop": shop.name,
            "domain": shop.domain,
            "timezone": shop.timezone,
            "made_at": now.isoformat(),
            "shared_phone": any(contact.shared_phone for contact in contacts),
        },
        "profile": [_picked(contact, PROFILE) for contact in contacts],
        "orders": [
            _picked(order, ORDER)
            | {
                "items": [_picked(line, LINE) for line in order.lines],
                "parcels": [_picked(parcel, PARCEL) for parcel in order.fulfillments],
            }
            for order in orders
        ],
        "texts": [
            _picked(text, TEXT) | {"photos": [_picked(photo, PHOTO) for photo in text.media]}
            for text in texts
        ],
        "consents": _consents(session, shop_id, contacts),
        "verdicts": _verdicts(session, texts, check_ins),
        "check_ins": [_picked(one, CHECK_IN) for one in check_ins],
        "promises": [_picked(one, PROMISE) for one in _promises(session, contact_ids)],
        "tickets": _tickets(session, contact_ids),
        "privacy_requests": [
            _picked(one, REQUEST)
            for one in _all(
                session, PrivacyRequest, PrivacyRequest.contact_ids.overlap(contact_ids)
            )
        ],
    }


def _consents(session: Session, shop_id: int, contacts: Sequence[Contact]) -> list[Data]:
    phones = [contact.phone for contact in contacts]
    rows = _all(
        session, ConsentEvent, ConsentEvent.shop_id == shop_id, ConsentEvent.phone.in_(phones)
    )
    return [_picked(row, CONSENT) for row in rows]


def _verdicts(
    session: Session, texts: Sequence[Message], check_ins: Sequence[CheckIn]
) -> list[Data]:
    of_check_ins = PermissionRecord.check_in_id.in_([one.id for one in check_ins])
    ids = [text.id for text in texts]
    rows = _all(
        session, PermissionRecord, sa.or_(PermissionRecord.message_id.in_(ids), of_check_ins)
    )
    return [
        {
            "decided_at": row.decided_at.isoformat(),
            "text": row.message_id,
            "purpose": row.purpose,
            "verdict": row.verdict,
            "in_words": in_words(row),
            "evidence": row.evidence,
        }
        for row in rows
    ]


def in_words(row: PermissionRecord) -> str:
    """The verdict as one would say it to the buyer's face."""
    if row.verdict == "allowed":
        return "The text was allowed to leave."
    try:
        why = reason_text(Reason(row.reason or ""))
    except ValueError:
        why = f"Reason: {row.reason}."
    if row.not_before is not None:
        return f"The text had to wait until {row.not_before:%Y-%m-%d %H:%M} UTC. {why}"
    return f"The text was not sent. {why}"


def _tickets(session: Session, contact_ids: Sequence[int]) -> list[Data]:
    rows = session.execute(
        sa.select(TicketLink, HelpdeskAccount.kind, HelpdeskAccount.subdomain)
        .join(HelpdeskAccount, HelpdeskAccount.id == TicketLink.account_id)
        .join(Conversation, Conversation.id == TicketLink.conversation_id)
        .where(Conversation.contact_id.in_(contact_ids), TicketLink.ticket_id.is_not(None))
        .order_by(TicketLink.id)
    ).all()
    return [
        _picked(link, TICKET) | {"helpdesk": kind, "account": account}
        for link, kind, account in rows
    ]


def _promises(session: Session, contact_ids: Sequence[int]) -> Sequence[Promise]:
    of_them = sa.select(Conversation.id).where(Conversation.contact_id.in_(contact_ids))
    return _all(session, Promise, Promise.conversation_id.in_(of_them))


def _all(session: Session, model: type[Any], *where: sa.ColumnElement[bool]) -> Sequence[Any]:
    return session.scalars(sa.select(model).where(*where).order_by(model.id)).all()


def _picked(row: Base, names: Iterable[str]) -> Data:
    return {name: _plain(getattr(row, name)) for name in names}


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value
