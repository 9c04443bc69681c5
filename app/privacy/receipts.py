"""Webhooks as they came hold names and addresses: those of a forgotten buyer are emptied.

Called by `privacy.jobs` before the rows are redacted. The row stays with its ids, so that the same
webhook, delivered once more, is still known and not worked again. A receipt that waits for its
work is worked first, for it may carry an opt-out; one that failed or waits for a token is emptied
and done.

A shop's receipts are read along their unique index, some hundred in a transaction of their own, so
that neither the doors nor the workers ever wait for this.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from app.contacts.models import Contact
from app.conversations.models import Conversation
from app.foundation.db import Database, Session
from app.helpdesk.models import HelpdeskAccount, TicketLink
from app.orders.models import Order
from app.privacy.buyer import Buyer, contacts_of
from app.shops.models import Shop

BATCH = 200

# Only bodies that hold one of the needles travel; an exact look decides (`speaks_of`).
PAGE = """
SELECT id, delivery_id, state, CASE WHEN EXISTS (
    SELECT FROM unnest(%(needles)s::bytea[]) needle WHERE position(needle IN body) > 0
  ) THEN body ELSE '' END AS body
FROM (SELECT id, delivery_id, state, body FROM receipts
      WHERE source = %(source)s AND owner = %(owner)s AND delivery_id > %(after)s
      ORDER BY delivery_id LIMIT %(batch)s) page
ORDER BY delivery_id
"""
WHOLE_PAGE = """
SELECT id, delivery_id, state FROM receipts
WHERE source = %(source)s AND owner = %(owner)s AND delivery_id > %(after)s
ORDER BY delivery_id LIMIT %(batch)s
"""
ERASE = """
UPDATE receipts SET body = '', state = 'done', leased_until = NULL, error = 'redacted',
  processed_at = coalesce(processed_at, now())
WHERE id = ANY(%s) AND state <> 'pending'
"""


@dataclass(frozen=True)
class Owner:
    """Whose receipts, in the source's words, and the ids by which they name the buyer; None for
    all of them."""

    source: str
    owner: str
    marks: frozenset[str] | None


def owners_of(session: Session, *, shop_id: int, buyer: Buyer | None) -> list[Owner]:
    """Where receipts about this buyer (or all, if None) may lie, and how to know them."""
    domain = session.scalars(sa.select(Shop.domain).where(Shop.id == shop_id)).one()
    accounts = session.scalars(
        sa.select(HelpdeskAccount).where(HelpdeskAccount.shop_id == shop_id)
    ).all()
    desks = [(account.kind, str(account.id)) for account in accounts]
    if buyer is None:
        return [Owner(source, owner, None) for source, owner in [("shopify", domain), *desks]]
    contact_ids = contacts_of(session, shop_id=shop_id, buyer=buyer)
    contacts = session.execute(
        sa.select(Contact.phone, Contact.shopify_customer_id).where(Contact.id.in_(contact_ids))
    ).all()
    orders = session.scalars(sa.select(Order.shopify_id).where(Order.contact_id.in_(contact_ids)))
    tickets = session.scalars(
        sa.select(TicketLink.ticket_id)
        .join(Conversation, Conversation.id == TicketLink.conversation_id)
        .where(Conversation.contact_id.in_(contact_ids), TicketLink.ticket_id.is_not(None))
    )
    phones = {phone for phone, _ in contacts}
    ids = {buyer.customer_id, *(customer for _, customer in contacts), *buyer.order_ids, *orders}
    in_shop = frozenset({str(one) for one in ids if one is not None} | phones)
    in_desk = frozenset({str(one) for one in tickets} | phones)
    return [
        Owner("shopify", domain, in_shop),
        *(Owner(source, owner, in_desk) for source, owner in desks),
    ]


def erase_receipts(db: Database, owners: list[Owner]) -> bool:
    """Empty them. False if some wait to be worked: come again."""
    settled = True
    for owner in owners:
        after = ""
        while True:
            with db.across_shops("privacy: receipts to be emptied") as session:
                rows = _page(session, owner, after)
                concerned = [
                    row for row in rows if owner.marks is None or speaks_of(row.body, owner.marks)
                ]
                session.sql(ERASE, [row.id for row in concerned])
            settled = settled and all(row.state != "pending" for row in concerned)
            if len(rows) < BATCH:
                break
            after = rows[-1].delivery_id
    return settled


def _page(session: Session, owner: Owner, after: str) -> list[Any]:
    where = {"source": owner.source, "owner": owner.owner, "after": after, "batch": BATCH}
    if owner.marks is None:
        return session.sql(WHOLE_PAGE, where).all()
    needles = [mark.encode() for mark in sorted(owner.marks)]
    return session.sql(PAGE, {**where, "needles": needles}).all()


def speaks_of(body: bytes, marks: frozenset[str]) -> bool:
    """Whether a value in this JSON is one of the marks, as a number, a text or the end of a
    global id (gid://shopify/Order/5001, zen:ticket:40217). A body that is no JSON does, if
    it got here."""
    if not body:
        return False
    try:
        said = json.loads(body)
    except (ValueError, RecursionError):
        return True
    return any(value in marks for value in _values(said))


def _values(said: Any) -> Iterator[str]:
    """Every number and text, depth first, without recursion: bodies nest as they like."""
    waiting = [said]
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict):
            waiting += one.values()
        elif isinstance(one, list):
            waiting += one
        elif isinstance(one, str):
            yield one
            yield one.replace(":", "/").rpartition("/")[2]
        elif isinstance(one, int):
            yield str(one)
