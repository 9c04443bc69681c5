"""A buyer texts the shop's keyword, or Y to our question: they join, and are told what they joined.

Runs now, in the inbound door's own transaction, after the text has its thread. Only the keyword and
a bare yes cost a statement here. The text itself proves that the phone is theirs, so it also ends
an opt-out (see `consent.state`): the one thing that a page or an agent cannot do. CTIA's guidelines
want brand, program, frequency, rates, HELP, STOP and terms in the reply.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from app.consent.record import Evidence, covers_assistant, record_return
from app.conversations.models import Conversation
from app.conversations.open import Thread
from app.foundation.db import Session
from app.joining import texts
from app.joining.grant import QUESTION_KEY, WELCOME_KEY, Ask, Joiner, answer, write_down
from app.joining.keyword import is_yes, read_join
from app.messaging.events import TextReceived
from app.messaging.models import Message
from app.messaging.states import TOOK_OFF

ANSWER_WITHIN = timedelta(hours=24)

READ = """
SELECT m.conversation_id, c.phone, c.opted_out_at, s.name AS shop_name,
  p.join_double_opt_in, p.terms_url,
  (SELECT q.dedupe_key FROM messages q
   WHERE q.contact_id = c.id AND q.direction = 'out' AND q.state = ANY(%(took_off)s)
     AND q.created_at > %(since)s
   ORDER BY q.id DESC LIMIT 1) AS last_said
FROM messages m
JOIN contacts c ON c.id = m.contact_id
JOIN shops s ON s.id = m.shop_id
JOIN shop_preferences p ON p.shop_id = m.shop_id
WHERE m.id = %(message)s
"""

# What was asked and is still open: nothing revoked or confirmed it since.
PENDING = """
SELECT e.id, e.purpose, e.wording, e.source, e.evidence FROM consent_events e
WHERE e.shop_id = %(shop)s AND e.phone = %(phone)s AND e.action = 'pending'
  AND e.evidence->>'question' = %(question)s
  AND NOT EXISTS (
    SELECT FROM consent_events l WHERE l.shop_id = e.shop_id AND l.phone = e.phone AND l.id > e.id
      AND (l.action = 'revoked' OR l.evidence->>'confirms' = e.id::text))
ORDER BY e.id
"""


def join_by_text(session: Session, event: TextReceived, *, now: datetime) -> None:
    """Does nothing for a text that is neither the keyword nor the answer to our question."""
    if not event.brief or event.keyword or event.answered_by_provider:
        return
    source = read_join(event.body, event.join_keyword) if event.join_keyword else None
    yes = is_yes(event.body)
    if source is None and not yes:
        return
    row = session.sql(
        READ,
        {
            "message": event.message_id,
            "took_off": list(TOOK_OFF),
            "since": now - ANSWER_WITHIN,
        },
    ).one()
    joiner = Joiner(shop_id=event.shop_id, contact_id=event.contact_id, phone=row.phone)
    question = (row.last_said or "").partition("#")[0]
    if yes and question.startswith(QUESTION_KEY):
        if _confirm(session, event, now=now, row=row, joiner=joiner, question=question):
            _needs_nobody(session, event, now=now)
        return
    if source is not None:
        _join(session, event, now=now, row=row, joiner=joiner, joined_from=source)
        _needs_nobody(session, event, now=now)


def _join(
    session: Session,
    event: TextReceived,
    *,
    now: datetime,
    row: Any,
    joiner: Joiner,
    joined_from: str,
) -> None:
    returns = row.opted_out_at is not None
    asks_first = row.join_double_opt_in and not returns
    key = f"{QUESTION_KEY if asks_first else WELCOME_KEY}{event.message_id}"
    body = (texts.question if asks_first else texts.welcome_back if returns else texts.welcome)(
        row.shop_name, [texts.CARE], row.terms_url
    )
    detail = {
        "wording_version": texts.words().version,
        "joined_from": joined_from,
        "text": event.body,
        "question": key if asks_first else None,
    }
    ask = Ask(texts.CARE, wording=body)
    if returns:
        record_return(
            session,
            shop_id=joiner.shop_id,
            contact_id=joiner.contact_id,
            evidence=Evidence(
                phone=joiner.phone,
                purpose=ask.purpose,
                source="keyword",
                occurred_at=now,
                wording=body,
                covers_assistant=covers_assistant(body),
                message_id=event.message_id,
                detail=detail,
            ),
        )
    else:
        write_down(
            session,
            now=now,
            joiner=joiner,
            ask=ask,
            source="keyword",
            detail=detail,
            pending=asks_first,
            message_id=event.message_id,
        )
    answer(session, now=now, thread=_thread(row, joiner), body=body, key=key)


def _confirm(
    session: Session, event: TextReceived, *, now: datetime, row: Any, joiner: Joiner, question: str
) -> bool:
    """The yes to our question: what was pending is granted. False if nothing is."""
    pending = session.sql(
        PENDING, {"shop": joiner.shop_id, "phone": joiner.phone, "question": question}
    ).all()
    for one in pending:
        write_down(
            session,
            now=now,
            joiner=joiner,
            ask=Ask(one.purpose, wording=one.wording),
            source=one.source,
            detail=one.evidence | {"confirms": str(one.id), "double_opt_in": True},
            message_id=event.message_id,
        )
    if pending:
        answer(
            session,
            now=now,
            thread=_thread(row, joiner),
            body=texts.welcome(row.shop_name, [one.purpose for one in pending], row.terms_url),
            key=f"{WELCOME_KEY}{event.message_id}",
        )
    return bool(pending)


def _thread(row: Any, joiner: Joiner) -> Thread:
    return Thread(row.conversation_id, joiner.shop_id, joiner.contact_id)


def _needs_nobody(session: Session, event: TextReceived, *, now: datetime) -> None:
    """The text is answered: it opens no ticket, and nobody waits for an agent because of it."""
    session.execute(sa.update(Message).where(Message.id == event.message_id).values(purpose="join"))
    session.execute(
        sa.update(Conversation)
        .where(Conversation.contact_id == event.contact_id, Conversation.waiting_since == now)
        .values(waiting_since=None)
    )
