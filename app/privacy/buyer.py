"""About whom a request is, in Shopify's words and in ours.

Called by everything else in this room.
"""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from app.consent.models import ConsentEvent
from app.contacts.models import Contact
from app.foundation.db import Session
from app.foundation.errors import Refused
from app.foundation.phone import to_e164
from app.orders.models import Order
from app.shops.models import Shop


@dataclass(frozen=True)
class Buyer:
    """A customer, a guest known by their orders alone, or somebody known by their phone."""

    customer_id: int | None = None
    order_ids: tuple[int, ...] = ()  # Shopify's
    contact_ids: tuple[int, ...] = ()


def contacts_of(session: Session, *, shop_id: int, buyer: Buyer) -> list[int]:
    found: set[int | None] = {*buyer.contact_ids}
    found |= set(
        session.scalars(
            sa.select(Order.contact_id).where(
                Order.shop_id == shop_id,
                Order.shopify_id.in_(buyer.order_ids),
                Order.contact_id.is_not(None),
            )
        )
    )
    if buyer.customer_id is not None:
        found |= set(
            session.scalars(
                sa.select(Contact.id).where(
                    Contact.shop_id == shop_id, Contact.shopify_customer_id == buyer.customer_id
                )
            )
        )
    return sorted(one for one in found if one is not None)


def contact_by_phone(session: Session, *, shop: Shop, phone: str) -> int:
    """Of a number as people type it. Raises Refused."""
    number = to_e164(phone, country=shop.country)
    found = session.scalar(
        sa.select(Contact.id).where(Contact.shop_id == shop.id, Contact.phone == number)
    )
    if found is not None:
        return found
    in_ledger = sa.exists().where(ConsentEvent.shop_id == shop.id, ConsentEvent.phone == number)
    if session.scalar(sa.select(in_ledger)):
        raise Refused(
            "only_consents",
            "of this number only consents and opt-outs are held, and they stay: `doorstep proof` or"
            " GET /api/proof shows them",
        )
    raise Refused("unknown_phone", "nothing is held about this number in this shop")
