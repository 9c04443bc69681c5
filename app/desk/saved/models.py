"""Replies that a shop's team has ready, with variables; `fill` says which there are."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped

from app.foundation.columns import Id, ShopId
from app.foundation.db import Base


class SavedReply(Base):
    __tablename__ = "saved_replies"

    id: Mapped[Id]
    shop_id: Mapped[ShopId]
    title: Mapped[str]
    text: Mapped[str]
    changed_at: Mapped[datetime]

    __table_args__ = (sa.Index("saved_replies_title", "shop_id", "title", unique=True),)
