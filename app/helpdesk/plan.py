"""What has to be written to a conversation's ticket next. Database only; `mirror` carries it out.

`plan_next` runs in a transaction of its own. It locks the conversation, so two workers cannot plan
the same write, and stores the intent of what it returns. A ticket is opened at the buyer's first
text, not before, unless the shop chose otherwise (`texts.opening_text`): a ticket per delivery, or
per keyword that joins, would flood agents and the account's limits.

Plain statements: every text of a buyer comes through here, and somebody waits for it.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice, takewhile

import sqlalchemy as sa
from sqlalchemy.orm import selectinload

from app.foundation.crypto import KeyRing
from app.foundation.db import Session
from app.helpdesk import ledger
from app.helpdesk.budget import seconds_until_room
from app.helpdesk.compose import PlannedComment, comment_of, order_note, subject_of
from app.helpdesk.history import comments_of, history
from app.helpdesk.locks import lock_thread
from app.helpdesk.place import At
from app.helpdesk.standing import ORDER_NOTE, Link, Standing, read_standing
from app.helpdesk.texts import (
    Text,
    Texts,
    is_buyers_own,
    is_loading,
    last_words,
    mark_after,
    next_batch,
    opening_text,
    read_texts,
)
from app.orders.models import Order

OPENERS = 3

AGENT_ANSWERED = """
SELECT EXISTS (SELECT FROM messages WHERE conversation_id = %s AND id < %s
               AND author = 'agent' AND dedupe_key LIKE %s)
"""
NEW_LINK = """
INSERT INTO ticket_links (shop_id, account_id, conversation_id, state, external_id, follow_up_of,
                          mirrored_to, last_activity_at)
VALUES (%s, %s, %s, 'opening', %s, %s, %s, %s) RETURNING id
"""
DROP_WISH = "UPDATE ticket_links SET wanted_state = NULL WHERE id = %s"
MOVE_MARK = "UPDATE ticket_links SET mirrored_to = %s WHERE id = %s AND mirrored_to < %s"


@dataclass(frozen=True)
class Wait:
    seconds: float
    why: str


@dataclass(frozen=True)
class Recover:
    """Writes whose outcome nobody settled: look into the ticket."""

    at: At


@dataclass(frozen=True)
class Open:
    at: At
    write_id: int
    subject: str
    first: PlannedComment
    idempotency_key: str
    follow_up_of: str | None
    mark: int | None  # how far all texts are settled once this is written
    is_last: bool  # nothing else was left to be written


@dataclass(frozen=True)
class Import:
    """Like `Open`, with all that was said before the shop had the helpdesk."""

    at: At
    write_id: int
    subject: str
    comments: tuple[PlannedComment, ...]
    mark: int | None
    is_last: bool


@dataclass(frozen=True)
class Write:
    at: At
    write_id: int
    comment: PlannedComment
    reopen: bool = False
    mark: int | None = None
    is_last: bool = False


@dataclass(frozen=True)
class SetState:
    """The ticket is brought to the state that our side gave the thread."""

    at: At
    state: str  # solved | open


Step = Wait | Recover | Open | Import | Write | SetState

LOADING = Wait(1, "photos are being loaded")


def plan_next(
    session: Session, *, now: datetime, keys: KeyRing, conversation_id: int
) -> Step | None:
    """The next step, its intent stored; None when the ticket holds all it should."""
    lock_thread(session, conversation_id)
    standing = read_standing(session, now=now, keys=keys, conversation_id=conversation_id)
    if standing is None:
        return None
    if standing.link is not None and standing.unsettled:
        if not standing.all_stale:
            return Wait(2, "a write to this ticket is under way")
        return Recover(standing.at(standing.link))
    texts = read_texts(
        session,
        conversation_id=conversation_id,
        kind=standing.kind,
        now=now,
        link_ids=standing.link_ids,
        mark=standing.mark,
    )
    return _Planner(session, now, standing, texts).next()


@dataclass(frozen=True)
class _Planner:
    session: Session
    now: datetime
    standing: Standing
    texts: Texts

    def next(self) -> Step | None:
        link, waiting = self.standing.link, self.texts.waiting
        if link is None or link.ticket_id is None:
            return self._open(link)
        if not self.standing.order_noted and (order := self._order()) is not None:
            note = order_note(order, self.standing.zone)
            return self._write(link, note, note_key=ORDER_NOTE)
        if not waiting:
            if mark := self._mark_after(()):
                self.session.sql(MOVE_MARK, mark, link.id, mark)
            return self._state(link)
        batch = next_batch(waiting, self.now)
        if not batch:
            return LOADING
        reopen = batch[0].author == "contact" and self._was_answered(link, batch[0])
        return self._write(link, comment_of(batch), batch=batch, reopen=reopen)

    def _open(self, link: Link | None) -> Step | None:
        """A ticket whose first comment is our opener, or the buyer's words if there is none."""
        if earlier := self._history(link):
            return self._import(link, earlier)
        waiting = self._since_connected(link)
        opening = self._opening(waiting)
        if opening is None and self.standing.history_refused:
            waiting = last_words(self.texts.waiting)
            opening = self._opening(waiting)
        if opening is None:
            return None
        first = self._openers(opening) or next_batch(waiting, self.now)
        if not first:
            return LOADING
        if wait := self._room(None):
            return wait
        link = link or self._new_link(first[0])
        if self.standing.history_refused:  # what was said before this stays out of the ticket
            self.session.sql(MOVE_MARK, first[0].id - 1, link.id, first[0].id - 1)
        comment = comment_of(first)
        write_id = self._intend(link, comment, batch=first)
        order = self._order()
        return Open(
            at=self.standing.at(link),
            write_id=write_id,
            subject=subject_of(self.standing.buyer, order),
            first=comment,
            # Another body under the same key is refused, so the key says which body it is.
            idempotency_key=f"{link.external_id}-{ledger.body_hash(comment.paragraphs)[:16]}",
            follow_up_of=link.follow_up_of,
            mark=self._mark_after(first),
            is_last=order is None and first[-1].id == self.texts.waiting[-1].id,
        )

    def _opening(self, waiting: Sequence[Text]) -> Text | None:
        standing = self.standing
        return opening_text(waiting, opens=standing.ticket_opens, is_raised=standing.is_raised)

    def _openers(self, opening: Text) -> list[Text]:
        """What we said right before it, or the word by which the buyer joined."""
        before = [text for text in self.texts.waiting if text.id < opening.id]
        if not before or is_buyers_own(before[-1]):
            return []
        run = takewhile(lambda text: text.author == before[-1].author, reversed(before))
        return list(islice(run, OPENERS))[::-1]

    def _import(self, link: Link | None, earlier: Sequence[Text]) -> Step:
        """The order's note goes along, so that it need not be written by itself."""
        if any(is_loading(text, self.now) for text in earlier):
            return LOADING
        # Half of what the account takes: buyers who write meanwhile come first.
        if wait := self._room(None, share=2):
            return wait
        link = link or self._new_link(earlier[0])
        order = self._order()
        notes = () if order is None else (order_note(order, self.standing.zone),)
        comments = (*comments_of(earlier), *notes)
        write_id = ledger.intend(
            self.session,
            shop_id=self.standing.shop_id,
            link_id=link.id,
            paragraphs=[said for comment in comments for said in comment.paragraphs],
            message_ids=[text.id for text in earlier],
            note_key=ORDER_NOTE if notes else None,
            comments=len(comments),
        )
        assert write_id is not None  # as in `_intend`
        return Import(
            at=self.standing.at(link),
            write_id=write_id,
            subject=subject_of(self.standing.buyer, order),
            comments=comments,
            mark=self._mark_after(earlier),
            is_last=len(earlier) == len(self.texts.waiting),
        )

    def _history(self, link: Link | None) -> tuple[Text, ...]:
        """What is to be brought to the thread's first ticket; see `history`."""
        standing = self.standing
        not_yet = standing.ticket_opens == "handoff" and not standing.is_raised
        if not self._is_first(link) or not_yet or standing.history_refused:
            return ()
        return history(
            self.texts.waiting,
            connected_at=standing.connected_at,
            is_resolved=standing.thread_state == "resolved",
        )

    def _since_connected(self, link: Link | None) -> Sequence[Text]:
        """What may open a ticket: of a thread that never had one, nothing older."""
        if not self._is_first(link):
            return self.texts.waiting
        since = self.standing.connected_at
        return [text for text in self.texts.waiting if text.created_at >= since]

    def _is_first(self, link: Link | None) -> bool:
        return set(self.standing.link_ids) <= ({link.id} if link else set())

    def _new_link(self, first: Text) -> Link:
        standing = self.standing
        external_id = f"doorstep-{uuid.uuid4().hex}"
        link_id: int = self.session.sql(
            NEW_LINK,
            standing.shop_id,
            standing.account_id,
            standing.conversation_id,
            external_id,
            standing.continues,
            min([first.id, *self.texts.unsent]) - 1,
            self.now,
        ).scalar_one()
        return Link(link_id, "opening", external_id, None, None, standing.continues, None)

    def _state(self, link: Link) -> Step | None:
        """After all texts. Somebody may have done it in the ticket, or a text has opened the thread
        again: then the wish is over."""
        if link.wanted_state is None:
            return None
        is_resolved = self.standing.thread_state == "resolved"
        if link.wanted_state == link.state or is_resolved != (link.wanted_state == "solved"):
            self.session.sql(DROP_WISH, link.id)
            return None
        return SetState(self.standing.at(link), link.wanted_state)

    def _was_answered(self, link: Link, text: Text) -> bool:
        """A ticket that nobody touched stays new; an answered or solved one is opened again."""
        if link.state == "solved":
            return True
        key = f"{self.standing.kind}:{link.ticket_id}:%"
        conversation_id = self.standing.conversation_id
        return bool(self.session.sql(AGENT_ANSWERED, conversation_id, text.id, key).scalar())

    def _write(
        self,
        link: Link,
        comment: PlannedComment,
        *,
        batch: Sequence[Text] = (),
        note_key: str | None = None,
        reopen: bool = False,
    ) -> Step:
        if wait := self._room(link):
            return wait
        return Write(
            at=self.standing.at(link),
            write_id=self._intend(link, comment, batch=batch, note_key=note_key),
            comment=comment,
            reopen=reopen,
            mark=self._mark_after(batch),
            is_last=len(batch) == len(self.texts.waiting),
        )

    def _intend(
        self,
        link: Link,
        comment: PlannedComment,
        *,
        batch: Sequence[Text],
        note_key: str | None = None,
    ) -> int:
        write_id = ledger.intend(
            self.session,
            shop_id=self.standing.shop_id,
            link_id=link.id,
            paragraphs=comment.paragraphs,
            message_ids=[text.id for text in batch],
            note_key=note_key,
        )
        assert write_id is not None  # under the conversation's lock, with nothing unsettled
        return write_id

    def _mark_after(self, batch: Sequence[Text]) -> int | None:
        written = {text.id for text in batch}
        return mark_after(self.texts, written, self.standing.kind, self.now)

    def _room(self, link: Link | None, share: int = 1) -> Wait | None:
        seconds = seconds_until_room(
            self.session,
            shop_id=self.standing.shop_id,
            link_id=link.id if link else None,
            per_minute=max(1, self.standing.updates_per_minute // share),
        )
        return Wait(seconds, "the helpdesk's limit of updates is reached") if seconds else None

    def _order(self) -> Order | None:
        if self.standing.order_id is None:
            return None
        return self.session.scalars(
            sa.select(Order)
            .where(Order.id == self.standing.order_id)
            .options(selectinload(Order.lines), selectinload(Order.fulfillments))
        ).one_or_none()
