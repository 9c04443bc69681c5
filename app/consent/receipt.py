"""The consent receipt: why a buyer gets texts, in their own wording, when it was, how to end it.

The answer to WHY, see `conversations.answer_at_once`. It says what the ledger says, no more: where
there is no consent on file it names the order, which is why the number is known.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from app.consent.sources import Source
from app.contacts.models import Contact
from app.foundation.db import Session
from app.shops.models import Shop

LONGEST_WORDING = 90  # characters; the receipt stays within two segments or three
HOW = "Text STOP to end our texts, or DELETE MY DATA to have your data removed."
# The strongest grant that nothing has revoked since.
STANDING = """
SELECT source, wording, occurred_at FROM consent_events e
WHERE shop_id = %(shop)s AND phone = %(phone)s AND action = 'granted'
  AND NOT EXISTS (SELECT FROM consent_events r WHERE r.shop_id = e.shop_id AND r.phone = e.phone
                  AND r.action = 'revoked' AND r.purpose IN ('all', e.purpose) AND r.id > e.id)
ORDER BY array_position(ARRAY['care', 'marketing', 'number'], purpose), id DESC LIMIT 1
"""
SAID: Mapping[str, str] = {
    Source.CHECKOUT_BLOCK: "you agreed at checkout",
    Source.CHECKOUT_ATTRIBUTE: "you agreed at checkout",
    Source.CHECKOUT_PHONE: "you gave us this number for an order",
    Source.SHOPIFY_SMS: "you signed up for our texts",
    Source.TEXT: "you texted us",
    Source.KEYWORD: "you texted our keyword",
    Source.JOIN_PAGE: "you signed up on our page",
    Source.AGENT: "you told our team",
}


def consent_receipt(session: Session, *, shop_id: int, contact_id: int, brand: str) -> str:
    """The text, from the ledger as it stands."""
    phone, zone = session.execute(
        sa.select(Contact.phone, Shop.timezone)
        .join(Shop, Shop.id == Contact.shop_id)
        .where(Contact.id == contact_id)
    ).one()
    grant = session.sql(STANDING, {"shop": shop_id, "phone": phone}).one_or_none()
    if grant is None:
        return (
            f"{brand}: we know this number from an order or a text of yours, and have no consent"
            f" to texts on file. {HOW}"
        )
    return receipt_words(
        brand=brand, source=grant.source, wording=grant.wording, at=grant.occurred_at, zone=zone
    )


def receipt_words(*, brand: str, source: str, wording: str | None, at: datetime, zone: str) -> str:
    """`zone`: the shop's, for the date."""
    day = at.astimezone(ZoneInfo(zone))
    said = SAID.get(source, "you agreed to texts")
    quoted = " ".join((wording or "").split())
    if len(quoted) > LONGEST_WORDING:
        quoted = quoted[: LONGEST_WORDING - 3].rstrip() + "..."
    words = f': "{quoted}"' if quoted else ""
    return f"{brand} texts you because {said} on {day:%b} {day.day}, {day.year}{words}. {HOW}"
