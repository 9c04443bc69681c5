"""What buyers ask about their data: one row for each request, whoever brought it."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from app.foundation.columns import Id, ShopId
from app.foundation.db import Base


class PrivacyRequest(Base):
    """About whom it is, what was asked, by when it is due and how far it is.

    An export is open until its files lie in the media room, ready until somebody took them,
    then fulfilled. An erasure is open until the buyer or the merchant confirms it, ready until
    `act_at`, then carried out and fulfilled.
    """

    __tablename__ = "privacy_requests"

    id: Mapped[Id]
    shop_id: Mapped[ShopId]
    kind: Mapped[str]  # export | erase
    source: Mapped[str]  # shopify | text | agent | merchant | operator
    state: Mapped[str] = mapped_column(server_default="open")  # open | ready | fulfilled
    contact_ids: Mapped[list[int]] = mapped_column(
        ARRAY(sa.BigInteger), server_default=sa.text("'{}'")
    )
    customer_id: Mapped[int | None]  # Shopify's
    order_ids: Mapped[list[int]] = mapped_column(  # Shopify's
        ARRAY(sa.BigInteger), server_default=sa.text("'{}'")
    )
    asked_at: Mapped[datetime]
    due_at: Mapped[datetime]
    # Of an erasure asked for by text: what the buyer has to text back, and until when it counts.
    code: Mapped[str | None]
    code_until: Mapped[datetime | None]
    act_at: Mapped[datetime | None]  # an erasure is carried out then
    page_key: Mapped[str | None]  # of an export, in the media room
    data_key: Mapped[str | None]
    kept_until: Mapped[datetime | None]  # its files are deleted then
    fulfilled_at: Mapped[datetime | None]
    # Who took the export or confirmed the erasure, in the audit list's words
    fulfilled_by: Mapped[str | None]

    __table_args__ = (
        sa.Index("privacy_requests_of_shop", "shop_id", "id"),
        sa.Index(
            "privacy_requests_to_act",
            "act_at",
            postgresql_where="state = 'ready' AND act_at IS NOT NULL",
        ),
        sa.Index("privacy_requests_kept", "kept_until", postgresql_where="kept_until IS NOT NULL"),
    )
