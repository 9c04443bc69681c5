"""The echo ledger: which comments of a ticket are ours, known before they exist.

Written by `plan`, `notes` and `writing` around every write, read by `receive_reply`. An
intent is stored before the call and settled with the comment's id after it, because the webhook
about our own comment can overtake the answer to it (developer.zendesk.com, "Webhooks").
"""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from app.foundation.db import Session
from app.helpdesk.models import TicketWrite
from app.helpdesk.ports import ReadComment

# Until then the one who wrote the intent may still be waiting for the answer. Shorter than a
# job's lease, so that whoever follows a killed worker can settle at once.
STALE_SECONDS = 40

INTEND = """
INSERT INTO ticket_writes (shop_id, link_id, note_key, body_hash, message_ids, comments, state,
                           intended_at)
VALUES (%s, %s, %s, %s, %s, %s, 'intent', now())
ON CONFLICT (link_id, note_key) DO UPDATE SET body_hash = excluded.body_hash,
  message_ids = excluded.message_ids, comments = excluded.comments, state = 'intent',
  intended_at = now()
  WHERE ticket_writes.state = 'abandoned'
RETURNING id
"""
SETTLE = """
UPDATE ticket_writes SET state = 'settled', comment_id = %s, settled_at = %s WHERE id = %s
"""
ABANDON = "UPDATE ticket_writes SET state = 'abandoned' WHERE id = %s AND state = 'intent'"
# Its key is free again: the note that it would have held is written by itself.
REFUSE = """
UPDATE ticket_writes SET state = 'refused', note_key = NULL WHERE id = %s AND state = 'abandoned'
"""
BY_BUYER = "EXISTS (SELECT FROM messages m WHERE m.id = ANY(w.message_ids) AND m.direction = 'in')"
OF_LINK = f"""
SELECT w.id, w.body_hash, w.comments,
  w.intended_at < now() - make_interval(secs => %s) AS stale, {BY_BUYER} AS by_buyer
FROM ticket_writes w WHERE w.link_id = %s AND w.state = 'intent' ORDER BY w.id
"""
WROTE_SAME = f"""
SELECT EXISTS (SELECT FROM ticket_writes w WHERE w.link_id = %s AND w.state = 'settled'
               AND w.body_hash = %s AND NOT (%s AND {BY_BUYER}))
"""
LAST_SETTLED_BEFORE = """
SELECT comment_id FROM ticket_writes
WHERE link_id = %s AND id < %s AND state = 'settled' AND comment_id IS NOT NULL
ORDER BY id DESC LIMIT 1
"""


@dataclass(frozen=True)
class Unsettled:
    write_id: int
    body_hash: str
    comments: int
    stale: bool
    by_buyer: bool  # holds the buyer's words, which no staff wrote


def body_hash(paragraphs: Iterable[str]) -> str:
    """A hash that survives the way into a helpdesk and back: no whitespace, nothing invisible."""
    text = unicodedata.normalize("NFC", "".join(paragraphs))
    seen = "".join(
        char for char in text if not char.isspace() and unicodedata.category(char)[0] != "C"
    )
    return hashlib.sha256(seen.encode()).hexdigest()


def intend(
    session: Session,
    *,
    shop_id: int,
    link_id: int,
    paragraphs: Sequence[str],
    message_ids: Sequence[int] = (),
    note_key: str | None = None,
    comments: int = 1,
) -> int | None:
    """Store that this is about to be written. None: a note of this key was intended before."""
    write_id: int | None = session.sql(
        INTEND, shop_id, link_id, note_key, body_hash(paragraphs), list(message_ids), comments
    ).scalar()
    return write_id


def settle(session: Session, *, now: datetime, write_id: int, comment_id: str | None) -> None:
    """It stands in the ticket under this id; of several comments, the last one's."""
    session.sql(SETTLE, comment_id, now, write_id)


def abandon(session: Session, *, write_id: int) -> None:
    """It certainly was not written. What settled meanwhile stays settled."""
    session.sql(ABANDON, write_id)


def refuse(session: Session, *, write_id: int) -> None:
    """An abandoned one will not be written at another try either."""
    session.sql(REFUSE, write_id)


def unsettled(session: Session, link_id: int) -> list[Unsettled]:
    """Intents whose outcome is not known yet, oldest first."""
    return [
        Unsettled(row.id, row.body_hash, row.comments, row.stale, row.by_buyer)
        for row in session.sql(OF_LINK, STALE_SECONDS, link_id)
    ]


def last_settled_before(session: Session, *, link_id: int, write_id: int) -> str | None:
    """The newest comment that surely stands before that write."""
    comment_id: str | None = session.sql(LAST_SETTLED_BEFORE, link_id, write_id).scalar()
    return comment_id


def is_settled_as(session: Session, *, link_id: int, comment_id: str) -> bool:
    return bool(
        session.scalar(
            sa.select(
                sa.exists().where(
                    TicketWrite.link_id == link_id, TicketWrite.comment_id == comment_id
                )
            )
        )
    )


def wrote_same(session: Session, *, link_id: int, comment: ReadComment) -> bool:
    """Whether we wrote these very words: a copy of ours, left by a write that was made twice. The
    buyer's words we write in their name, so that staff who say the same speak for themselves."""
    words = body_hash([comment.text])
    return bool(session.sql(WROTE_SAME, link_id, words, comment.by_staff).scalar())


def match(
    strays: Sequence[Unsettled], comments: Sequence[ReadComment], *, bot_user_id: str
) -> dict[int, str]:
    """Which comment each stray write became: equal words, each comment taken once.

    An agent and the buyer may well say the same ("ok"): what is not by whom we write as was not
    written by us.
    """
    left = list(comments)
    matched: dict[int, str] = {}
    for stray in strays:
        for comment in left:
            if body_hash([comment.text]) != stray.body_hash:
                continue
            if comment.by_staff and (
                stray.by_buyer or (bot_user_id and comment.author_id != bot_user_id)
            ):
                continue
            matched[stray.write_id] = comment.comment_id
            left.remove(comment)
            break
    return matched
