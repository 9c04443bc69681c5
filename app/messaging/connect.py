"""A shop's line at the provider is registered, or put in place of the one before.

Called by the operator's command; later by the merchant's pages.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from datetime import datetime

import sqlalchemy as sa

from app.foundation import audit
from app.foundation.crypto import KeyRing
from app.foundation.db import Session
from app.foundation.errors import Refused
from app.foundation.phone import to_e164
from app.messaging.models import Sender

# Segments a second by kind of number: the carriers' usual floor, to be raised as they grant more.
SPEED = {"toll_free": 3.0, "ten_dlc": 1.0, "short_code": 100.0}

# The shop's own number is no buyer's; its token is nobody's business.
AUDITED = (
    "account_sid",
    "messaging_service_sid",
    "phone",
    "segments_per_second",
    "provider_confirms",
    "state",
)


@dataclass(frozen=True)
class Line:
    account_sid: str
    auth_token: str = field(repr=False)
    messaging_service_sid: str
    phone: str
    kind: str  # toll_free | ten_dlc | short_code
    segments_per_second: float | None = None
    provider_confirms: bool = True


def connect_line(
    session: Session, *, now: datetime, shop_id: int, line: Line, keys: KeyRing
) -> Sender:
    """Register the shop's one line. Its doors keep their key when only its details change.

    Raises Refused: unknown_kind, invalid_phone, invalid_account.
    """
    if line.kind not in SPEED:
        raise Refused("unknown_kind", f"kind must be one of {', '.join(SPEED)}")
    phone = to_e164(line.phone)
    if phone is None:
        raise Refused("invalid_phone", "the line's number must be given as +14155550142")
    if not line.account_sid.startswith("AC") or not line.messaging_service_sid.startswith("MG"):
        raise Refused(
            "invalid_account", "an account SID begins with AC, a Messaging Service SID with MG"
        )
    sender = session.scalars(
        sa.select(Sender)
        .where(Sender.shop_id == shop_id, Sender.state != "retired")
        .with_for_update()
    ).one_or_none()
    if sender is None:
        sender = Sender(shop_id=shop_id, door_key=secrets.token_urlsafe(24), next_slot_at=now)
        session.add(sender)
    before = {name: getattr(sender, name) for name in AUDITED}
    sender.account_sid = line.account_sid
    sender.auth_token = keys.encrypt(line.auth_token)
    sender.messaging_service_sid = line.messaging_service_sid
    sender.phone = phone
    sender.kind = line.kind
    sender.segments_per_second = line.segments_per_second or SPEED[line.kind]
    sender.provider_confirms = line.provider_confirms
    sender.state, sender.pause_reason = "active", None
    session.flush()
    audit.record(
        session,
        now=now,
        shop_id=shop_id,
        actor="operator",
        action="sender.connected",
        subject=f"sender:{sender.id}",
        kind=line.kind,
        changes={
            name: [was, getattr(sender, name)]
            for name, was in before.items()
            if was != getattr(sender, name)
        },
    )
    return sender
