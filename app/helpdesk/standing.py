"""How a thread and its ticket stand to each other: one statement, read by `plan`.

Which account takes the thread's texts, the tie to the ticket that takes them now, what is known of
the buyer and their order, and whether a write to that ticket is still unsettled.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from app.foundation.crypto import KeyRing
from app.foundation.db import Session
from app.helpdesk.compose import Buyer, requester_of
from app.helpdesk.ledger import STALE_SECONDS
from app.helpdesk.place import COLUMNS, At, access_of, buyer_of, numbers_of
from app.helpdesk.ports import HelpdeskAccess, Numbers

ORDER_NOTE = "order"  # key of the note with the order's facts

# The order that the thread is about, else the buyer's latest.
STANDING = f"""
SELECT c.id AS conversation_id, c.shop_id, c.raised_at, s.timezone, f.ticket_opens,
  a.connected_at, a.updates_per_minute,
  {COLUMNS},
  coalesce(c.order_id, (SELECT o.id FROM orders o WHERE o.contact_id = c.contact_id
                        ORDER BY o.placed_at DESC NULLS LAST LIMIT 1)) AS order_id,
  live.id AS link_id, live.state, live.external_id, live.ticket_id, live.requester_id,
  live.follow_up_of, live.wanted_state, c.state AS thread_state,
  past.ids AS link_ids, past.mark, past.closed,
  (SELECT bool_and(w.intended_at < now() - make_interval(secs => %(stale)s)) FROM ticket_writes w
   WHERE w.link_id = live.id AND w.state = 'intent') AS all_stale,
  EXISTS (SELECT FROM ticket_writes w WHERE w.link_id = live.id AND w.state = 'settled'
          AND w.note_key = %(order_note)s) AS order_noted,
  EXISTS (SELECT FROM ticket_writes w WHERE w.link_id = live.id AND w.state = 'refused')
    AS history_refused
FROM conversations c
JOIN contacts p ON p.id = c.contact_id
JOIN shops s ON s.id = c.shop_id
JOIN shop_preferences f ON f.shop_id = c.shop_id
JOIN LATERAL (
  SELECT * FROM helpdesk_accounts h WHERE h.shop_id = c.shop_id AND h.state = 'connected'
  ORDER BY h.id LIMIT 1) a ON true
LEFT JOIN ticket_links live
  ON live.conversation_id = c.id AND live.account_id = a.id
  AND live.state IN ('opening', 'open', 'solved')
CROSS JOIN LATERAL (
  SELECT array_agg(l.id ORDER BY l.id) AS ids, max(l.mirrored_to) AS mark,
    (array_agg(CASE WHEN l.state = 'closed' AND l.account_id = a.id THEN l.ticket_id END
               ORDER BY l.id DESC))[1] AS closed
  FROM ticket_links l WHERE l.conversation_id = c.id) past
WHERE c.id = %(conversation)s
"""


@dataclass(frozen=True)
class Link:
    """The tie to the ticket that takes this thread's texts now."""

    id: int
    state: str  # opening | open | solved
    external_id: str
    ticket_id: str | None
    requester_id: str | None
    follow_up_of: str | None
    wanted_state: str | None  # solved | open: as our side wants the ticket


@dataclass(frozen=True)
class Standing:
    shop_id: int
    conversation_id: int
    buyer: Buyer = field(repr=False)
    shop_domain: str
    zone: str
    order_id: int | None
    account_id: int
    kind: str
    connected_at: datetime
    ticket_opens: str
    thread_state: str
    is_raised: bool  # a human was called for, or is at it
    updates_per_minute: int
    numbers: Numbers | None
    access: HelpdeskAccess | None = field(repr=False)
    link: Link | None
    link_ids: tuple[int, ...]  # of all tickets that the thread ever had
    mark: int | None  # all texts up to it are settled in one of them
    continues: str | None  # without a live link: id of the closed ticket that comes before
    unsettled: bool  # some write to the live ticket
    all_stale: bool  # and nobody waits for the answer to any of them
    order_noted: bool  # the live ticket has its order note
    history_refused: bool  # the helpdesk does not take what came before the connection

    def at(self, link: Link) -> At:
        return At(
            shop_id=self.shop_id,
            account_id=self.account_id,
            kind=self.kind,
            link_id=link.id,
            external_id=link.external_id,
            ticket_id=link.ticket_id,
            requester_id=link.requester_id,
            requester=requester_of(self.buyer, self.shop_domain),
            numbers=self.numbers,
            access=self.access,
        )


def read_standing(
    session: Session, *, now: datetime, keys: KeyRing, conversation_id: int
) -> Standing | None:
    """None without a connected account. The thread is locked by the caller, before."""
    row = session.sql(
        STANDING,
        {"conversation": conversation_id, "stale": STALE_SECONDS, "order_note": ORDER_NOTE},
    ).one_or_none()
    if row is None:
        return None
    link = None
    if row.link_id is not None:
        link = Link(
            id=row.link_id,
            state=row.state,
            external_id=row.external_id,
            ticket_id=row.ticket_id,
            requester_id=row.requester_id,
            follow_up_of=row.follow_up_of,
            wanted_state=row.wanted_state,
        )
    return Standing(
        shop_id=row.shop_id,
        conversation_id=row.conversation_id,
        buyer=buyer_of(row),
        shop_domain=row.domain,
        zone=row.timezone,
        order_id=row.order_id,
        account_id=row.account_id,
        kind=row.kind,
        connected_at=row.connected_at,
        ticket_opens=row.ticket_opens,
        thread_state=row.thread_state,
        is_raised=row.raised_at is not None,
        updates_per_minute=row.updates_per_minute,
        numbers=numbers_of(row),
        access=access_of(row, keys, now),
        link=link,
        link_ids=tuple(row.link_ids or ()),
        mark=row.mark,
        continues=row.closed if link is None else None,
        unsettled=row.all_stale is not None,
        all_stale=bool(row.all_stale),
        order_noted=row.order_noted,
        history_refused=row.history_refused,
    )
