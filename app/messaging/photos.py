"""A buyer's photo: fetched at once, cleaned, kept in our own room, deleted at the provider.

Called by `messaging.jobs`, `messaging.queue` and `privacy`. No transaction is open while anything
is fetched. A photo that cannot be had or read is marked `failed` with a reason, so that agents see
that there was one.

Equal photos of a shop lie under one key, so a photo is deleted only when no row refers to it any
more. That is work of its own in the outbox: it survives whoever asked for it, and as long as it
waits nobody may begin to refer to the key (`refer_to`).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa

from app.foundation.db import LaterWork, Session
from app.foundation.media import CleanPhoto
from app.foundation.outbox import Postponed
from app.messaging.events import PhotoStored
from app.messaging.models import Media, Message

MAX_PHOTO_BYTES = 16 * 1024 * 1024  # as it arrives; cleaning brings it under 5 MB
FORGOTTEN = "redacted"

BEING_DELETED = "SELECT EXISTS (SELECT FROM outbox WHERE ordering_key = %s AND failed_at IS NULL)"


def pending_photos(session: Session, *, message_id: int) -> Sequence[Media]:
    return session.scalars(
        sa.select(Media)
        .where(Media.message_id == message_id, Media.state == "pending")
        .order_by(Media.ordinal)
    ).all()


def store_photo(
    session: Session, *, now: datetime, media_id: int, photo: CleanPhoto, storage_key: str
) -> bool:
    """The photo lies under `storage_key`. False if it is not wanted any more: it was redacted
    while it was on its way, and is deleted again. Raises Postponed as `refer_to`."""
    media = session.scalars(sa.select(Media).where(Media.id == media_id).with_for_update()).one()
    if media.state != "pending":
        session.later(deletion(media.shop_id, storage_key))
        return False
    refer_to(session, storage_key)
    media.state, media.error = "stored", None
    media.content_type, media.size_bytes = photo.content_type, len(photo.content)
    media.width, media.height, media.storage_key = photo.width, photo.height, storage_key
    session.flush()
    stored = PhotoStored(shop_id=media.shop_id, message_id=media.message_id, media_id=media_id)
    session.publish(stored, now=now)
    return True


def refer_to(session: Session, storage_key: str) -> None:
    """From this transaction on a row of ours needs the photo under this key. Raises Postponed
    while that is being deleted: whoever put it there puts it there again."""
    _lock(session, storage_key)
    if session.sql(BEING_DELETED, _ordering_key(storage_key)).scalar():
        raise Postponed(2, "an equal photo is being deleted")


def is_referred_to(session: Session, storage_key: str) -> bool:
    _lock(session, storage_key)
    return bool(session.scalar(sa.select(sa.exists().where(Media.storage_key == storage_key))))


def forget_photos(session: Session, *, shop_id: int, which: sa.ColumnElement[bool]) -> None:
    """The photos of these texts, in or out, are no longer ours nor the provider's.

    One that was still to be fetched never will be.
    """
    photos = session.scalars(
        sa.select(Media)
        .join(Message, Message.id == Media.message_id)
        .where(which)
        .order_by(Media.id)
        .with_for_update(of=Media)
    ).all()
    for photo in photos:
        if photo.storage_key:
            session.later(deletion(shop_id, photo.storage_key))
        if photo.provider_url and photo.provider_deleted_at is None:
            session.later(deletion_at_provider(photo))
        else:
            photo.provider_url = None
        photo.state, photo.error, photo.storage_key = "failed", FORGOTTEN, None


def deletion(shop_id: int, storage_key: str) -> LaterWork:
    return LaterWork(
        shop_id=shop_id,
        topic="messaging.delete_photo",
        queue="slow",
        payload={"storage_key": storage_key},
        ordering_key=_ordering_key(storage_key),
    )


def deletion_at_provider(photo: Media) -> LaterWork:
    return LaterWork(
        shop_id=photo.shop_id,
        topic="messaging.delete_at_provider",
        queue="slow",
        payload={"media_id": photo.id},
    )


def fail_photo(session: Session, *, media_id: int, error: str) -> None:
    """`error`: a code such as not_a_photo, too_large, gone."""
    session.execute(
        sa.update(Media)
        .where(Media.id == media_id, Media.state == "pending")
        .values(state="failed", error=error)
    )


def note_deleted(session: Session, *, media_id: int) -> None:
    """The provider has no copy any more. Where it was is forgotten with a forgotten photo."""
    media = session.scalars(sa.select(Media).where(Media.id == media_id).with_for_update()).one()
    media.provider_deleted_at = session.scalar(sa.func.now())
    if media.error == FORGOTTEN:
        media.provider_url = None


def _lock(session: Session, storage_key: str) -> None:
    """Referring to a key and looking whether anybody does must not pass each other unseen."""
    session.flush()
    session.sql("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", storage_key)


def _ordering_key(storage_key: str) -> str:
    return f"photo:{storage_key}"
