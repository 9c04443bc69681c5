"""Someone with a phone, per shop; maybe a Shopify customer. One profile per phone."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.foundation.columns import CreatedAt, Id, ShopId
from app.foundation.db import Base


class Contact(Base):
    __tablename__ = "contacts"

    id: Mapped[Id]
    shop_id: Mapped[ShopId]
    phone: Mapped[str]  # E.164
    shopify_customer_id: Mapped[int | None]
    first_name: Mapped[str | None]
    last_name: Mapped[str | None]
    email: Mapped[str | None]
    locale: Mapped[str | None]
    country: Mapped[str | None]
    zip: Mapped[str | None]
    billing_zip: Mapped[str | None]
    # several Shopify customers share this phone: texts may be read by more than one person
    shared_phone: Mapped[bool] = mapped_column(server_default="false")
    line_kind: Mapped[str] = mapped_column(server_default="unknown")
    # In force from the transaction that stored the text; the ledger holds the evidence.
    opted_out_at: Mapped[datetime | None]
    opt_out_asked_at: Mapped[datetime | None]  # we asked whether they want us to stop
    last_inbound_at: Mapped[datetime | None]
    created_at: Mapped[CreatedAt]

    __table_args__ = (
        sa.Index("contacts_phone", "shop_id", "phone", unique=True),
        sa.Index(
            "contacts_customer",
            "shop_id",
            "shopify_customer_id",
            postgresql_where="shopify_customer_id IS NOT NULL",
        ),
        sa.Index(
            "contacts_asked", "opt_out_asked_at", postgresql_where="opt_out_asked_at IS NOT NULL"
        ),
    )
