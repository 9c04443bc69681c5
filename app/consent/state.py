"""What the ledger says of one phone: its rows, oldest first, folded into one state.

A revocation voids every grant before it. Only the buyer's own later text ends an opt-out; a new
order's tick or a page does not, for the carrier would go on blocking us anyway, and anybody can
type a number. A pending row is a question that nobody has answered: never a grant.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from app.consent.permission import ConsentState, Grant, JustJoined, OptOut

# Sources that are a text of the buyer's own, sent from the phone in question.
OWN_TEXTS = ("text", "keyword")
JOINED_ON = "join_page"


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
    joined: JustJoined | None = None
    for row in rows:
        if row.action == "revoked":
            grants, joined = {}, None
            opted_out = OptOut(
                evidence=f"consent:{row.id}",
                at=row.occurred_at,
                confirmed=confirmed_after is not None and confirmed_after >= row.occurred_at,
            )
            continue
        if row.source == JOINED_ON:
            joined = JustJoined(evidence=f"consent:{row.id}", at=row.occurred_at)
        if row.action == "pending":
            continue
        grants[row.purpose] = Grant(evidence=f"consent:{row.id}", wording=row.wording or "")
        if row.source in OWN_TEXTS:
            opted_out = None
    return ConsentState(
        care=grants.get("care"),
        shopify_sms=grants.get("marketing"),
        number_at_checkout=grants.get("number"),
        opted_out=opted_out,
        joined=joined,
    )
