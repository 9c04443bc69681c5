"""What an agent attached: photos become part of the text, other files are named as not sent.

Called by `receive_reply`. A picture message holds ten files and 5 MB at most (Twilio, "Accepted
content types for media"); carriers show nothing but pictures reliably.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from app.foundation.errors import Permanent, Temporary
from app.foundation.media import MAX_BYTES, Unreadable, clean_photo
from app.helpdesk.needs import Needs
from app.helpdesk.ports import FileRef, ReadComment
from app.helpdesk.tokens import Desk
from app.messaging.queue import Photo

MOST_PHOTOS = 10
PICTURES = (".jpg", ".jpeg", ".png", ".gif", ".heic", ".heif", ".webp")
MOST_FETCHED = 20 * 1024 * 1024
# An attachment may lag behind the helpdesk's malware scan; the words do not wait longer for it.
PATIENCE = timedelta(minutes=2)


@dataclass(frozen=True)
class Attached:
    photos: tuple[Photo, ...] = ()
    left_out: tuple[str, ...] = ()  # why, in words for the agent


def may_be_a_picture(file: FileRef) -> bool:
    """By its kind; by its name where the browser knew no kind, as of HEIC on many machines."""
    if file.content_type.startswith("image/"):
        return True
    nameless = file.content_type in ("", "application/octet-stream", "application/binary")
    return nameless and file.filename.lower().endswith(PICTURES)


def take_photos(tools: Needs, desk: Desk, comment: ReadComment) -> Attached:
    """Fetch, clean and keep the pictures. Raises Temporary while one may still come."""
    photos: list[Photo] = []
    left_out: list[str] = []
    room = MAX_BYTES
    patient = tools.clock.now() - comment.created_at < PATIENCE
    for file in comment.files:
        if not may_be_a_picture(file):
            left_out.append(f"{file.filename} was not sent: only pictures go by text.")
            continue
        if len(photos) == MOST_PHOTOS:
            left_out.append(f"{file.filename} was not sent: a text holds ten pictures at most.")
            continue
        try:
            content = desk.helpdesk.fetch_file(desk.access, file.url, max_bytes=MOST_FETCHED)
            photo = clean_photo(content, file.content_type)
        except Temporary as error:
            if patient or error.status in (401, 429):
                raise
            left_out.append(f"{file.filename} was not sent: it could not be loaded.")
        except Permanent:
            left_out.append(f"{file.filename} was not sent: it could not be loaded.")
        except Unreadable as error:
            left_out.append(f"{file.filename} was not sent: {error}.")
        else:
            if len(photo.content) > room:
                left_out.append(f"{file.filename} was not sent: the pictures are too large.")
                continue
            room -= len(photo.content)
            photos.append(
                Photo(
                    storage_key=tools.media.put(desk.shop_id, photo.content),
                    content_type=photo.content_type,
                    size_bytes=len(photo.content),
                    width=photo.width,
                    height=photo.height,
                )
            )
    return Attached(tuple(photos), tuple(left_out))
