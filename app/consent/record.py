"""Write the ledger: grants and revocations with their evidence. Append-only.

Called by `from_checkout`, `vendors` receipts (Shopify's SMS consent), `messaging.receive` (a
buyer's own text) and `joining` (keyword, page, import, agents). 47 CFR 64.1200(a)(10): a
revocation by any reasonable means is obeyed; ours is in force in the transaction that stores it.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from app.consent.events import ConsentRevoked, MarketingRevoked
from app.consent.models import ConsentEvent
from app.contacts.models import Contact
from app.foundation.db import Session


@dataclass(frozen=True)
class Evidence:
    """One fact about what a person allowed or forbade, and how we know."""

    phone: str = field(repr=False)
    purpose: str  # care | marketing | number
    source: str
    occurred_at: datetime
    wording: str | None = field(default=None, repr=False)
    covers_assistant: bool = False
    order_id: int | None = None
    message_id: int | None = None
    detail: dict[str, Any] = field(default_factory=dict, repr=False)


_ASSISTANT_WORDS = ("ai ", "assistant", "automated")


def covers_assistant(wording: str) -> bool:
    """Whether these words told the buyer that some texts are written by a machine."""
    return any(word in wording.lower() for word in _ASSISTANT_WORDS)


def proof_of(shop_id: int, action: str, evidence: Evidence) -> str:
    """A hash over the row's facts: the same fact reported twice is the same row."""
    facts = json.dumps(
        [
            shop_id,
            action,
            evidence.phone,
            evidence.purpose,
            evidence.source,
            evidence.wording,
            evidence.covers_assistant,
            evidence.order_id,
            evidence.message_id,
            evidence.detail,
            evidence.occurred_at.isoformat(),
        ],
        sort_keys=True,
    )
    return hashlib.sha256(facts.encode()).hexdigest()


def record_grant(session: Session, *, shop_id: int, evidence: Evidence) -> int | None:
    """Add a grant. Its row id, or None if this fact was recorded before."""
    return _append(session, shop_id, "granted", evidence)


def record_pending(session: Session, *, shop_id: int, evidence: Evidence) -> int | None:
    """Somebody asked for texts and has yet to confirm. No grant: `state.fold` passes over it."""
    return _append(session, shop_id, "pending", evidence)


def record_revocation(
    session: Session, *, now: datetime, shop_id: int, evidence: Evidence
) -> int | None:
    """Add a revocation of everything, mark the contact, and let cancellation follow at once.

    Returns the row's id, or None if this fact was recorded before.
    """
    row_id = _append(session, shop_id, "revoked", evidence)
    if row_id is None:
        return None
    contact_id = session.scalar(
        sa.update(Contact)
        .where(Contact.shop_id == shop_id, Contact.phone == evidence.phone)
        .values(opted_out_at=sa.func.coalesce(Contact.opted_out_at, now), opt_out_asked_at=None)
        .returning(Contact.id)
    )
    if contact_id is not None:
        session.publish(ConsentRevoked(shop_id=shop_id, contact_id=contact_id), now=now)
    return row_id


def record_marketing_revocation(
    session: Session, *, now: datetime, shop_id: int, contact_id: int, evidence: Evidence
) -> int | None:
    """The buyer left a newsletter: marketing ends, also in Shopify, and care texts go on."""
    row_id = _append(session, shop_id, "revoked", evidence, purpose="marketing")
    if row_id is not None:
        session.publish(MarketingRevoked(shop_id=shop_id, contact_id=contact_id), now=now)
    return row_id


def ask_whether_to_stop(session: Session, *, now: datetime, contact_id: int) -> None:
    """Until the buyer has said otherwise we begin nothing; silence means out, see `silence`."""
    session.execute(sa.update(Contact).where(Contact.id == contact_id).values(opt_out_asked_at=now))


def stay_reachable(session: Session, *, contact_id: int) -> None:
    """Asked whether we should stop, the buyer wrote something else."""
    session.execute(
        sa.update(Contact).where(Contact.id == contact_id).values(opt_out_asked_at=None)
    )


def record_return(
    session: Session, *, shop_id: int, contact_id: int, evidence: Evidence
) -> int | None:
    """The buyer opted in again by their own text: the only thing that ends an opt-out."""
    row_id = _append(session, shop_id, "granted", evidence)
    session.execute(
        sa.update(Contact)
        .where(Contact.id == contact_id)
        .values(opted_out_at=None, opt_out_asked_at=None)
    )
    return row_id


def _append(
    session: Session, shop_id: int, action: str, evidence: Evidence, *, purpose: str | None = None
) -> int | None:
    """A revocation is of everything, unless `purpose` names what alone is revoked."""
    statement = insert(ConsentEvent).values(
        shop_id=shop_id,
        phone=evidence.phone,
        purpose=purpose or ("all" if action == "revoked" else evidence.purpose),
        action=action,
        source=evidence.source,
        wording=evidence.wording,
        covers_assistant=evidence.covers_assistant,
        order_id=evidence.order_id,
        message_id=evidence.message_id,
        evidence=evidence.detail,
        proof=proof_of(shop_id, action, evidence),
        occurred_at=evidence.occurred_at,
    )
    return session.scalar(
        statement.on_conflict_do_nothing(index_elements=["shop_id", "proof"]).returning(
            ConsentEvent.id
        )
    )
