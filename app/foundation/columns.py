"""Column shapes that many tables share."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import sqlalchemy as sa
from sqlalchemy.orm import mapped_column

Id = Annotated[int, mapped_column(sa.BigInteger, sa.Identity(always=True), primary_key=True)]
ShopId = Annotated[int, mapped_column(sa.BigInteger, sa.ForeignKey("shops.id", ondelete="CASCADE"))]
# The transaction that wrote a ledger's row: what may still come late, and what cannot (ADR 0017).
Xid = Annotated[
    int,
    mapped_column(sa.BigInteger, server_default=sa.text("(pg_current_xact_id()::text::bigint)")),
]
CreatedAt = Annotated[
    datetime, mapped_column(sa.TIMESTAMP(timezone=True), server_default=sa.func.now())
]
