"""A ticket that was opened or raised goes where the shop's rules send it.

Called by the job `helpdesk.route` after an opening, and before the notes of `raise_ticket` and
`flag_urgent`. A separate call, and after the opening: a group that somebody deleted must not keep a
buyer's ticket from being opened. What the rules said last is stored, so that a ticket which an
agent has moved is only moved again once the rules say something new.
"""

from __future__ import annotations

from dataclasses import asdict, replace
from datetime import datetime
from decimal import Decimal
from typing import Any

import structlog

from app.foundation.db import Session
from app.foundation.errors import Permanent
from app.helpdesk.compose import PlannedComment
from app.helpdesk.models import TicketLink
from app.helpdesk.needs import Needs
from app.helpdesk.notes import write_note
from app.helpdesk.place import At, place_of
from app.helpdesk.ports import Author, Disconnected, Routing, TicketClosed, TicketGone
from app.helpdesk.routing.rules import RULES, Facts, route
from app.helpdesk.writing import desk_at

log = structlog.get_logger()

GATHER = """
SELECT f.routing_rules, c.urgent_at IS NOT NULL AS urgent, o.total_price,
  coalesce(o.ship_country, p.country) AS country,
  (SELECT array_agg(i.sku) FROM order_lines i
   WHERE i.order_id = o.id AND i.current_quantity > 0 AND i.sku IS NOT NULL) AS skus,
  (SELECT array_agg(m.body) FROM messages m WHERE m.conversation_id = c.id AND m.direction = 'in'
     AND m.created_at > %(now)s::timestamptz - interval '7 days') AS said
FROM ticket_links l
JOIN conversations c ON c.id = l.conversation_id
JOIN contacts p ON p.id = c.contact_id
JOIN shop_preferences f ON f.shop_id = l.shop_id
LEFT JOIN orders o ON o.id = coalesce(c.order_id, (
  SELECT id FROM orders WHERE contact_id = c.contact_id ORDER BY placed_at DESC NULLS LAST LIMIT 1))
WHERE l.id = %(link)s
"""


def apply_rules(tools: Needs, *, shop_id: int, link_id: int) -> None:
    """Raises Disconnected, Temporary, Postponed."""
    now = tools.clock.now()
    with tools.db.shop(shop_id) as session:
        link = session.get_one(TicketLink, link_id)
        routing = _routing(session, link_id, now)
        if routing is None or link.routed_as == as_json(routing) or link.ticket_id is None:
            return
        at = place_of(session, now=now, keys=tools.keys, link_id=link_id)
    try:
        _carry_out(tools, at, link.ticket_id, routing)
    except (Disconnected, TicketClosed, TicketGone):
        raise
    except Permanent as error:
        log.warning("routing refused", link_id=link_id, status=error.status)
        write_note(tools, shop_id=shop_id, link_id=link_id, key="routing-refused", note=REFUSED)
    with tools.db.shop(shop_id) as session:
        session.get_one(TicketLink, link_id).routed_as = as_json(routing)


def as_json(routing: Routing) -> dict[str, Any]:
    return asdict(routing) | {"tags": list(routing.tags)}


def _carry_out(tools: Needs, at: At, ticket_id: str, routing: Routing) -> None:
    with desk_at(tools, at) as desk:
        if routing.priority is not None:
            there = desk.helpdesk.read_status(desk.access, ticket_id).priority
            if there is not None and there.rank >= routing.priority.rank:
                routing = replace(routing, priority=None)  # never lower than a human has set it
        desk.helpdesk.route_ticket(desk.access, ticket_id, routing)


def _routing(session: Session, link_id: int, now: datetime) -> Routing | None:
    row: Any = session.sql(GATHER, {"link": link_id, "now": now}).one()
    facts = Facts(
        said=row.said or (),
        skus=row.skus or (),
        country=row.country,
        order_value=Decimal(row.total_price) if row.total_price else None,
        urgent=row.urgent,
    )
    return route(RULES.validate_python(row.routing_rules), facts)


REFUSED = PlannedComment(
    Author.SYSTEM,
    (
        "Doorstep: this ticket could not be routed as your rules say.",
        "Why: the helpdesk does not know the group or person, or that person is not in that group.",
        "What to do: check the ids in your routing rules.",
    ),
    public=False,
)
