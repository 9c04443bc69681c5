"""What a provider's error code means for the shop's line and for the buyer's number.

The codes themselves and the action each asks for are the vendor's data table; this is what the
actions do. Called by `messaging.send` after a refusal or a status report with a code.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import sqlalchemy as sa

from app.consent.record import Evidence, record_revocation
from app.contacts.models import Contact
from app.foundation import audit
from app.foundation.db import Session
from app.messaging.locks import lock_text
from app.messaging.models import Message, Sender
from app.messaging.ports import CodeAction
from app.messaging.retry import may_go_once_more, queue_retry

BACK_OFF = timedelta(seconds=60)
NEXT_DAY = timedelta(hours=24)


def obey_code(
    session: Session, *, now: datetime, message_id: int, code: str, action: CodeAction
) -> None:
    """Apply one code's action; what the text itself goes through is `messaging.settle`'s."""
    message = lock_text(session, message_id)
    contact = session.scalars(sa.select(Contact).where(Contact.id == message.contact_id)).one()
    match action:
        case CodeAction.SUPPRESS:
            record_revocation(
                session,
                now=now,
                shop_id=message.shop_id,
                evidence=Evidence(
                    phone=contact.phone,
                    purpose="all",
                    source="provider",
                    occurred_at=message.created_at,
                    message_id=message.id,
                    detail={"code": code},
                ),
            )
        case CodeAction.NOT_TEXTABLE:
            contact.line_kind = "landline"
        case CodeAction.DO_NOT_TEXT | CodeAction.LITIGATOR:
            contact.line_kind = action.value
        case CodeAction.RETRY_ONCE:
            # A handset may be off for a while: one miss is a pass, a second marks the number.
            if may_go_once_more(message):
                queue_retry(session, now=now, message=message)
            elif message.retry_of is not None or missed_before(session, message):
                contact.line_kind = "unreachable"
        case CodeAction.PAUSE_SENDER:
            pause_line(session, now=now, shop_id=message.shop_id, code=code)
        case CodeAction.BACK_OFF | CodeAction.NEXT_DAY:
            pause = BACK_OFF if action is CodeAction.BACK_OFF else NEXT_DAY
            session.execute(
                sa.update(Sender)
                .where(Sender.id == message.sender_id, Sender.next_slot_at < now + pause)
                .values(next_slot_at=now + pause)
            )
        case _:
            pass  # the row and its note say it all: bad data, filtered, expired, to be reviewed


def missed_before(session: Session, message: Message) -> bool:
    other = session.scalar(
        sa.select(Message.id)
        .where(Message.contact_id == message.contact_id, Message.id != message.id)
        .where(Message.error_code.is_not(None), Message.state == "undelivered")
        .limit(1)
    )
    return other is not None


def pause_line(session: Session, *, now: datetime, shop_id: int, code: str) -> None:
    """Stop the shop's line until somebody has looked: it is unregistered or misconfigured."""
    paused = session.scalar(
        sa.update(Sender)
        .where(Sender.shop_id == shop_id, Sender.state == "active")
        .values(state="paused", pause_reason=f"The texting service answered with error {code}.")
        .returning(Sender.id)
    )
    if paused is not None:
        audit.record(
            session,
            now=now,
            shop_id=shop_id,
            actor="system",
            action="sender.paused",
            subject=f"sender:{paused}",
            code=code,
        )
