"""Somebody filled in the shop's opt-in page: evidence is stored, and one text goes to the number.

Called by the door `pages` with a submission that `form` accepted. Anybody can type anybody's
number, so: the text names the shop and says STOP; a number gets one such text in 24 hours, and
without a text nothing is granted; a form is good for one text; an opt-out stands (only the owner's
own text ends it); and the page answers the same in every case, so that nobody learns who has opted
out.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from app.consent.permission import Purpose
from app.consent.sources import Source
from app.contacts.upsert import Profile, upsert_contact
from app.conversations.open import open_conversation
from app.foundation import audit
from app.foundation.db import Session
from app.joining import texts
from app.joining.form import Shown, Submission
from app.joining.grant import QUESTION_KEY, WELCOME_KEY, Ask, Joiner, answer, write_down
from app.messaging.models import Message
from app.shops.models import Shop, ShopPreferences

ONE_TEXT_IN = timedelta(hours=24)
NEVER_LEFT = ("blocked", "cancelled", "failed")
LONGEST_AGENT = 300  # characters kept of a browser's own name

USED_BEFORE = """
SELECT pg_advisory_xact_lock(hashtextextended(%(nonce)s, 0)), EXISTS (
  SELECT FROM messages WHERE shop_id = %(shop)s AND dedupe_key = ANY(%(keys)s)) AS used
"""


@dataclass(frozen=True)
class Browser:
    """Where the form came from, for the record."""

    page_url: str
    ip: str = field(repr=False)
    user_agent: str = field(repr=False)


@dataclass(frozen=True)
class Joined:
    contact_id: int


@dataclass(frozen=True)
class Asked:
    """The shop wants a yes from the phone itself; the question is on its way."""

    contact_id: int


@dataclass(frozen=True)
class NotNow:
    """Nothing was granted or sent. Reasons: form_used, asked_today, opted_out."""

    reason: str


def join_by_page(
    session: Session,
    *,
    now: datetime,
    shop: Shop,
    preferences: ShopPreferences,
    shown: Shown,
    submission: Submission,
    browser: Browser,
) -> Joined | Asked | NotNow:
    asks_first = preferences.join_double_opt_in
    key = f"{QUESTION_KEY if asks_first else WELCOME_KEY}{shown.nonce}"
    keys = [f"{start}{shown.nonce}#0" for start in (QUESTION_KEY, WELCOME_KEY)]
    used = session.sql(USED_BEFORE, {"nonce": shown.nonce, "shop": shop.id, "keys": keys}).one()
    if used.used:
        return NotNow("form_used")
    contact = upsert_contact(session, shop_id=shop.id, phone=submission.phone, profile=Profile())
    if contact.opted_out_at is not None:
        audit.record(
            session,
            now=now,
            shop_id=shop.id,
            actor="buyer",
            action="joining.page_after_opt_out",
            subject=f"contact:{contact.id}",
            remedy="Only a text from the phone itself (START, or your keyword) ends an opt-out.",
        )
        return NotNow("opted_out")
    if _had_text(session, contact.id, now=now):
        return NotNow("asked_today")
    joiner = Joiner(shop_id=shop.id, contact_id=contact.id, phone=submission.phone)
    for purpose in submission.ticked:
        write_down(
            session,
            now=now,
            joiner=joiner,
            ask=Ask(purpose, wording=texts.box(purpose, shop.name)),
            source=Source.JOIN_PAGE,
            detail={
                "wording_version": texts.words().version,
                "joined_from": shown.source,
                "page_url": browser.page_url,
                "boxes": dict(submission.boxes),
                "shown_at": shown.at.isoformat(),
                "local_time": now.astimezone(ZoneInfo(shop.timezone)).isoformat(),
                "zone": shop.timezone,
                "ip": browser.ip,
                "user_agent": browser.user_agent[:LONGEST_AGENT],
                "form": shown.nonce,
                "question": key if asks_first else None,
            },
            pending=asks_first,
        )
    body = (texts.question if asks_first else texts.welcome)(
        shop.name, submission.ticked, preferences.terms_url
    )
    thread = open_conversation(
        session, now=now, shop_id=shop.id, contact_id=contact.id, order_id=None
    )
    answer(session, now=now, thread=thread, body=body, key=key)
    return Asked(contact.id) if asks_first else Joined(contact.id)


def _had_text(session: Session, contact_id: int, *, now: datetime) -> bool:
    """Whether this number had its confirmation or question within a day."""
    had = session.scalar(
        sa.select(Message.id)
        .where(Message.contact_id == contact_id, Message.direction == "out")
        .where(Message.purpose == Purpose.OPT_IN_CONFIRMATION.value)
        .where(Message.created_at > now - ONE_TEXT_IN, Message.state.not_in(NEVER_LEFT))
        .limit(1)
    )
    return had is not None
