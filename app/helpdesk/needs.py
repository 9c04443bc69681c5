"""What the jobs and doors of this room are given. Adapters come in here; none is imported."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from app.foundation.jobs import Tools
from app.helpdesk.ports import Helpdesk, HelpdeskAuthorisation


class Needs(Tools, Protocol):
    """`helpdesks` and `helpdesk_authorisations` are keyed by the account's kind (`kinds`)."""

    @property
    def helpdesks(self) -> Mapping[str, Helpdesk]: ...
    @property
    def helpdesk_authorisations(self) -> Mapping[str, HelpdeskAuthorisation]: ...
    def explain_code(self, code: str) -> tuple[str, str]:
        """Cause and remedy of a provider's error code, in a merchant's words."""
        ...


class DoorNeeds(Needs, Protocol):
    """The connect doors also name our own address to the helpdesk."""

    @property
    def public_url(self) -> str:
        """Base of our own doors, as the world reaches them, without a trailing slash."""
        ...
