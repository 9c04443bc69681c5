"""A stored text joins its thread: the one durable conversation of this contact and shop.

Runs now, inside the inbound door's transaction, in one statement. A reply after six weeks is in
the same thread as one after a minute. Texts within seconds of each other are one turn.
"""

from __future__ import annotations

from datetime import datetime
from typing import assert_never

import sqlalchemy as sa

from app.consent.permission import Purpose
from app.conversations.events import ContactWrote, MessageAdded
from app.conversations.open import Thread
from app.conversations.reply import OwnText, add_own_text
from app.foundation.db import Session
from app.messaging.events import TextReceived
from app.messaging.models import Sender
from app.shops.models import Shop, ShopPreferences
from app.understanding.keywords import KeywordKind

TURN_SECONDS = 8  # a pause longer than this begins a new turn

JOIN = """
WITH thread AS (
  INSERT INTO conversations AS c (shop_id, contact_id, turn, turn_at, turn_began_with,
                                  waiting_since, last_inbound_at, last_message_at)
  VALUES (%(shop)s, %(contact)s, 1, %(now)s, %(message)s, %(now)s, %(now)s, %(now)s)
  ON CONFLICT (shop_id, contact_id) DO UPDATE SET
    state = 'open',
    turn = c.turn + CASE WHEN c.turn_at >= excluded.turn_at - make_interval(secs => %(pause)s)
                    THEN 0 ELSE 1 END,
    turn_began_with = CASE WHEN c.turn_at >= excluded.turn_at - make_interval(secs => %(pause)s)
                      THEN c.turn_began_with ELSE excluded.turn_began_with END,
    turn_at = excluded.turn_at,
    waiting_since = coalesce(c.waiting_since, excluded.waiting_since),
    last_inbound_at = excluded.last_inbound_at,
    last_message_at = excluded.last_message_at
  RETURNING id, turn, turn_began_with),
joined AS (
  UPDATE messages SET conversation_id = thread.id, turn = thread.turn FROM thread
  WHERE messages.id = %(message)s)
SELECT id, turn_began_with = %(message)s AS begins_turn FROM thread
"""


def route_text(session: Session, event: TextReceived, *, now: datetime) -> None:
    """Put the text into its thread, answer what the carriers want answered."""
    row = session.sql(
        JOIN,
        {
            "shop": event.shop_id,
            "contact": event.contact_id,
            "message": event.message_id,
            "now": now,
            "pause": TURN_SECONDS,
        },
    ).one()
    session.publish(
        MessageAdded(
            shop_id=event.shop_id,
            conversation_id=row.id,
            message_id=event.message_id,
            outbound=False,
            author="contact",
        ),
        now=now,
    )
    if row.begins_turn:
        session.publish(
            ContactWrote(
                shop_id=event.shop_id,
                conversation_id=row.id,
                contact_id=event.contact_id,
                message_id=event.message_id,
            ),
            now=now,
        )
    if event.keyword and not event.answered_by_provider:
        answer_keyword(session, event, now=now, conversation_id=row.id)


def answer_keyword(
    session: Session, event: TextReceived, *, now: datetime, conversation_id: int
) -> None:
    """One text that confirms an opt-out or opt-in, or says who we are and how to reach us.

    Providers confirm STOP and START themselves unless a shop switched that off, and then block
    us; so we confirm only what they could not see: an opt-out in free words. HELP must name the
    brand and a contact, which the provider's stock answer does not.
    """
    kind = KeywordKind(event.keyword or "")
    brand, contact = session.execute(
        sa.select(Shop.name, ShopPreferences.support_contact)
        .join(ShopPreferences, ShopPreferences.shop_id == Shop.id)
        .where(Shop.id == event.shop_id)
    ).one()
    line = session.scalars(
        sa.select(Sender).where(Sender.shop_id == event.shop_id, Sender.state != "retired")
    ).one()
    seen_by_provider = event.network_keyword if line.kind == "toll_free" else event.carrier_keyword
    if kind is not KeywordKind.HELP and seen_by_provider and line.provider_confirms:
        return
    match kind:
        case KeywordKind.OPT_OUT:
            purpose = Purpose.OPT_OUT_CONFIRMATION
            body = (
                f"{brand}: you won't get any more texts from us."
                " Text START if you change your mind."
            )
        case KeywordKind.OPT_IN:
            purpose = Purpose.OPT_IN_CONFIRMATION
            body = (
                f"{brand}: you're back. We text only about your orders. Msg & data rates may"
                " apply. Reply HELP for help, STOP to opt out."
            )
        case KeywordKind.HELP:
            purpose = Purpose.HELP_ANSWER
            where = f" or {contact}" if contact else ""
            body = (
                f"{brand} order care. Reply here and a person answers{where}."
                " Msg & data rates may apply. Reply STOP to opt out."
            )
        case _:
            assert_never(kind)
    add_own_text(
        session,
        now=now,
        thread=Thread(conversation_id, event.shop_id, event.contact_id),
        text=OwnText(
            body=body,
            author="system",
            purpose=purpose,
            key=f"keyword:{event.message_id}",
        ),
    )
