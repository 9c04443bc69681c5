"""What the merchant's doors are given, in any room that opens one."""

from __future__ import annotations

from typing import Protocol

from app.foundation.jobs import Tools
from app.shops.ports import IdTokens


class MerchantNeeds(Tools, Protocol):
    @property
    def id_tokens(self) -> IdTokens: ...
