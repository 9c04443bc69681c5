"""A buyer's photo: fetched at once, cleaned, kept in our own room, deleted at the provider.

Called by `messaging.jobs`. No transaction is open while anything is fetched. A photo that cannot
be had or read is marked `failed` with a reason, so that agents see that there was one.
"""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from app.foundation.db import Session
from app.foundation.media import CleanPhoto
from app.messaging.models import Media

MAX_PHOTO_BYTES = 16 * 1024 * 1024  # as it arrives; cleaning brings it under 5 MB


def pending_photos(session: Session, *, message_id: int) -> Sequence[Media]:
    return session.scalars(
        sa.select(Media)
        .where(Media.message_id == message_id, Media.state == "pending")
        .order_by(Media.ordinal)
    ).all()


def store_photo(session: Session, *, media_id: int, photo: CleanPhoto, storage_key: str) -> None:
    media = session.scalars(sa.select(Media).where(Media.id == media_id).with_for_update()).one()
    media.state, media.error = "stored", None
    media.content_type, media.size_bytes = photo.content_type, len(photo.content)
    media.width, media.height, media.storage_key = photo.width, photo.height, storage_key


def fail_photo(session: Session, *, media_id: int, error: str) -> None:
    """`error`: a code such as not_a_photo, too_large, gone."""
    session.execute(
        sa.update(Media)
        .where(Media.id == media_id, Media.state == "pending")
        .values(state="failed", error=error)
    )


def note_deleted(session: Session, *, media_id: int) -> None:
    session.execute(
        sa.update(Media).where(Media.id == media_id).values(provider_deleted_at=sa.func.now())
    )
