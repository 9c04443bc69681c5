"""When a shop's people answer, as the merchant saved it, and where a buyer's clock stands.

Read by `hand_off` and `break_promise`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa

from app.consent.permission import Purpose
from app.consent.week_hours import WeekHours
from app.conversations.expectation import AgentHours, Expectation, expect, in_words
from app.conversations.models import Conversation
from app.foundation.db import Session
from app.messaging.permit import Subject, gather
from app.shops.models import Shop, ShopPreferences
from app.understanding.wants_human import Language


@dataclass(frozen=True)
class Outlook:
    """What may be promised now, and to whom."""

    hours: AgentHours | None  # None: the merchant has not said
    shop_zone: str
    buyer_zones: frozenset[str]
    opted_out: bool  # then they are told nothing, and nothing is promised

    def expect(self, now: datetime) -> Expectation | None:
        return expect(self.hours, now=now) if self.hours is not None else None

    def in_words(
        self, expectation: Expectation | None, *, now: datetime, language: Language = "en"
    ) -> str:
        return in_words(
            expectation,
            now=now,
            shop_zone=self.shop_zone,
            buyer_zones=self.buyer_zones,
            language=language,
        )


def outlook_of(session: Session, thread: Conversation, *, now: datetime) -> Outlook:
    row = session.execute(
        sa.select(
            Shop.timezone,
            ShopPreferences.agent_hours,
            ShopPreferences.agent_closed_days,
            ShopPreferences.answer_minutes,
        )
        .join(ShopPreferences, ShopPreferences.shop_id == Shop.id)
        .where(Shop.id == thread.shop_id)
    ).one()
    subject = Subject(thread.shop_id, thread.contact_id, Purpose.REPLY, order_id=thread.order_id)
    [facts] = gather(session, now=now, subjects=[subject])
    return Outlook(
        hours=hours_of(row) if row.agent_hours is not None else None,
        shop_zone=row.timezone,
        buyer_zones=facts.places.zones,
        opted_out=facts.consent.opted_out is not None,
    )


def hours_of(row: Any) -> AgentHours:
    return AgentHours(
        week=WeekHours.parse(row.agent_hours),
        zone=row.timezone,
        closed=frozenset(date.fromisoformat(day) for day in row.agent_closed_days),
        minutes=row.answer_minutes,
    )
