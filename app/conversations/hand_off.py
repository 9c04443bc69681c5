"""A person is needed: the thread is theirs, the buyer hears when, and agents get a brief.

Called by `answer_at_once` for a buyer who asks for a person or texts HELP; later by the assistant
when it is at its end. What the buyer is told rests on the shop's hours and becomes a promise, which
`break_promise` watches. Asked again while that promise is open, nothing is said twice.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from app.consent.permission import Purpose
from app.conversations.events import HandedOff
from app.conversations.holder import give_to_human, locked_thread
from app.conversations.hours import outlook_of
from app.conversations.models import Conversation
from app.conversations.open import Thread
from app.conversations.promise import open_promise, promise_answer
from app.conversations.reply import OwnText, add_own_text
from app.foundation.db import Session
from app.messaging.locks import lock_contact
from app.understanding.wants_human import Language


@dataclass(frozen=True)
class InHumanHands:
    promise_id: int | None  # None: no time could be promised, or nothing was to be said


@dataclass(frozen=True)
class AlreadyPromised:
    """A person is on the way, and the buyer knows when."""

    promise_id: int


def hand_off(
    session: Session,
    *,
    now: datetime,
    conversation_id: int,
    reason: str,
    message_id: int,
    say_in: Language | None,
) -> InHumanHands | AlreadyPromised:
    """`reason`: asked | help. `message_id`: the text that calls for it. `say_in`: the language in
    which the buyer is told what to expect; None where another answer has been given."""
    which = Conversation.id == conversation_id
    lock_contact(session, session.scalars(sa.select(Conversation.contact_id).where(which)).one())
    thread = locked_thread(session, conversation_id)
    give_to_human(thread, now=now)
    before = open_promise(session, conversation_id)
    if before is not None:
        return AlreadyPromised(before.id)
    promise_id = tell(session, thread, now=now, language=say_in) if say_in is not None else None
    session.publish(
        HandedOff(
            shop_id=thread.shop_id,
            conversation_id=thread.id,
            reason=reason,
            message_id=message_id,
            promise_id=promise_id,
        ),
        now=now,
    )
    return InHumanHands(promise_id)


def tell(
    session: Session, thread: Conversation, *, now: datetime, language: Language
) -> int | None:
    """One text with the honest expectation. The promise behind it, if a time can be named."""
    outlook = outlook_of(session, thread, now=now)
    if outlook.opted_out:
        return None
    expectation = outlook.expect(now)
    promise_id = None
    key = f"hand-off:{thread.id}:{now.date().isoformat()}"  # without a time, once a day will do
    if expectation is not None:
        promise_id = promise_answer(session, thread, now=now, due_at=expectation.due_at).id
        key = f"promise:{promise_id}"
    add_own_text(
        session,
        now=now,
        thread=Thread(thread.id, thread.shop_id, thread.contact_id),
        text=OwnText(
            body=outlook.in_words(expectation, now=now, language=language),
            author="system",
            purpose=Purpose.REPLY,
            key=key,
        ),
    )
    return promise_id
