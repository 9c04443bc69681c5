"""Facts about joining."""

from __future__ import annotations

from dataclasses import dataclass

from app.foundation.events import Event


@dataclass(frozen=True)
class MarketingConsentGiven(Event):
    """The buyer ticked the separate marketing box (and confirmed, where the shop asks for it)."""

    contact_id: int
