"""Where an agent sits: which shop and thread a session may see and act on, asked at every call.

The ticket or thread comes from the page, so nothing of it is believed: it must have a ticket in one
of the session's accounts, still connected, of a shop that still has the app. Works across shops,
for the page does not know which of two shops in one helpdesk a ticket belongs to.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from app.desk.sessions import DeskSession, SessionEnded
from app.foundation.db import Session
from app.foundation.errors import Refused
from app.helpdesk.models import LIVE

# An account that moved to another helpdesk keeps its row, and its old tickets' numbers mean others
# there: those were last touched before it was connected.
SEATS = """
SELECT a.shop_id, t.conversation_id
FROM helpdesk_accounts a
JOIN shops s ON s.id = a.shop_id AND s.state = 'installed'
LEFT JOIN LATERAL (
  SELECT l.conversation_id FROM ticket_links l
  WHERE l.account_id = a.id AND l.state <> 'gone' AND l.last_activity_at >= a.connected_at
    AND (l.ticket_id = %(ticket)s::text OR l.conversation_id = %(conversation)s::bigint)
    AND l.conversation_id = coalesce(%(only)s::bigint, l.conversation_id)
  ORDER BY l.state = ANY(%(live)s) DESC, l.id DESC LIMIT 1) t ON true
WHERE a.id = ANY(%(accounts)s) AND a.state = 'connected' AND a.subdomain = %(subdomain)s
ORDER BY t.conversation_id IS NULL, a.id
"""
ACCOUNTS = """
SELECT a.id FROM helpdesk_accounts a JOIN shops s ON s.id = a.shop_id AND s.state = 'installed'
WHERE a.kind = %s AND a.subdomain = %s AND a.state = 'connected' ORDER BY a.id
"""


@dataclass(frozen=True)
class Seat:
    shop_id: int
    conversation_id: int
    actor: str


def accounts_at(session: Session, *, kind: str, subdomain: str) -> Sequence[int]:
    """The connected accounts of one helpdesk: one for each shop that uses it."""
    return [row.id for row in session.sql(ACCOUNTS, kind, subdomain)]


def take_seat(
    session: Session,
    desk: DeskSession,
    *,
    ticket_id: str | None = None,
    conversation_id: int | None = None,
) -> Seat:
    """Raises SessionEnded, Refused(no_thread)."""
    rows = session.sql(
        SEATS,
        {
            "accounts": list(desk.account_ids),
            "subdomain": desk.subdomain,
            "ticket": ticket_id,
            "conversation": conversation_id,
            "only": desk.conversation_id,
            "live": list(LIVE),
        },
    ).all()
    if not rows:
        raise SessionEnded(
            "session_ended",
            "This helpdesk is not connected to Doorstep any more. Connect it again in Doorstep.",
        )
    if rows[0].conversation_id is None:
        raise Refused("no_thread", "No text conversation belongs to this ticket.")
    return Seat(rows[0].shop_id, rows[0].conversation_id, desk.actor)
