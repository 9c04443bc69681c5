"""Facts about permission."""

from __future__ import annotations

from dataclasses import dataclass

from app.foundation.events import Event


@dataclass(frozen=True)
class ConsentRevoked(Event):
    """Nothing proactive may reach this contact any more, on any path."""

    contact_id: int


@dataclass(frozen=True)
class MarketingRevoked(Event):
    """The buyer left the shop's newsletter or e-mails, and said nothing against care texts."""

    contact_id: int
