"""Addresses of photos for an agent's page, where an <img> can send no header.

Made when a thread is shown, which is noted as a read; good for five to ten minutes. They end at
full five minutes, so that a page which asks again meanwhile gets the same ones.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime

from itsdangerous import BadData, URLSafeSerializer

from app.foundation.errors import Refused
from app.foundation.media import MediaGrant

STEP_SECONDS = 300
LONGEST = 500


class BadPhotoLink(Refused):
    """Not signed by us, or late."""


def photo_link(keys: Sequence[str], *, now: datetime, media_id: int, shop_id: int) -> str:
    """The path. The first of `keys` signs."""
    ends = (int(now.timestamp()) // STEP_SECONDS + 2) * STEP_SECONDS
    return f"/api/desk/photos/{_signer(keys).dumps([media_id, shop_id, ends])}"


def read_photo_link(keys: Sequence[str], signed: str, *, now: datetime) -> MediaGrant:
    """What it shows. Raises BadPhotoLink."""
    try:
        media_id, shop_id, ends = _signer(keys).loads(signed[:LONGEST])
    except (BadData, ValueError):
        raise BadPhotoLink("unknown_photo", "This address shows no photo.") from None
    if now.timestamp() >= ends:
        raise BadPhotoLink("late_photo", "This address is too old. Reload the conversation.")
    return MediaGrant(media_id=media_id, shop_id=shop_id)


def _signer(keys: Sequence[str]) -> URLSafeSerializer:
    return URLSafeSerializer(
        list(reversed(keys)),  # itsdangerous signs with its last
        salt="doorstep.desk-photo",
        signer_kwargs={"key_derivation": "hmac", "digest_method": hashlib.sha256},
    )
