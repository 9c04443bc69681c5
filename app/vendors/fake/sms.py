"""An SMS provider in memory, for tests at unit speed. Fulfils `messaging.ports.SmsProvider`.

Called by tests only. Behaves as the real one does under the port's contract suite, and lets a
test say what happens next: a refusal, a lost answer, a buyer's text, a photo.
"""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from app.foundation.clock import Clock
from app.foundation.errors import Permanent, Temporary, Unknowable, VendorFailure
from app.messaging.ports import (
    Accepted,
    CodeAction,
    InboundText,
    MediaFile,
    MediaRef,
    OutboundText,
    Rejected,
    SenderAccess,
    SentText,
)

VENDOR = "fake"
ACTIONS = {"21610": CodeAction.SUPPRESS, "30003": CodeAction.RETRY_ONCE}
MEDIA_BASE = "https://media.fake.invalid/"


@dataclass(frozen=True)
class _Received:
    account_sid: str
    at: datetime
    text: InboundText


class FakeSms:
    """Accepts every text unless told otherwise; `handed_over` is what it took, in order,
    and `redacted` the ids of texts that it was asked to empty."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._numbers = itertools.count(1)
        self._failures: deque[VendorFailure] = deque()
        self._opted_out: set[tuple[str, str]] = set()
        self._sent: list[tuple[str, SentText]] = []
        self._received: list[_Received] = []
        self._media: dict[str, tuple[str, MediaFile]] = {}
        self.handed_over: list[OutboundText] = []
        self.redacted: list[str] = []

    # --- What a test arranges

    def fail_next(self, failure: VendorFailure) -> None:
        """The next call raises `failure`. An Unknowable send was taken all the same."""
        self._failures.append(failure)

    def opt_out(self, access: SenderAccess, phone: str) -> None:
        """The buyer texted STOP: the provider blocks the pair from now on."""
        self._opted_out.add((access.account_sid, phone))

    def settle(self, provider_sid: str, status: str, error_code: str = "") -> None:
        """The carrier reported the fate of a text."""
        self._sent = [
            (account, replace(text, status=status, error_code=error_code))
            if text.provider_sid == provider_sid
            else (account, text)
            for account, text in self._sent
        ]

    def receive(
        self, access: SenderAccess, *, from_phone: str, body: str, photos: Sequence[MediaFile] = ()
    ) -> InboundText:
        """A buyer texts; what comes back is what the webhook would have carried."""
        sid = f"{'MM' if photos else 'SM'}{next(self._numbers):032x}"
        refs = tuple(self._keep(access, sid, photo) for photo in photos)
        text = InboundText(sid, from_phone, access.phone, body, refs)
        self._received.append(_Received(access.account_sid, self._clock.now(), text))
        return text

    def _keep(self, access: SenderAccess, sid: str, photo: MediaFile) -> MediaRef:
        url = f"{MEDIA_BASE}{sid}/ME{next(self._numbers):032x}"
        self._media[url] = (access.account_sid, photo)
        return MediaRef(url, photo.content_type)

    # --- The port

    def send(self, access: SenderAccess, text: OutboundText) -> Accepted:
        failure = self._failures.popleft() if self._failures else None
        if failure and not isinstance(failure, Unknowable):
            raise failure
        if (access.account_sid, text.to) in self._opted_out:
            raise Rejected(VENDOR, "opted out", code="21610", action=CodeAction.SUPPRESS)
        sid = f"SM{next(self._numbers):032x}"
        self.handed_over.append(text)
        now = self._clock.now().replace(microsecond=0)
        sent = SentText(sid, text.to, text.body, "accepted", "", now)
        self._sent.append((access.account_sid, sent))
        if failure:
            raise failure
        return Accepted(sid, "accepted")

    def action_for(self, code: str) -> CodeAction:
        return ACTIONS.get(code, CodeAction.REVIEW)

    def list_sent(self, access: SenderAccess, *, to: str, since: datetime) -> Sequence[SentText]:
        self._maybe_fail()
        earliest = since.replace(microsecond=0)
        return [
            sent
            for account, sent in reversed(self._sent)
            if account == access.account_sid and sent.to == to and sent.created_at >= earliest
        ]

    def list_inbound(self, access: SenderAccess, *, since: datetime) -> Sequence[InboundText]:
        self._maybe_fail()
        earliest = since.replace(microsecond=0)
        return [
            one.text
            for one in self._received
            if one.account_sid == access.account_sid
            and one.text.to_phone == access.phone
            and one.at >= earliest
        ]

    def fetch_media(self, access: SenderAccess, url: str, *, max_bytes: int) -> MediaFile:
        self._maybe_fail()
        if not url.startswith(MEDIA_BASE):
            raise Permanent(VENDOR, "not a medium of this account", code="foreign_media")
        account, file = self._media.get(url, (access.account_sid, None))
        if account != access.account_sid:
            raise Permanent(VENDOR, "not a medium of this account", code="foreign_media")
        if file is None:
            raise Temporary(VENDOR, "no such medium yet", code="404", status=404)
        if len(file.content) > max_bytes:
            raise Permanent(VENDOR, "the file is too large", code="too_large")
        return file

    def redact_text(self, access: SenderAccess, provider_sid: str) -> None:
        self._maybe_fail()
        self._sent = [
            (account, replace(text, body=""))
            if (account, text.provider_sid) == (access.account_sid, provider_sid)
            else (account, text)
            for account, text in self._sent
        ]
        self._received = [
            replace(one, text=replace(one.text, body=""))
            if (one.account_sid, one.text.provider_sid) == (access.account_sid, provider_sid)
            else one
            for one in self._received
        ]
        self.redacted.append(provider_sid)

    def delete_media(self, access: SenderAccess, url: str) -> None:
        self._maybe_fail()
        if self._media.get(url, (access.account_sid,))[0] == access.account_sid:
            self._media.pop(url, None)

    def _maybe_fail(self) -> None:
        if self._failures:
            raise self._failures.popleft()
