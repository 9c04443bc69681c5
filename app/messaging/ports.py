"""What messaging needs of an SMS provider, in the domain's words.

Only messaging, vendors and bootstrap may import this module, so that nobody texts around
permission. Adapters translate and decide nothing: they raise `Temporary` when the provider
certainly did not take the text (429, refused connection), `Unknowable` when it may have (read
time-out, 5xx, cut line), `Rejected` when it said no.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from app.foundation.errors import Permanent


class CodeAction(StrEnum):
    """What a provider's error code asks of us. The codes live in the vendor's data table."""

    SUPPRESS = "suppress"  # opted out at the provider: record it, never retry
    FIX_DATA = "fix_data"  # bad number or text; permanent
    NOT_TEXTABLE = "not_textable"  # landline and the like: mark the contact
    DO_NOT_TEXT = "do_not_text"  # the carrier blocks texts to this number: mark the contact
    LITIGATOR = "litigator"  # known for suing over texts: mark the contact, text never again
    RETRY_ONCE = "retry_once"  # handset unreachable: one later try
    PAUSE_SENDER = "pause_sender"  # sender, service or account is misconfigured or suspended
    BACK_OFF = "back_off"  # too fast; the text was not processed
    NEXT_DAY = "next_day"  # a daily cap of the carriers is used up
    DO_NOT_RESEND = "do_not_resend"  # filtered; the same text must not go again
    EXPIRED = "expired"  # validity period passed before the carrier took it
    REVIEW = "review"  # unknown, or for a human to judge


class Rejected(Permanent):
    """The provider refused the text; `action` says what follows."""

    def __init__(self, vendor: str, text: str, *, code: str, action: CodeAction) -> None:
        super().__init__(vendor, text, code=code)
        self.action = action


@dataclass(frozen=True)
class SenderAccess:
    """A shop's line at the provider. Tokens are in clear here and nowhere stored so."""

    sender_id: int
    account_sid: str
    auth_token: str = field(repr=False)
    messaging_service_sid: str = ""
    phone: str = field(default="", repr=False)
    door_key: str = field(default="", repr=False)


@dataclass(frozen=True)
class OutboundText:
    message_id: int  # ours; goes into the status address, so that a callback can bind
    to: str = field(repr=False)  # E.164
    body: str = field(repr=False)
    media_urls: Sequence[str] = field(default=(), repr=False)
    validity_seconds: int = 14_400  # after which the provider must not deliver any more; 1–36000


@dataclass(frozen=True)
class Accepted:
    provider_sid: str
    status: str  # the provider's own word: accepted, queued, …


@dataclass(frozen=True)
class SentText:
    """A text as the provider lists it; used to learn the fate of an `unknown`."""

    provider_sid: str
    to: str = field(repr=False)
    body: str = field(repr=False)
    status: str
    error_code: str
    created_at: datetime


@dataclass(frozen=True)
class MediaRef:
    url: str = field(repr=False)
    content_type: str


@dataclass(frozen=True)
class InboundText:
    """A buyer's text as the provider delivered or listed it."""

    provider_sid: str
    from_phone: str = field(repr=False)  # E.164, channel prefix stripped
    to_phone: str = field(repr=False)
    body: str = field(repr=False)
    media: tuple[MediaRef, ...] = ()
    opt_out_type: str = ""  # STOP | START | HELP when the provider has already answered
    raw: dict[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class StatusUpdate:
    provider_sid: str
    status: str
    error_code: str
    message_id: int | None  # from the address, if it carried one


@dataclass(frozen=True)
class MediaFile:
    content: bytes = field(repr=False)
    content_type: str  # as the provider declares it; the media room sniffs for itself


class SmsProvider(Protocol):
    def send(self, access: SenderAccess, text: OutboundText) -> Accepted:
        """Hand one text over, once. Raises Rejected, Temporary or Unknowable."""
        ...

    def action_for(self, code: str) -> CodeAction:
        """What an error code of a status report asks of us; an unknown one is for review."""
        ...

    def list_sent(self, access: SenderAccess, *, to: str, since: datetime) -> Sequence[SentText]:
        """Texts sent to `to` since then, newest first. Raises Temporary."""
        ...

    def list_inbound(self, access: SenderAccess, *, since: datetime) -> Sequence[InboundText]:
        """Texts received since then, for what a lost webhook kept from us. Raises Temporary."""
        ...

    def fetch_media(self, access: SenderAccess, url: str, *, max_bytes: int) -> MediaFile:
        """Download one photo. Raises Temporary, or Permanent if gone, foreign or too large."""
        ...

    def redact_text(self, access: SenderAccess, provider_sid: str) -> None:
        """Have the words of one text emptied in the provider's records; a text that is gone
        already is fine. Raises Temporary, also while the text is still on its way."""
        ...

    def delete_media(self, access: SenderAccess, url: str) -> None:
        """Delete the provider's copy; one that is gone already is fine. Raises Temporary."""
        ...
