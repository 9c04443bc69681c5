"""What a text calls for that neither a human nor the assistant should be waited for.

Runs now after `route`, in the inbound door's transaction, and only queues: permission is asked when
the answer leaves. At most one answer to a text, the gravest first.

- Danger: the help line of the buyer's country is named, the thread is a human's and is flagged.
- Perhaps an opt-out: one question, within five minutes (47 CFR 64.1200(a)(12)). It prompts nobody
  to send CANCEL, END or YES. `consent.silence` takes no answer for a yes.
- "Why do you text me?": the consent receipt.
- A person is asked for: the thread is handed off, and they hear when somebody answers. Whoever
  texts HELP has had the answer that carriers want, and is a human's as well.
- A card number or password: it was masked; the buyer is asked not to send such things.
"""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from app.consent.permission import Purpose
from app.consent.receipt import consent_receipt
from app.consent.record import ask_whether_to_stop
from app.contacts.models import Contact
from app.conversations.events import CrisisSeen
from app.conversations.hand_off import hand_off
from app.conversations.holder import give_to_human
from app.conversations.models import Conversation
from app.conversations.open import Thread
from app.conversations.reply import OwnText, add_own_text
from app.foundation.db import Session
from app.messaging.emptied import emptying_at_provider
from app.messaging.events import TextReceived
from app.shops.models import Shop
from app.understanding.crisis import CrisisKind
from app.understanding.help_lines import help_line
from app.understanding.keywords import KeywordKind
from app.understanding.wants_human import Language


def answer_at_once(session: Session, event: TextReceived, *, now: datetime) -> None:
    if event.secrets:
        session.later(emptying_at_provider(shop_id=event.shop_id, message_id=event.message_id))
    if event.keyword == KeywordKind.HELP.value:
        fetch_human(session, event, now=now, reason="help", say_in=None)
    if event.answered_by_provider or event.keyword:
        return
    if event.wants_human and (event.unclear or event.why):  # one answer is enough
        fetch_human(session, event, now=now, reason="asked", say_in=None)
    if event.crisis:
        name_help(session, event, now=now, kind=CrisisKind(event.crisis))
    elif event.unclear:
        ask_whether_to_stop(session, now=now, contact_id=event.contact_id)
        body = (
            f"{brand_of(session, event)}: just to be sure, do you want us to stop texting you?"
            " Reply STOP and we will. Otherwise simply write on."
        )
        say(session, event, now=now, purpose=Purpose.CLARIFICATION, body=body)
    elif event.why:
        body = consent_receipt(
            session, shop_id=event.shop_id, contact_id=event.contact_id,
            brand=brand_of(session, event),
        )  # fmt: skip
        say(session, event, now=now, purpose=Purpose.CONSENT_RECEIPT, body=body)
    elif event.wants_human:
        fetch_human(session, event, now=now, reason="asked", say_in=event.wants_human)
    elif event.secrets:
        body = (
            "For your safety, please don't text card numbers, passwords or ID numbers. We've"
            " hidden what you sent; nobody here needs it to help you."
        )
        # Once a day is kind; after every digit it would be nagging.
        key = f"secrets:{event.contact_id}:{now.date().isoformat()}"
        say(session, event, now=now, purpose=Purpose.REPLY, body=body, key=key)


def name_help(session: Session, event: TextReceived, *, now: datetime, kind: CrisisKind) -> None:
    """The assistant stays silent from here on: a human looks, and the buyer knows whom to call."""
    conversation = thread_of(session, event)
    give_to_human(conversation, now=now)
    conversation.urgent_at = conversation.urgent_at or now
    country = session.scalars(
        sa.select(sa.func.coalesce(Contact.country, Shop.country))
        .join(Shop, Shop.id == Contact.shop_id)
        .where(Contact.id == event.contact_id)
    ).one()
    say(
        session,
        event,
        now=now,
        purpose=Purpose.CRISIS_ANSWER,
        body=help_line(country, kind).words,
        key=f"crisis:{event.contact_id}:{kind}:{now.date().isoformat()}",
    )
    session.publish(
        CrisisSeen(
            shop_id=event.shop_id,
            conversation_id=conversation.id,
            message_id=event.message_id,
            kind=kind.value,
        ),
        now=now,
    )


def fetch_human(
    session: Session, event: TextReceived, *, now: datetime, reason: str, say_in: Language | None
) -> None:
    hand_off(
        session,
        now=now,
        conversation_id=thread_of(session, event).id,
        reason=reason,
        message_id=event.message_id,
        say_in=say_in,
    )


def say(
    session: Session,
    event: TextReceived,
    *,
    now: datetime,
    purpose: Purpose,
    body: str,
    key: str | None = None,
) -> None:
    add_own_text(
        session,
        now=now,
        thread=Thread(thread_of(session, event).id, event.shop_id, event.contact_id),
        text=OwnText(
            body=body,
            author="system",
            purpose=purpose,
            key=key or f"at-once:{event.message_id}",
        ),
    )


def thread_of(session: Session, event: TextReceived) -> Conversation:
    return session.scalars(
        sa.select(Conversation).where(
            Conversation.shop_id == event.shop_id, Conversation.contact_id == event.contact_id
        )
    ).one()


def brand_of(session: Session, event: TextReceived) -> str:
    return session.scalars(sa.select(Shop.name).where(Shop.id == event.shop_id)).one()
