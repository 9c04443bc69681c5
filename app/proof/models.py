"""The chain of a shop, its seals, and what each text was. See ADR 0017."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from app.foundation.columns import Id, ShopId, Xid
from app.foundation.db import Base


class TextRecord(Base):
    """What a text was and who wrote it, with a keyed hash of its words: append-only, so that it
    stands when the words are removed. Written by the seal, some seconds after the text."""

    __tablename__ = "text_records"

    id: Mapped[Id]
    shop_id: Mapped[ShopId]
    message_id: Mapped[int]
    direction: Mapped[str]
    author: Mapped[str]
    written_by: Mapped[str | None]
    purpose: Mapped[str | None]
    order_id: Mapped[int | None]
    words: Mapped[str]  # keyed hash, see `ledgers.hash_words`
    photos: Mapped[int]
    created_at: Mapped[datetime]  # of the text
    recorded_at: Mapped[datetime]
    xid: Mapped[Xid]

    __table_args__ = (
        sa.Index("text_records_message", "message_id", unique=True),
        sa.Index("text_records_to_seal", "shop_id", "xid", "id"),
    )


class AuditChain(Base):
    """Where the chain of a shop stands. Not evidence itself: the seals are."""

    __tablename__ = "audit_chains"

    shop_id: Mapped[int] = mapped_column(
        sa.BigInteger, sa.ForeignKey("shops.id", ondelete="CASCADE"), primary_key=True
    )
    secret: Mapped[str]  # encrypted; the key of this shop's hashes, for good
    sealed_below: Mapped[int] = mapped_column(server_default="0")  # transactions before are in
    number: Mapped[int] = mapped_column(server_default="0")  # of the last seal
    head: Mapped[str] = mapped_column(server_default="")  # its hash
    anchored: Mapped[int] = mapped_column(server_default="0")  # last seal written to an anchor


class AuditSeal(Base):
    """Some rows of one ledger, fixed: their digests, and the seal before. Append-only."""

    __tablename__ = "audit_seals"

    id: Mapped[Id]
    shop_id: Mapped[ShopId]
    number: Mapped[int]  # 1, 2, 3, … in each shop
    ledger: Mapped[str]
    below: Mapped[int]  # its rows were written by transactions before this one
    row_ids: Mapped[list[int]] = mapped_column(ARRAY(sa.BigInteger))
    digests: Mapped[bytes]  # 32 bytes for each of `row_ids`
    root: Mapped[str]  # of the tree over the digests
    previous: Mapped[str]  # hash of the seal before
    hash: Mapped[str]
    sealed_at: Mapped[datetime]

    __table_args__ = (
        sa.Index("audit_seals_covering", "shop_id", "ledger", "below"),
        sa.Index("audit_seals_number", "shop_id", "number", unique=True),
    )
