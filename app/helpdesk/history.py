"""What a thread said before its shop had the helpdesk, and whether it is brought there. Pure.

Asked by `plan` for a thread that never had a ticket. A living thread's history becomes one ticket,
each text a comment at its own time, and goes on in it. Living is a thread that is not resolved and
in which the buyer wrote within 30 days before the connection: where it is answered, agents need to
know what was said. All others stay as they are, until their buyer writes again and an ordinary
ticket opens.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from app.helpdesk.compose import PlannedComment, comment_of
from app.helpdesk.texts import Text, is_buyers_own

LIVING = timedelta(days=30)
# Each of them is a call before the one that writes, and nobody waits for the oldest.
MOST_PHOTOS = 10


def history(
    waiting: Sequence[Text], *, connected_at: datetime, is_resolved: bool
) -> tuple[Text, ...]:
    """The texts before the connection, if the thread was living by then; else none."""
    earlier = tuple(text for text in waiting if text.created_at < connected_at)
    lives = not is_resolved and any(
        is_buyers_own(text) and text.created_at >= connected_at - LIVING for text in earlier
    )
    return earlier if lives else ()


def comments_of(texts: Sequence[Text]) -> tuple[PlannedComment, ...]:
    """One for each text, at its time. Of older photos only is told that they came."""
    comments: list[PlannedComment] = []
    room = MOST_PHOTOS
    for text in reversed(texts):
        room -= len(text.photos)
        at = text.sent_at or text.created_at
        if text.photos and room < 0:
            comment = comment_of([replace(text, photos=())])
            many = len(text.photos)
            came = "A photo came" if many == 1 else f"{many} photos came"
            where = f"({came} with this text; Doorstep has {'it' if many == 1 else 'them'}.)"
            said = (*comment.paragraphs, where)
            comments.append(replace(comment, paragraphs=said, at=at))
        else:
            comments.append(replace(comment_of([text]), at=at))
    return tuple(reversed(comments))
