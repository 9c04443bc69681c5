"""One profile per phone and shop: made at the first sight of the number, filled as we learn.

Called by `orders.track`; the inbound door does the same inside its one statement.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from app.contacts.models import Contact
from app.foundation.db import Session


@dataclass(frozen=True)
class Profile:
    """What an order says of the person. None leaves what is known."""

    customer_id: int | None = None
    first_name: str | None = field(default=None, repr=False)
    last_name: str | None = field(default=None, repr=False)
    email: str | None = field(default=None, repr=False)
    locale: str | None = None
    country: str | None = None
    zip: str | None = field(default=None, repr=False)
    billing_zip: str | None = field(default=None, repr=False)


def upsert_contact(session: Session, *, shop_id: int, phone: str, profile: Profile) -> Contact:
    """The contact of this phone, locked for the rest of the transaction.

    A second Shopify customer with the same phone does not take the profile over: it is flagged
    as shared, so that nobody addresses one by the other's name.
    """
    statement = insert(Contact).values(shop_id=shop_id, phone=phone)
    contact = session.scalars(
        statement.on_conflict_do_update(
            index_elements=["shop_id", "phone"],
            set_={"phone": sa.literal_column("excluded.phone")},
        ).returning(Contact),
        execution_options={"populate_existing": True},
    ).one()
    other = (
        profile.customer_id is not None
        and contact.shopify_customer_id is not None
        and contact.shopify_customer_id != profile.customer_id
    )
    if other:
        contact.shared_phone = True
        return contact
    contact.shopify_customer_id = profile.customer_id or contact.shopify_customer_id
    contact.first_name = profile.first_name or contact.first_name
    contact.last_name = profile.last_name or contact.last_name
    contact.email = profile.email or contact.email
    contact.locale = profile.locale or contact.locale
    contact.country = profile.country or contact.country
    contact.zip = profile.zip or contact.zip
    contact.billing_zip = profile.billing_zip or contact.billing_zip
    return contact
