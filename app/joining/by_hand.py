"""A member of staff writes down what a buyer told them: stop, or yes.

Called by the API's doors and the operator's commands. A revocation by any reasonable means counts,
so also by phone, by e-mail or at the till (47 CFR 64.1200(a)(10)); it is in force in this
transaction. A yes needs its evidence, and does not end an opt-out: only the buyer's own text does.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from app.consent.record import Evidence, covers_assistant, record_grant, record_revocation
from app.contacts.models import Contact
from app.foundation import audit
from app.foundation.db import Session
from app.foundation.errors import Refused
from app.understanding.sensitive import mask_sensitive

LONGEST_REASON = 200
LONGEST_WORDING = 2000


@dataclass(frozen=True)
class Recorded:
    consent_id: int


def opt_out_by_hand(
    session: Session, *, now: datetime, shop_id: int, phone: str, actor: str, reason: str
) -> Recorded:
    """Raises Refused without a reason. Works for a phone that we never heard of, too."""
    row_id = record_revocation(
        session,
        now=now,
        shop_id=shop_id,
        evidence=Evidence(
            phone=phone,
            purpose="all",
            source="agent",
            occurred_at=now,
            detail={"by": actor, "reason": _said("reason", reason, LONGEST_REASON)},
        ),
    )
    return _noted(session, now, shop_id, actor, "consent.opted_out_by_hand", row_id)


def opt_in_by_hand(
    session: Session, *, now: datetime, shop_id: int, phone: str, actor: str, how: str, wording: str
) -> Recorded:
    """`how` says how the buyer agreed (a form at the till, a call), `wording` to which words.
    Raises Refused: evidence is missing, or the buyer has opted out."""
    how = _said("how", how, LONGEST_REASON)
    wording = _said("wording", wording, LONGEST_WORDING)
    opted_out = session.scalar(
        sa.select(Contact.opted_out_at)
        .where(Contact.shop_id == shop_id, Contact.phone == phone)
        .with_for_update()
    )
    if opted_out is not None:
        raise Refused(
            "opted_out",
            "This buyer has opted out. Only a text from their own phone (START, or your keyword)"
            " brings them back.",
        )
    row_id = record_grant(
        session,
        shop_id=shop_id,
        evidence=Evidence(
            phone=phone,
            purpose="care",
            source="agent",
            occurred_at=now,
            wording=wording,
            covers_assistant=covers_assistant(wording),
            detail={"by": actor, "how": how},
        ),
    )
    return _noted(session, now, shop_id, actor, "consent.opted_in_by_hand", row_id)


def _said(name: str, text: str, longest: int) -> str:
    """What staff wrote, without card numbers and the like."""
    plain = mask_sensitive(" ".join(text.split())).text
    if not plain or len(plain) > longest:
        raise Refused(name, f"{name} is needed, in at most {longest} characters")
    return plain


def _noted(
    session: Session, now: datetime, shop_id: int, actor: str, action: str, row_id: int | None
) -> Recorded:
    if row_id is None:
        raise Refused("recorded_before", "this was recorded a moment ago")
    audit.record(
        session,
        now=now,
        shop_id=shop_id,
        actor=actor,
        action=action,
        subject=f"consent:{row_id}",
    )
    return Recorded(row_id)
