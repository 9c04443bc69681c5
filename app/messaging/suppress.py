"""A check-in that ends before permission is asked leaves a verdict all the same.

Called by `checkins`: no phone, a cancelled order, too late. So the ledger of permissions holds
every text that did not leave, with its reason.
"""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from app.consent.models import PermissionRecord
from app.consent.permission import Purpose
from app.foundation.db import Session


def record_suppression(
    session: Session,
    *,
    now: datetime,
    shop_id: int,
    check_in_id: int,
    order_id: int,
    purpose: Purpose,
    reason: str,
) -> None:
    session.add(
        PermissionRecord(
            shop_id=shop_id,
            check_in_id=check_in_id,
            purpose=purpose.value,
            verdict="denied",
            reason=reason,
            evidence={"verdict": "denied", "reason": reason, "evidence": [f"order:{order_id}"]},
            decided_at=now,
        )
    )


def suppressions_of(cancelled: sa.CTE, *, now: datetime, reason: str) -> sa.CTE:
    """The same for many, as part of the statement that cancels them: `cancelled` gives `id`,
    `shop_id`, `order_id` and `kind` of each check-in."""
    evidence = sa.func.jsonb_build_object(
        sa.text("'verdict'"),
        sa.text("'denied'"),
        sa.text("'reason'"),
        sa.cast(reason, sa.Text),
        sa.text("'evidence'"),
        sa.func.jsonb_build_array(sa.func.concat(sa.text("'order:'"), cancelled.c.order_id)),
    )
    of_kind = sa.case(
        (cancelled.c.kind == "opener", Purpose.CHECK_IN.value), else_=Purpose.FOLLOW_UP.value
    )
    return (
        sa.insert(PermissionRecord)
        .from_select(
            ["shop_id", "check_in_id", "purpose", "verdict", "reason", "evidence", "decided_at"],
            sa.select(
                cancelled.c.shop_id,
                cancelled.c.id,
                of_kind,
                sa.literal("denied"),
                sa.literal(reason),
                evidence,
                sa.literal(now),
            ),
        )
        .cte("suppressed")
    )
