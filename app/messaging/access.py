"""What messaging's jobs need, and as whom they ask the provider."""

from __future__ import annotations

from typing import Any, Protocol

from app.foundation.jobs import Tools
from app.messaging.ports import SenderAccess, SmsProvider


class Needs(Tools, Protocol):
    @property
    def sms(self) -> SmsProvider: ...
    @property
    def public_url(self) -> str: ...


def access_to(tools: Needs, sender: Any) -> SenderAccess:
    """`sender`: a `Sender`, or a row with the same of its columns."""
    return SenderAccess(
        sender_id=sender.id,
        account_sid=sender.account_sid,
        auth_token=tools.keys.decrypt(sender.auth_token),
        messaging_service_sid=sender.messaging_service_sid,
        phone=sender.phone,
        door_key=sender.door_key,
    )
