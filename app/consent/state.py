"""What the ledger says of one phone: its rows, oldest first, folded into one state.

A revocation voids every grant before it and is an opt-out; only one of marketing (a newsletter)
ends that grant alone. Only the buyer's own later act ends an opt-out, see
`sources`. A grant that was asked for and waits for the buyer's confirmation ("pending", double
opt-in) is none yet: the confirmation is recorded as the grant.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from app.consent.facts import ConsentState, Grant, OptOut
from app.consent.sources import BUYERS_OWN_ACT, Source

# Whoever takes these back keeps the rest; any other revocation, "care" included, is an opt-out.
REVOKED_ALONE = frozenset({"marketing", "number"})


@dataclass(frozen=True)
class LedgerRow:
    id: int
    purpose: str  # care | marketing | number | all
    action: str  # granted | revoked | pending
    source: str
    wording: str | None
    occurred_at: datetime
    covers_assistant: bool = False


def fold(rows: Iterable[LedgerRow], *, confirmed_after: datetime | None) -> ConsentState:
    """`confirmed_after`: when our latest opt-out confirmation went out, if one did."""
    grants: dict[str, Grant] = {}
    pending: dict[str, Grant] = {}
    opted_out: OptOut | None = None
    joined: Grant | None = None
    for row in rows:
        if row.action == "revoked" and row.purpose not in REVOKED_ALONE:
            grants, pending, joined = {}, {}, None
            opted_out = OptOut(
                evidence=f"consent:{row.id}",
                at=row.occurred_at,
                confirmed=confirmed_after is not None and confirmed_after >= row.occurred_at,
            )
            continue
        pending.pop(row.purpose, None)
        if row.action == "revoked":
            grants.pop(row.purpose, None)
            continue
        grant = Grant(
            evidence=f"consent:{row.id}",
            wording=row.wording or "",
            covers_assistant=row.covers_assistant,
            at=row.occurred_at,
        )
        if row.source == Source.JOIN_PAGE:
            joined = grant
        if row.action == "pending":
            pending[row.purpose] = grant
            continue
        grants[row.purpose] = grant
        if row.source in BUYERS_OWN_ACT:
            opted_out = None
    return ConsentState(
        care=grants.get("care"),
        shopify_sms=grants.get("marketing"),
        number_at_checkout=grants.get("number"),
        opted_out=opted_out,
        pending=pending.get("care"),
        joined=joined,
    )
