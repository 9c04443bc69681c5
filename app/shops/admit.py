"""Somebody opened the app in Shopify's admin: from now on they are known, with a role.

The first one of a shop is its owner; everybody later begins with the least that is useful and is
given more by an owner or admin (ADR 0019). Called by the app's page, after the ID token was
checked, and by nothing else: to call an API does not make anybody known.
"""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from app.foundation import audit
from app.foundation.db import Session
from app.shops.models import Shop, Staff
from app.shops.roles import NEWCOMER, Role


def admit_staff(session: Session, *, now: datetime, shop_id: int, user_id: int) -> Role:
    """The role of this member of staff, who is admitted if nobody has seen them yet."""
    known = _role_of(session, shop_id, user_id)
    if known is not None:
        return known
    # One newcomer at a time, so that two who open a new shop at once are not both the first.
    session.execute(sa.select(Shop.id).where(Shop.id == shop_id).with_for_update())
    known = _role_of(session, shop_id, user_id)
    if known is not None:
        return known
    anybody = session.scalar(sa.select(sa.exists().where(Staff.shop_id == shop_id)))
    role = NEWCOMER if anybody else Role.OWNER
    actor = f"staff:{user_id}"
    session.add(Staff(shop_id=shop_id, user_id=user_id, role=role, added_at=now, added_by=actor))
    audit.record(
        session,
        now=now,
        shop_id=shop_id,
        actor=actor,
        action="staff.admitted",
        subject=f"staff:{user_id}",
        role=role,
    )
    return role


def _role_of(session: Session, shop_id: int, user_id: int) -> Role | None:
    role = session.scalar(
        sa.select(Staff.role).where(Staff.shop_id == shop_id, Staff.user_id == user_id)
    )
    return Role(role) if role else None
