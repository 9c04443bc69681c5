"""A thread needs a person, or has waited too long for one: its ticket says so.

Called by the jobs `helpdesk.raise_ticket` after `HandedOff` and `helpdesk.tell_broken` after
`PromiseBroken`. Where the shop's tickets open at the hand-off, the ticket is opened here. Each note
is written once; a priority is only ever raised.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import selectinload

from app.conversations.models import Conversation, Promise
from app.foundation.db import Session
from app.helpdesk.brief import Facts, brief_of, broken_note
from app.helpdesk.compose import PlannedComment
from app.helpdesk.mirror import bring_up_to_date
from app.helpdesk.needs import Needs
from app.helpdesk.notes import write_note
from app.helpdesk.place import place_of
from app.helpdesk.ports import Priority, Routing, TicketClosed, TicketGone
from app.helpdesk.queries import live_link
from app.helpdesk.routing.apply_rules import apply_rules
from app.helpdesk.writing import desk_at, end_link
from app.messaging.models import Message
from app.orders.models import Order
from app.shops.models import Shop

PROMISE_TAG = "doorstep_promise_broken"

# `since`: the last answer that a human gave, or nothing at all.
GATHER = """
WITH answered AS (
  SELECT coalesce(max(id), 0) AS id FROM messages
  WHERE conversation_id = %(conversation)s AND author = 'agent' AND id < %(text)s)
SELECT c.contact_id, s.timezone,
  coalesce(c.order_id, (SELECT o.id FROM orders o WHERE o.contact_id = c.contact_id
                        ORDER BY o.placed_at DESC NULLS LAST LIMIT 1)) AS order_id,
  (SELECT array_agg(m.body ORDER BY m.id) FROM messages m, answered a
   WHERE m.conversation_id = c.id AND m.direction = 'in' AND m.id > a.id AND m.id <= %(text)s
  ) AS wants,
  (SELECT max(m.sent_at) FROM messages m
   WHERE m.conversation_id = c.id AND m.purpose = 'check_in') AS check_in_at,
  (SELECT count(*) FROM messages m
   WHERE m.conversation_id = c.id AND m.author = 'assistant' AND m.sent_at IS NOT NULL) AS answers,
  (SELECT count(*) FROM media p JOIN messages m ON m.id = p.message_id
   WHERE m.conversation_id = c.id AND m.direction = 'in') AS photos,
  (SELECT m.body FROM messages m
   WHERE m.conversation_id = c.id AND m.dedupe_key = %(told)s) AS told,
  (SELECT due_at FROM promises WHERE id = %(promise)s) AS due_at
FROM conversations c JOIN shops s ON s.id = c.shop_id WHERE c.id = %(conversation)s
"""


def raise_ticket(
    tools: Needs, *, shop_id: int, conversation_id: int, reason: str, message_id: int,
    promise_id: int | None,
) -> None:  # fmt: skip
    """Write the brief. Raises as `bring_up_to_date` and `write_note`."""
    link_id = _ticket_of(tools, shop_id, conversation_id)
    if link_id is None:
        return
    with tools.db.shop(shop_id) as session:
        asked = {
            "conversation": conversation_id,
            "text": message_id,
            "told": f"promise:{promise_id}#0",
            "promise": promise_id,
        }
        row = session.sql(GATHER, asked).one()
        note = brief_of(_facts(session, row, reason), row.timezone)
    route_again(tools, shop_id=shop_id, link_id=link_id)
    write_note(tools, shop_id=shop_id, link_id=link_id, key=f"hand-off:{message_id}", note=note)


def route_again(tools: Needs, *, shop_id: int, link_id: int) -> None:
    """What was said since, or danger, may lead elsewhere. A ticket that has ended meanwhile is
    noticed by the note that follows."""
    with suppress(TicketClosed, TicketGone):
        apply_rules(tools, shop_id=shop_id, link_id=link_id)


def _facts(session: Session, row: Any, reason: str) -> Facts:
    which = sa.select(Order).where(Order.id == row.order_id).options(selectinload(Order.lines))
    return Facts(
        reason=reason,
        wants=row.wants or (),
        check_in_at=row.check_in_at,
        answers=row.answers,
        photos=row.photos,
        order=session.scalars(which).one_or_none() if row.order_id is not None else None,
        promised_until=row.due_at,
        told=row.told,
    )


def tell_broken(tools: Needs, *, shop_id: int, conversation_id: int, promise_id: int) -> None:
    """A higher priority, a tag for the shop's own triggers, and a note."""
    link_id = _ticket_of(tools, shop_id, conversation_id)
    if link_id is None:
        return
    with tools.db.shop(shop_id) as session:
        if session.get_one(Conversation, conversation_id).raised_at is None:
            return  # solved or handed back while this waited
        note = _broken_note(session, promise_id)
    raise_priority(tools, shop_id=shop_id, link_id=link_id, to=Priority.HIGH)
    write_note(
        tools,
        shop_id=shop_id,
        link_id=link_id,
        key=f"promise:{promise_id}",
        note=note,
        tags=(PROMISE_TAG,),
        reopen=True,
    )


def _broken_note(session: Session, promise_id: int) -> PlannedComment:
    promise = session.get_one(Promise, promise_id)
    zone = session.scalars(sa.select(Shop.timezone).where(Shop.id == promise.shop_id)).one()
    new_due_at: datetime | None = session.scalar(
        sa.select(Promise.due_at).where(Promise.instead_of == promise_id)
    )
    told = sa.exists().where(
        Message.shop_id == promise.shop_id, Message.dedupe_key == f"apology:{promise_id}#0"
    )
    return broken_note(
        due_at=promise.due_at,
        new_due_at=new_due_at,
        told=bool(session.scalar(sa.select(told))),
        zone=zone,
    )


def raise_priority(tools: Needs, *, shop_id: int, link_id: int, to: Priority) -> None:
    """Never lowers what a human, or a rule, has set."""
    with tools.db.shop(shop_id) as session:
        at = place_of(session, now=tools.clock.now(), keys=tools.keys, link_id=link_id)
    if at.ticket_id is None:
        return
    try:
        with desk_at(tools, at) as desk:
            now_at = desk.helpdesk.read_status(desk.access, at.ticket_id).priority
            if now_at is None or now_at.rank < to.rank:
                desk.helpdesk.route_ticket(desk.access, at.ticket_id, Routing(priority=to))
    except (TicketClosed, TicketGone) as ended:
        with tools.db.shop(shop_id) as session:
            state = "closed" if isinstance(ended, TicketClosed) else "gone"
            end_link(link_id, state)(session, tools.clock.now())


def _ticket_of(tools: Needs, shop_id: int, conversation_id: int) -> int | None:
    """After all texts before it stand there."""
    bring_up_to_date(tools, shop_id=shop_id, conversation_id=conversation_id)
    with tools.db.shop(shop_id) as session:
        return live_link(session, conversation_id)
