"""A promise that fell due and was not kept: we say sorry once, name a new time, and agents hear.

The ticker lists what is due and breaks each in a transaction of its own. Permission decides whether
the apology may go now; where it may not, only the agents are told. What was promised instead and is
broken too brings no second apology.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime

import sqlalchemy as sa

from app.consent.permission import Purpose
from app.consent.verdicts import Allowed
from app.conversations.events import PromiseBroken
from app.conversations.holder import locked_thread
from app.conversations.hours import outlook_of
from app.conversations.models import Conversation, Promise
from app.conversations.open import Thread
from app.conversations.promise import promise_answer
from app.conversations.reply import OwnText, add_own_text
from app.foundation.db import Session
from app.messaging.locks import lock_contact
from app.messaging.permit import Subject, ask_permissions

LOOK = 100
SORRY = "We're sorry: nobody has answered you yet. "
PATIENCE_AT_LEAST = 60  # minutes; whoever was late once promises no ten minutes again


@dataclass(frozen=True)
class Broken:
    apologised: bool


@dataclass(frozen=True)
class NotDue:
    """Kept, broken or put off meanwhile."""


def list_due(
    session: Session, *, now: datetime, but: Collection[int] = ()
) -> list[tuple[int, int]]:
    """Shop and id of promises whose time is over, `but` those; nothing is locked."""
    due = (Promise.state == "open") & (Promise.due_at <= now) & Promise.id.not_in(but)
    which = sa.select(Promise.shop_id, Promise.id).where(due).order_by(Promise.due_at).limit(LOOK)
    return [(row.shop_id, row.id) for row in session.execute(which)]


def break_promise(session: Session, *, now: datetime, promise_id: int) -> Broken | NotDue:
    contact_id, conversation_id = session.execute(
        sa.select(Conversation.contact_id, Conversation.id)
        .join(Promise, Promise.conversation_id == Conversation.id)
        .where(Promise.id == promise_id)
    ).one()
    lock_contact(session, contact_id)
    thread = locked_thread(session, conversation_id)
    promise = session.get_one(Promise, promise_id, with_for_update=True, populate_existing=True)
    if promise.state != "open" or promise.due_at > now:
        return NotDue()
    promise.state, promise.settled_at = "broken", now
    session.flush()
    apologised = promise.instead_of is None and apologise(session, thread, promise, now=now)
    session.publish(
        PromiseBroken(shop_id=thread.shop_id, conversation_id=thread.id, promise_id=promise.id),
        now=now,
    )
    return Broken(apologised)


def apologise(session: Session, thread: Conversation, broken: Promise, *, now: datetime) -> bool:
    """Whether the buyer hears of it. The new time is a promise as well."""
    subject = Subject(thread.shop_id, thread.contact_id, Purpose.APOLOGY, order_id=thread.order_id)
    [verdict] = ask_permissions(session, now=now, subjects=[subject])
    if not isinstance(verdict, Allowed):
        return False
    outlook = outlook_of(session, thread, now=now)
    if outlook.hours is not None:
        patience = max(PATIENCE_AT_LEAST, 2 * outlook.hours.minutes)
        outlook = replace(outlook, hours=replace(outlook.hours, minutes=patience))
    expectation = outlook.expect(now)
    if expectation is not None:
        promise_answer(session, thread, now=now, due_at=expectation.due_at, instead_of=broken.id)
    add_own_text(
        session,
        now=now,
        thread=Thread(thread.id, thread.shop_id, thread.contact_id),
        text=OwnText(
            body=SORRY + outlook.in_words(expectation, now=now),
            author="system",
            purpose=Purpose.APOLOGY,
            key=f"apology:{broken.id}",
        ),
    )
    return True
