"""Who was asked whether we should stop, and said nothing, is out.

47 CFR 64.1200(a)(12): one text may ask what an unclear revocation meant; without an answer it
counts as one of everything. Called by the ticker; works across shops.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from app.consent.record import Evidence, record_revocation
from app.consent.sources import Source
from app.foundation.db import Session

ANSWER_WITHIN = timedelta(hours=24)

SILENT = """
SELECT id, shop_id, phone, opt_out_asked_at FROM contacts WHERE opt_out_asked_at <= %s
ORDER BY opt_out_asked_at LIMIT %s FOR UPDATE SKIP LOCKED
"""


def revoke_silent(session: Session, *, now: datetime, limit: int = 100) -> int:
    """Record the opt-out of those who let the question stand; returns how many they were."""
    rows = session.sql(SILENT, now - ANSWER_WITHIN, limit).all()
    for row in rows:
        record_revocation(
            session,
            now=now,
            shop_id=row.shop_id,
            evidence=Evidence(
                phone=row.phone,
                purpose="all",
                source=Source.SILENCE,
                occurred_at=now,
                detail={"asked_at": row.opt_out_asked_at.isoformat()},
            ),
        )
    return len(rows)
