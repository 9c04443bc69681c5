"""An owner or admin gives a colleague another role. Called by `shops/api` and the operator.

Whoever appoints is judged by their role of this very moment, read under the same lock as the
change: two admins who demote each other at once do not both succeed. A shop always has an owner.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa

from app.foundation import audit
from app.foundation.db import Session
from app.foundation.errors import Refused
from app.shops.models import Staff
from app.shops.roles import Permission, Role, may


def appoint_staff(
    session: Session, *, now: datetime, shop_id: int, user_id: int, role: Role, by: int | None
) -> Staff:
    """`by`: the Shopify user who appoints, None for the operator.

    Raises Refused: unknown_staff, not_permitted, owners_only, last_owner.
    """
    everybody = {
        one.user_id: one
        for one in session.scalars(
            sa.select(Staff)
            .where(Staff.shop_id == shop_id)
            .order_by(Staff.user_id)
            .with_for_update()
            .execution_options(populate_existing=True)
        )
    }
    whom = everybody.get(user_id)
    if whom is None:
        raise Refused(
            "unknown_staff", "Nobody with this id has opened Doorstep yet; ask them to open it once"
        )
    if by is not None:
        _check(everybody.get(by), whom, role)
    owners = [one for one in everybody.values() if one.role == Role.OWNER]
    if whom.role == Role.OWNER and role != Role.OWNER and len(owners) == 1:
        raise Refused("last_owner", "A shop needs an owner: make somebody else one first")
    if whom.role != role:
        audit.record(
            session,
            now=now,
            shop_id=shop_id,
            actor="operator" if by is None else f"staff:{by}",
            action="staff.appointed",
            subject=f"staff:{user_id}",
            before=whom.role,
            role=role,
        )
        whom.role = role
    return whom


def _check(appointer: Staff | None, whom: Staff, role: Role) -> None:
    if appointer is None or not may(Role(appointer.role), Permission.ROLES):
        raise Refused("not_permitted", "Only owners and admins may give roles")
    touches_owner = Role.OWNER in (whom.role, role)
    if touches_owner and not may(Role(appointer.role), Permission.OWNERS):
        raise Refused("owners_only", "Only an owner may make somebody owner, or end it")


def staff_of(session: Session, *, shop_id: int) -> Sequence[Staff]:
    """Everybody known, in the order in which they came."""
    return session.scalars(
        sa.select(Staff).where(Staff.shop_id == shop_id).order_by(Staff.added_at, Staff.user_id)
    ).all()
