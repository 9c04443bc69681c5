"""The provider is to empty its copy of a text: what was in it is masked or forgotten here."""

from __future__ import annotations

from app.foundation.db import LaterWork


def emptying_at_provider(*, shop_id: int, message_id: int) -> LaterWork:
    return LaterWork(
        shop_id=shop_id,
        topic="messaging.redact_at_provider",
        queue="slow",
        payload={"message_id": message_id},
    )
