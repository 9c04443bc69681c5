"""Who answers in a thread, the assistant or a human, and what a change of hands does to a turn.

Called by `take_over`, `hand_back`, `hand_off` and `answer_at_once`, with the thread locked. Every
change of hands ends the turn: `turn` counts on, and the buyer's next text begins another. So who
writes for the assistant notes `turn` before the model is asked, and adds the answer only if, with
the thread locked, `turn` is what it was and `handled_by` still says assistant: a newer text, a
takeover, and a takeover that was handed back meanwhile, all make it be dropped.

`raised_at` says since when a human is called for, or is at it. A thread may be a human's from its
first day, because its shop has no assistant, without that anybody was called.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from app.conversations.models import Conversation
from app.foundation.db import Session


@dataclass(frozen=True)
class Changed:
    """The thread is in other hands; whatever was being written for it is dropped."""


@dataclass(frozen=True)
class Unchanged:
    """It was in these hands already."""


def locked_thread(session: Session, conversation_id: int) -> Conversation:
    """As it is now, whoever changed it while we waited for the lock. In the order of
    `messaging.locks`: after the contact, before the ticket."""
    return session.scalars(
        sa.select(Conversation)
        .where(Conversation.id == conversation_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one()


def give_to_human(thread: Conversation, *, now: datetime) -> Changed | Unchanged:
    if thread.handled_by == "agent" and thread.raised_at is not None:
        return Unchanged()
    thread.handled_by, thread.raised_at = "agent", now
    end_turn(thread)
    return Changed()


def give_to_assistant(thread: Conversation) -> Changed | Unchanged:
    """A human has seen it by then, so the alarm is over too."""
    thread.urgent_at = None
    if thread.handled_by == "assistant":
        return Unchanged()
    thread.handled_by, thread.raised_at = "assistant", None
    end_turn(thread)
    return Changed()


def end_turn(thread: Conversation) -> None:
    thread.turn += 1
    thread.turn_at = None
