"""Facts about a shop."""

from __future__ import annotations

from dataclasses import dataclass

from app.foundation.events import Event


@dataclass(frozen=True)
class ShopInstalled(Event):
    """The shop has a token: webhooks that waited for one can be worked."""

    domain: str


@dataclass(frozen=True)
class ShopUninstalled(Event):
    domain: str
