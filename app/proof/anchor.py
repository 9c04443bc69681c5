"""Heads of the chains are written outside the database, so that a cut tail is noticed.

Called by `jobs.anchor_all`. A chain proves that nothing before its head was changed; only
somebody else's copy of the head proves that nothing after it was taken away.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa

from app.foundation.db import Session
from app.proof.models import AuditChain
from app.proof.ports import Anchor


def unanchored(session: Session, *, now: datetime) -> list[Anchor]:
    """The heads of all shops that moved since they were last written down."""
    chains = session.scalars(
        sa.select(AuditChain)
        .where(AuditChain.number > AuditChain.anchored)
        .order_by(AuditChain.shop_id)
    )
    return [Anchor(now, chain.shop_id, chain.number, chain.head) for chain in chains]


def note_anchored(session: Session, *, anchors: Sequence[Anchor]) -> None:
    """They stand outside now."""
    for anchor in anchors:
        session.execute(
            sa.update(AuditChain)
            .where(AuditChain.shop_id == anchor.shop_id, AuditChain.anchored < anchor.number)
            .values(anchored=anchor.number)
        )
