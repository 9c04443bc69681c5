"""Which texts of a conversation belong into its ticket, and which stand there already.

Read by `plan`. `TicketLink.mirrored_to` is a low-water mark: all texts up to it are settled. Texts
past it are looked up in the ledger, because a text of ours may be accepted by the provider after
the buyer's next one has been mirrored.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from app.consent.permission import Purpose
from app.foundation.db import Session

NOT_SENT_YET = ("queued", "sending", "unknown")
FORGET_UNKNOWN = timedelta(days=3)  # after which a text of unknown fate is not waited for
PHOTO_PATIENCE = timedelta(seconds=60)
MOST_TEXTS = 20  # in one comment; the helpdesk cuts a comment at 64 kB without a word
MOST_PHOTOS = 5
MOST_OF_A_THREAD = 300  # its newest texts, before it has a ticket; Gorgias takes 500 at once

PAST_MARK = """
SELECT m.id, m.direction, m.author, m.author_name, m.purpose, m.state, m.body, m.dedupe_key,
  m.created_at, m.sent_at,
  (SELECT json_agg(json_build_object('ordinal', p.ordinal, 'state', p.state,
                                     'content_type', p.content_type, 'storage_key', p.storage_key)
                   ORDER BY p.ordinal)
   FROM media p WHERE p.message_id = m.id) AS photos,
  m.id IN (SELECT unnest(w.message_ids) FROM ticket_writes w
           WHERE w.link_id = ANY(%(links)s) AND w.state = 'settled') AS is_written
FROM messages m
WHERE m.conversation_id = %(conversation)s AND m.id > %(mark)s
ORDER BY m.id DESC LIMIT %(most)s
"""


@dataclass(frozen=True)
class Photo:
    ordinal: int
    state: str  # pending | stored | failed
    content_type: str | None
    storage_key: str | None


@dataclass(frozen=True)
class Text:
    id: int
    direction: str
    author: str
    author_name: str | None = field(repr=False)
    purpose: str | None
    state: str
    body: str = field(repr=False)
    dedupe_key: str | None
    created_at: datetime
    sent_at: datetime | None
    photos: tuple[Photo, ...]
    is_written: bool


@dataclass(frozen=True)
class Texts:
    """The texts past the mark, in the order in which they joined the thread."""

    past_mark: tuple[Text, ...]
    waiting: tuple[Text, ...]  # belong into the ticket and do not stand there yet
    unsent: tuple[int, ...]  # ids of ours that may still leave


def read_texts(
    session: Session,
    *,
    conversation_id: int,
    kind: str,
    now: datetime,
    link_ids: Sequence[int],
    mark: int | None,
) -> Texts:
    """What stands between the conversation and its ticket. `link_ids`: all it ever had; `mark`:
    how far everything is settled in them."""
    rows = session.sql(
        PAST_MARK,
        {
            "conversation": conversation_id,
            "links": list(link_ids),
            "mark": mark or 0,
            "most": MOST_OF_A_THREAD if mark is None else None,
        },
    )
    texts = tuple(
        Text(
            id=row.id,
            direction=row.direction,
            author=row.author,
            author_name=row.author_name,
            purpose=row.purpose,
            state=row.state,
            body=row.body,
            dedupe_key=row.dedupe_key,
            created_at=row.created_at,
            sent_at=row.sent_at,
            photos=tuple(Photo(**photo) for photo in row.photos or ()),
            is_written=row.is_written,
        )
        for row in reversed(rows.all())
    )
    return Texts(
        past_mark=texts,
        waiting=tuple(text for text in texts if not text.is_written and belongs(text, kind)),
        unsent=tuple(
            text.id
            for text in texts
            if text.state in NOT_SENT_YET and not never_comes(text, kind, now)
        ),
    )


def mark_after(texts: Texts, written: Collection[int], kind: str, now: datetime) -> int | None:
    """How far everything is settled once `written` stand in the ticket; None: nothing moved."""
    mark = None
    for text in texts.past_mark:
        settled = text.is_written or text.id in written or never_comes(text, kind, now)
        if not settled:
            break
        mark = text.id
    return mark


def belongs(text: Text, kind: str) -> bool:
    """The buyer's texts, and those of ours that the provider took, but for agents' replies that
    came from the helpdesk itself."""
    if text.direction == "in":
        return True
    return text.sent_at is not None and not _came_from(kind, text)


def never_comes(text: Text, kind: str, now: datetime) -> bool:
    """Whether this text has no place in the ticket, now or later."""
    if text.direction == "in":
        return False
    if _came_from(kind, text):
        return True
    if text.sent_at is not None:
        return False
    forgotten = text.state == "unknown" and now - text.created_at > FORGET_UNKNOWN
    return text.state not in NOT_SENT_YET or forgotten


def opening_text(waiting: Sequence[Text], *, opens: str, is_raised: bool) -> Text | None:
    """The text that makes a ticket be opened, if one does; `opens` as the shop chose."""
    if opens == "handoff":
        return waiting[0] if is_raised and waiting else None
    for text in waiting:
        if is_buyers_own(text):
            return text
        if opens == "arrival" and text.purpose == Purpose.CHECK_IN.value:
            return text
    return None


def is_buyers_own(text: Text) -> bool:
    """Words of the buyer's that want an answer, not the one by which they joined."""
    return text.direction == "in" and text.purpose != "join"


def last_words(waiting: Sequence[Text]) -> Sequence[Text]:
    """From where the buyer spoke last; none if they never did."""
    theirs = [number for number, text in enumerate(waiting) if is_buyers_own(text)]
    if not theirs:
        return ()
    first = theirs[-1]
    while first - 1 in theirs:
        first -= 1
    return waiting[first:]


def next_batch(waiting: Sequence[Text], now: datetime) -> list[Text]:
    """The oldest waiting texts of one author; empty while the first one's photos are loading."""
    batch: list[Text] = []
    photos = 0
    for text in waiting:
        if batch and (text.author, text.author_name) != (batch[0].author, batch[0].author_name):
            break
        photos += len(text.photos)
        if batch and (len(batch) == MOST_TEXTS or photos > MOST_PHOTOS):
            break
        if is_loading(text, now):
            break
        batch.append(text)
    return batch


def is_loading(text: Text, now: datetime) -> bool:
    """Whether a photo of this text may still come, and is waited for."""
    pending = any(photo.state == "pending" for photo in text.photos)
    return pending and now - text.created_at < PHOTO_PATIENCE


def _came_from(kind: str, text: Text) -> bool:
    return (text.dedupe_key or "").startswith(f"{kind}:")
