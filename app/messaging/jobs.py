"""RQ doors of messaging, and what the ticker asks of it. Vendor calls stand between
transactions, never inside one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta

import sqlalchemy as sa

from app.contacts.models import Contact
from app.foundation import audit
from app.foundation.errors import Permanent, Temporary
from app.foundation.media import Unreadable, clean_photo
from app.messaging import photos
from app.messaging.access import Needs, access_to
from app.messaging.codes import obey_code, pause_line
from app.messaging.look_up import (
    UNSETTLED,
    put_off_look_up,
    settle_look_up,
    settle_refused_look_up,
    since,
)
from app.messaging.models import Media, Message, Sender
from app.messaging.ports import Rejected, SenderAccess
from app.messaging.receive import Duplicate, receive_text
from app.messaging.send import send_texts
from app.messaging.status import end_reported

BACKFILL_OVERLAP = timedelta(minutes=15)


def send(
    tools: Needs,
    *,
    shop_id: int,
    message_ids: Sequence[int],
    over: Callable[[Iterable[int]], None],
) -> None:
    """Texts of one shop that wait together; `over` is told of each as soon as it is over."""
    send_texts(tools, shop_id=shop_id, message_ids=message_ids, over=over)


def settle_status(tools: Needs, *, shop_id: int, message_id: int, code: str) -> None:
    """A status report carried an error code: obey it, then tell who cares about the text."""
    now = tools.clock.now()
    action = tools.sms.action_for(code)
    with tools.db.shop(shop_id) as session:
        obey_code(session, now=now, message_id=message_id, code=code, action=action)
        end_reported(session, now=now, message_id=message_id)


def look_up(tools: Needs, *, shop_id: int, message_id: int) -> None:
    """Ask the provider what became of a text whose answer never came.

    Not tried again by the worker: the ticker knows when the next look is due.
    """
    now = tools.clock.now()
    with tools.db.shop(shop_id) as session:
        message = session.scalars(sa.select(Message).where(Message.id == message_id)).one()
        sender = session.scalars(sa.select(Sender).where(Sender.id == message.sender_id)).one()
        phone = session.scalars(
            sa.select(Contact.phone).where(Contact.id == message.contact_id)
        ).one()
    claimed_at = message.claimed_at
    if message.state not in UNSETTLED:
        return
    try:
        listed = tools.sms.list_sent(access_to(tools, sender), to=phone, since=since(message))
    except Rejected as refusal:
        # The account no longer lets us in: nothing can be sent either.
        with tools.db.shop(shop_id) as session:
            settle_refused_look_up(session, now=now, message_id=message_id, claimed_at=claimed_at)
            pause_line(session, now=now, shop_id=shop_id, code=refusal.code)
        return
    except Temporary:
        with tools.db.shop(shop_id) as session:
            put_off_look_up(session, message_id=message_id, claimed_at=claimed_at)
        return
    with tools.db.shop(shop_id) as session:
        settle_look_up(
            session, now=now, message_id=message_id, claimed_at=claimed_at, listed=listed
        )


def fetch_photos(tools: Needs, *, shop_id: int, message_id: int) -> None:
    """Bring a text's photos home. Raises Temporary, so that the job is tried again."""
    with tools.db.shop(shop_id) as session:
        waiting = photos.pending_photos(session, message_id=message_id)
        sender = session.scalars(
            sa.select(Sender)
            .join(Message, Message.sender_id == Sender.id)
            .where(Message.id == message_id)
        ).one()
    access = access_to(tools, sender)
    for media in waiting:
        fetch_photo(tools, access, shop_id=shop_id, media=media)


def fetch_photo(tools: Needs, access: SenderAccess, *, shop_id: int, media: Media) -> None:
    url = media.provider_url or ""
    try:
        file = tools.sms.fetch_media(access, url, max_bytes=photos.MAX_PHOTO_BYTES)
        photo = clean_photo(file.content, media.declared_type or file.content_type)
    except (Permanent, Unreadable) as error:
        reason = error.reason if isinstance(error, Unreadable) else "not_available"
        with tools.db.shop(shop_id) as session:
            photos.fail_photo(session, media_id=media.id, error=reason)
        return
    key = tools.media.put(shop_id, photo.content)
    with tools.db.shop(shop_id) as session:
        now = tools.clock.now()
        if photos.store_photo(session, now=now, media_id=media.id, photo=photo, storage_key=key):
            audit.record(
                session,
                now=now,
                shop_id=shop_id,
                actor="system",
                action="photo.stored",
                subject=f"message:{media.message_id}",
                media_id=media.id,
                sha256=key.rpartition("/")[2],
            )
            session.later(photos.deletion_at_provider(media))


def delete_photo(tools: Needs, *, shop_id: int, storage_key: str) -> None:
    """Delete a photo of ours, unless some row still shows it."""
    with tools.db.shop(shop_id) as session:
        if photos.is_referred_to(session, storage_key):
            return
    tools.media.delete(storage_key)


def redact_at_provider(tools: Needs, *, shop_id: int, message_id: int) -> None:
    """Have the provider empty its copy of a text whose buyer is to be forgotten."""
    with tools.db.shop(shop_id) as session:
        message = session.scalars(sa.select(Message).where(Message.id == message_id)).one()
        sender = session.get(Sender, message.sender_id) if message.sender_id else None
    if sender is not None and message.provider_sid:
        tools.sms.redact_text(access_to(tools, sender), message.provider_sid)


def delete_at_provider(tools: Needs, *, shop_id: int, media_id: int) -> None:
    """Our copy is safe: the provider's is deleted. A copy that is gone already is fine."""
    with tools.db.shop(shop_id) as session:
        media = session.scalars(sa.select(Media).where(Media.id == media_id)).one_or_none()
        sender = (
            media
            and session.scalars(
                sa.select(Sender)
                .join(Message, Message.sender_id == Sender.id)
                .where(Message.id == media.message_id)
            ).one_or_none()
        )
    if not media or not sender or not media.provider_url or media.provider_deleted_at:
        return
    tools.sms.delete_media(access_to(tools, sender), media.provider_url)
    with tools.db.shop(shop_id) as session:
        photos.note_deleted(session, media_id=media_id)


def backfill(tools: Needs, *, shop_id: int, sender_id: int) -> None:
    """Texts that the provider has and we do not: a webhook was lost. Stored as if they came."""
    now = tools.clock.now()
    with tools.db.shop(shop_id) as session:
        sender = session.scalars(sa.select(Sender).where(Sender.id == sender_id)).one()
    last: datetime = sender.backfilled_at or sender.created_at
    access = access_to(tools, sender)
    try:
        listed = tools.sms.list_inbound(access, since=last - BACKFILL_OVERLAP)
    except Rejected as error:
        # The account no longer lets us in: nothing can be sent either.
        with tools.db.shop(shop_id) as session:
            pause_line(session, now=now, shop_id=shop_id, code=error.code)
        return
    for text in reversed(listed):
        try:
            with tools.db.door() as session:
                receive_text(session, now=now, shop_id=shop_id, sender_id=sender_id, text=text)
        except Duplicate:
            continue
    with tools.db.shop(shop_id) as session:
        session.execute(sa.update(Sender).where(Sender.id == sender_id).values(backfilled_at=now))
