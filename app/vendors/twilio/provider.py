"""Texting through Twilio: fulfils `messaging.ports.SmsProvider`.

Called by messaging's send, reconcile, backfill and photo jobs. Translates and decides nothing;
what an error code asks of us is in `codes.toml`. Bound by twilio.com/docs/messaging/api: always
through a Messaging Service, our message id in the status address (the first callback then binds
Twilio's sid to our row), and no second try, since Twilio offers no idempotency key.

Twilio's own error texts quote phone numbers, so they go into no exception of ours.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from twilio.base.exceptions import TwilioException
from twilio.base.values import unset

from app.foundation.errors import Permanent, Temporary, Unknowable
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
from app.vendors.twilio.client import READ_SECONDS, VENDOR, TwilioClients
from app.vendors.twilio.codes import action_for, look_up
from app.vendors.twilio.media import download
from app.vendors.twilio.webhooks import bare_address, status_url

# Twilio's name for "an agent or an assistant helps a customer": essential, not marketing, in
# twilio.com/docs/messaging/features/compliance-toolkit.
MESSAGE_INTENT = "customercare"
PAGE_SIZE = 200
STILL_UNDER_WAY = "20009"  # only a text whose fate is settled can be emptied
MAX_SENT_LISTED = 200

_MEDIA_PATH = re.compile(r"/Messages/((?:SM|MM)[0-9a-fA-F]{32})/Media/(ME[0-9a-fA-F]{32})\Z")


class TwilioProvider:
    """`base_url` replaces https://api.twilio.com; `public_url` is the base of our own doors."""

    def __init__(
        self, *, base_url: str | None, public_url: str, read_seconds: float = READ_SECONDS
    ) -> None:
        self._clients = TwilioClients(base_url, read_seconds=read_seconds)
        self._public_url = public_url

    def send(self, access: SenderAccess, text: OutboundText) -> Accepted:
        if not access.messaging_service_sid:
            raise Rejected(
                VENDOR,
                "the sender has no Messaging Service",
                code="no_messaging_service",
                action=CodeAction.PAUSE_SENDER,
            )
        with _translated():
            try:
                message = self._clients.client(access).messages.create(
                    to=text.to,
                    messaging_service_sid=access.messaging_service_sid,
                    body=text.body or unset,
                    media_url=list(text.media_urls) or unset,
                    status_callback=status_url(self._public_url, access.door_key, text.message_id),
                    validity_period=text.validity_seconds,
                    # Our own wording already repairs characters, and what is stored is what left.
                    smart_encoded=False,
                    message_intent=MESSAGE_INTENT,
                )
            except (json.JSONDecodeError, AttributeError):
                raise Unknowable(VENDOR, "accepted, but the answer is not JSON") from None
        if not message.sid:
            raise Unknowable(VENDOR, "accepted, but the answer names no sid")
        return Accepted(provider_sid=message.sid, status=str(message.status or ""))

    def action_for(self, code: str) -> CodeAction:
        return action_for(code)

    def list_sent(self, access: SenderAccess, *, to: str, since: datetime) -> Sequence[SentText]:
        # Not filtered by DateSent, which is empty until Twilio hands the text to a carrier: what
        # still waits there is exactly what a reconciler asks for.
        earliest = since.replace(microsecond=0)  # Twilio's dates are whole seconds
        with _translated(reading=True):
            found = [
                SentText(
                    provider_sid=str(record.sid),
                    to=bare_address(str(record.to)),
                    body=str(record.body or ""),
                    status=str(record.status or ""),
                    error_code=str(record.error_code or ""),
                    created_at=record.date_created,
                )
                for record in self._clients.client(access).messages.list(
                    to=to, limit=MAX_SENT_LISTED, page_size=MAX_SENT_LISTED
                )
                if record.direction != "inbound"
                and record.date_created is not None
                and record.date_created >= earliest
            ]
        return sorted(found, key=lambda sent: sent.created_at, reverse=True)

    def list_inbound(self, access: SenderAccess, *, since: datetime) -> Sequence[InboundText]:
        earliest = since.replace(microsecond=0)
        with _translated(reading=True):
            records = self._clients.client(access).messages.stream(
                to=access.phone or unset, date_sent_after=earliest, page_size=PAGE_SIZE
            )
            return [
                self._inbound(access, record)
                for record in records
                if record.direction == "inbound"
                and _is_for(access, record)
                and (record.date_created is None or record.date_created >= earliest)
            ]

    def fetch_media(self, access: SenderAccess, url: str, *, max_bytes: int) -> MediaFile:
        return download(self._clients, access, url, max_bytes=max_bytes)

    def redact_text(self, access: SenderAccess, provider_sid: str) -> None:
        try:
            with _translated(reading=True, gone_is_fine=True):
                self._clients.client(access).messages(provider_sid).update(body="")
        except Rejected as error:
            if error.code == STILL_UNDER_WAY:
                raise Temporary(VENDOR, "the text is still on its way", code=error.code) from None
            raise

    def delete_media(self, access: SenderAccess, url: str) -> None:
        match = _MEDIA_PATH.search(url)
        if match is None:
            raise Permanent(VENDOR, "not the address of a medium", code="foreign_media")
        message_sid, media_sid = match.groups()
        with _translated(reading=True, gone_is_fine=True):
            self._clients.client(access).messages(message_sid).media(media_sid).delete()

    def _inbound(self, access: SenderAccess, record: Any) -> InboundText:
        media: tuple[MediaRef, ...] = ()
        if int(record.num_media or 0):
            media = tuple(
                MediaRef(
                    url=self._clients.base_url + str(item.uri).removesuffix(".json"),
                    content_type=str(item.content_type or ""),
                )
                for item in record.media.list()
            )
        raw = {
            "AccountSid": access.account_sid,
            "MessagingServiceSid": str(record.messaging_service_sid or ""),
            "MessageSid": str(record.sid),
            "From": str(record.from_),
            "To": str(record.to),
            "Body": str(record.body or ""),
            "NumMedia": str(record.num_media or "0"),
            "SmsStatus": str(record.status or ""),
        }
        return InboundText(
            provider_sid=raw["MessageSid"],
            from_phone=bare_address(raw["From"]),
            to_phone=bare_address(raw["To"]),
            body=raw["Body"],
            media=media,
            raw=raw,
        )


def _is_for(access: SenderAccess, record: Any) -> bool:
    """Whether a listed text came in on this sender's line, as an account may hold several."""
    if access.phone:
        return bare_address(str(record.to)) == access.phone
    return bool(record.messaging_service_sid == access.messaging_service_sid)


@contextmanager
def _translated(*, reading: bool = False, gone_is_fine: bool = False) -> Iterator[None]:
    """Turn the SDK's refusals into ours: both of its error classes, and neither's text."""
    try:
        yield
    except TwilioException as error:
        status = int(getattr(error, "status", 0) or 0)
        if status == 404 and gone_is_fine:
            return
        raise _refusal(error, status, reading=reading) from None
    except json.JSONDecodeError:
        raise Temporary(VENDOR, "the answer is not JSON") from None


def _refusal(error: TwilioException, status: int, *, reading: bool) -> Rejected | Temporary:
    if not status and len(error.args) > 1:  # a refused page comes as (text, response)
        status = int(getattr(error.args[1], "status_code", 0) or 0)
    row = look_up(getattr(error, "code", None) or status or "")
    action = row.action
    if not row.known and status in (401, 403):
        action = CodeAction.PAUSE_SENDER
    if action is CodeAction.BACK_OFF:  # the code says so, whatever HTTP status it came with
        return Temporary(VENDOR, row.cause, code=row.code, status=status)
    if reading and not status:
        return Temporary(VENDOR, "the answer cannot be read")
    return Rejected(VENDOR, row.cause, code=row.code, action=action)
