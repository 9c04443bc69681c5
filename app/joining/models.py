"""Short links and QR codes: what is printed must lead somewhere for ever."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.foundation.columns import CreatedAt, ShopId
from app.foundation.db import Base


class JoinLink(Base):
    """One code per shop, source and goal. A row, so that a new keyword, number or page address
    leaves the codes on boxes and shop windows as they are."""

    __tablename__ = "join_links"

    code: Mapped[str] = mapped_column(primary_key=True)
    shop_id: Mapped[ShopId]
    source: Mapped[str]  # see joining/sources.py
    leads_to: Mapped[str]  # page | text
    created_at: Mapped[CreatedAt]

    __table_args__ = (sa.Index("join_links_once", "shop_id", "source", "leads_to", unique=True),)
