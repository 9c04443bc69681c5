"""Where a write goes: the ticket in question, the buyer it is of, and the account it is in.

Read by whoever is about to call a helpdesk: `standing` for a thread, `place_of` for a link.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from app.foundation.crypto import KeyRing
from app.foundation.db import Session
from app.helpdesk.compose import Buyer, requester_of
from app.helpdesk.kinds import KINDS
from app.helpdesk.ports import HelpdeskAccess, Numbers, Requester
from app.helpdesk.tokens import ready_access

# Of a buyer `p`, their shop `s` and the account `a`; the functions below read them.
COLUMNS = """
  p.id AS contact_id, p.phone, p.first_name, p.last_name, p.email, p.shared_phone, s.domain,
  (SELECT n.phone FROM senders n WHERE n.shop_id = s.id AND n.state <> 'retired') AS line,
  a.id AS account_id, a.kind, a.subdomain, a.access_token, a.expires_at, a.bot_user_id
"""
OF_LINK = f"""
SELECT l.shop_id, l.external_id, l.ticket_id, l.requester_id, {COLUMNS}
FROM ticket_links l
JOIN helpdesk_accounts a ON a.id = l.account_id
JOIN conversations c ON c.id = l.conversation_id
JOIN contacts p ON p.id = c.contact_id
JOIN shops s ON s.id = l.shop_id
WHERE l.id = %s
"""


@dataclass(frozen=True)
class At:
    shop_id: int
    account_id: int
    kind: str
    link_id: int
    external_id: str
    ticket_id: str | None
    requester_id: str | None
    requester: Requester = field(repr=False)
    numbers: Numbers | None
    access: HelpdeskAccess | None = field(default=None, repr=False)  # None: to be refreshed


def place_of(session: Session, *, now: datetime, keys: KeyRing, link_id: int) -> At:
    row = session.sql(OF_LINK, link_id).one()
    return At(
        shop_id=row.shop_id,
        account_id=row.account_id,
        kind=row.kind,
        link_id=link_id,
        external_id=row.external_id,
        ticket_id=row.ticket_id,
        requester_id=row.requester_id,
        requester=requester_of(buyer_of(row), row.domain),
        numbers=numbers_of(row),
        access=access_of(row, keys, now),
    )


def buyer_of(row: Any) -> Buyer:
    return Buyer(
        contact_id=row.contact_id,
        phone=row.phone,
        first_name=row.first_name,
        last_name=row.last_name,
        shared_phone=row.shared_phone,
        email=row.email if KINDS[row.kind].knows_buyers_by_email else None,
    )


def numbers_of(row: Any) -> Numbers | None:
    return Numbers(buyer=row.phone, shop=row.line) if row.line else None


def access_of(row: Any, keys: KeyRing, now: datetime) -> HelpdeskAccess | None:
    return ready_access(
        keys,
        now,
        account_id=row.account_id,
        subdomain=row.subdomain,
        access_token=row.access_token,
        expires_at=row.expires_at,
        bot_user_id=row.bot_user_id,
    )
