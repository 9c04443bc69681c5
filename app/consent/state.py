"""What the ledger says of one phone: its rows, oldest first, folded into one state.

A revocation voids every grant before it. Only the buyer's own later text ends an opt-out; a new
order's tick does not, for the carrier would go on blocking us anyway.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from app.consent.permission import ConsentState, Grant, OptOut


@dataclass(frozen=True)
class LedgerRow:
    id: int
    purpose: str
    action: str
    source: str
    wording: str | None
    occurred_at: datetime


def fold(rows: Iterable[LedgerRow], *, confirmed_after: datetime | None) -> ConsentState:
    """`confirmed_after`: when our latest opt-out confirmation went out, if one did."""
    grants: dict[str, Grant] = {}
    opted_out: OptOut | None = None
    for row in rows:
        if row.action == "revoked":
            grants = {}
            opted_out = OptOut(
                evidence=f"consent:{row.id}",
                at=row.occurred_at,
                confirmed=confirmed_after is not None and confirmed_after >= row.occurred_at,
            )
            continue
        grants[row.purpose] = Grant(evidence=f"consent:{row.id}", wording=row.wording or "")
        if row.source == "text":
            opted_out = None
    return ConsentState(
        care=grants.get("care"),
        shopify_sms=grants.get("marketing"),
        number_at_checkout=grants.get("number"),
        opted_out=opted_out,
    )
