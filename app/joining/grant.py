"""What every way of joining does once the buyer has said yes: a row in the ledger, the reply.

`Ask` is what was asked for; single opt-in grants it at once, double opt-in writes it down as
pending and asks the phone itself. Called by `join_by_text`, `join_by_page` and `confirm`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from app.consent.permission import Purpose
from app.consent.record import Evidence, covers_assistant, record_grant, record_pending
from app.conversations.open import Thread
from app.conversations.reply import OwnText, add_own_text
from app.foundation.db import Session
from app.joining.events import MarketingConsentGiven
from app.joining.texts import MARKETING

WELCOME_KEY = "join:"  # begins the key of a text that confirms
QUESTION_KEY = "join-question:"  # and of one that asks to confirm


@dataclass(frozen=True)
class Ask:
    """One purpose that the buyer asked for, with the words that they had read."""

    purpose: str  # care | marketing
    wording: str = field(repr=False)


@dataclass(frozen=True)
class Joiner:
    shop_id: int
    contact_id: int
    phone: str = field(repr=False)


def write_down(
    session: Session,
    *,
    now: datetime,
    joiner: Joiner,
    ask: Ask,
    source: str,
    detail: Mapping[str, Any],
    pending: bool = False,
    message_id: int | None = None,
) -> None:
    """The ledger's row for one purpose; a grant of marketing is told to whoever keeps count."""
    evidence = Evidence(
        phone=joiner.phone,
        purpose=ask.purpose,
        source=source,
        occurred_at=now,
        wording=ask.wording,
        covers_assistant=covers_assistant(ask.wording),
        message_id=message_id,
        detail=dict(detail),
    )
    if pending:
        record_pending(session, shop_id=joiner.shop_id, evidence=evidence)
        return
    record_grant(session, shop_id=joiner.shop_id, evidence=evidence)
    if ask.purpose == MARKETING:
        session.publish(
            MarketingConsentGiven(shop_id=joiner.shop_id, contact_id=joiner.contact_id), now=now
        )


def answer(session: Session, *, now: datetime, thread: Thread, body: str, key: str) -> None:
    """The confirmation or the question; whether it may leave is asked when it does."""
    add_own_text(
        session,
        now=now,
        thread=thread,
        text=OwnText(body=body, author="system", purpose=Purpose.OPT_IN_CONFIRMATION, key=key),
    )
