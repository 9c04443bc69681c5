"""What has to be written to a conversation's ticket next. Database only; `mirror` carries it out.

`plan_next` runs in a transaction of its own or in the one that settles the step before. It locks
the conversation, so two workers cannot plan the same write, and stores the intent of what it
returns. A ticket is opened at the buyer's first text, not before: a ticket per delivery, or per
keyword that joins, would flood agents and the account's limits.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import selectinload

from app.contacts.models import Contact
from app.conversations.models import Conversation
from app.foundation.crypto import KeyRing
from app.foundation.db import Session
from app.helpdesk import ledger
from app.helpdesk.budget import seconds_until_room
from app.helpdesk.compose import PlannedComment, comment_of, order_note, requester_of, subject_of
from app.helpdesk.locks import lock_thread
from app.helpdesk.models import LIVE, HelpdeskAccount, TicketLink
from app.helpdesk.ports import HelpdeskAccess, Requester
from app.helpdesk.texts import ORDER_NOTE, Texts, next_batch, read_texts
from app.helpdesk.tokens import ready_access
from app.messaging.models import Message
from app.orders.models import Order
from app.shops.models import Shop

OPENERS = 3

AGENT_ANSWERED = """
SELECT EXISTS (SELECT FROM messages WHERE conversation_id = %s AND id < %s
               AND author = 'agent' AND dedupe_key LIKE %s)
"""


@dataclass(frozen=True)
class At:
    """The ticket in question and the account it is in."""

    shop_id: int
    account_id: int
    kind: str
    link_id: int
    external_id: str
    ticket_id: str | None
    requester_id: str | None
    requester: Requester = field(repr=False)
    access: HelpdeskAccess | None = field(default=None, repr=False)  # None: to be refreshed


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


@dataclass(frozen=True)
class Write:
    at: At
    write_id: int
    comment: PlannedComment
    reopen: bool = False


Step = Wait | Recover | Open | Write

LOADING = Wait(1, "photos are being loaded")


def plan_next(
    session: Session, *, now: datetime, keys: KeyRing, conversation_id: int
) -> Step | None:
    """The next step, its intent stored; None when the ticket holds all it should."""
    conversation = lock_thread(session, conversation_id)
    account = None if conversation is None else connected_account(session, conversation.shop_id)
    if conversation is None or account is None:
        return None
    links = session.scalars(
        sa.select(TicketLink)
        .where(TicketLink.conversation_id == conversation_id)
        .order_by(TicketLink.id.desc())
        .execution_options(populate_existing=True)
    ).all()
    link = next((one for one in links if one.state in LIVE), None)
    if link is not None:
        strays = ledger.unsettled(session, link.id)
        if any(not stray.stale for stray in strays):
            return Wait(2, "a write to this ticket is under way")
        if strays:
            return Recover(place_of(session, keys, now, account, link))
    texts = read_texts(
        session, now=now, conversation=conversation, account=account, links=links, live=link
    )
    earlier = links[0] if links and link is None else None
    return _Planner(session, now, keys, conversation, account, texts).next(link, earlier)


def connected_account(session: Session, shop_id: int) -> HelpdeskAccount | None:
    return session.scalars(
        sa.select(HelpdeskAccount)
        .where(HelpdeskAccount.shop_id == shop_id, HelpdeskAccount.state == "connected")
        .order_by(HelpdeskAccount.id)
        .limit(1)
    ).one_or_none()


def place_of(
    session: Session, keys: KeyRing, now: datetime, account: HelpdeskAccount, link: TicketLink
) -> At:
    contact, domain = session.execute(
        sa.select(Contact, Shop.domain)
        .join(Conversation, Conversation.contact_id == Contact.id)
        .join(Shop, Shop.id == Contact.shop_id)
        .where(Conversation.id == link.conversation_id)
    ).one()
    return At(
        shop_id=link.shop_id,
        account_id=account.id,
        kind=account.kind,
        link_id=link.id,
        external_id=link.external_id,
        ticket_id=link.ticket_id,
        requester_id=link.requester_id,
        requester=requester_of(contact, domain),
        access=ready_access(keys, account, now),
    )


@dataclass(frozen=True)
class _Planner:
    session: Session
    now: datetime
    keys: KeyRing
    conversation: Conversation
    account: HelpdeskAccount
    texts: Texts

    def next(self, link: TicketLink | None, earlier: TicketLink | None) -> Step | None:
        """`link` is the live one; without one, `earlier` is the newest that has ended."""
        if link is None or link.ticket_id is None:
            return self._open(link, earlier)
        link.mirrored_to = self.texts.mark or link.mirrored_to
        if not self.texts.order_noted and (order := self._order()) is not None:
            return self._write(link, order_note(order, self._zone()), note_key=ORDER_NOTE)
        if not self.texts.waiting:
            return None
        batch = next_batch(self.texts.waiting, self.now)
        if not batch:
            return LOADING
        reopen = batch[0].author == "contact" and self._was_answered(link, batch[0])
        ids = [text.id for text in batch]
        return self._write(link, comment_of(batch), message_ids=ids, reopen=reopen)

    def _open(self, link: TicketLink | None, earlier: TicketLink | None) -> Step | None:
        """A ticket whose first comment is our opener, or the buyer's words if there is none."""
        waiting = self.texts.waiting
        buyers = next(
            (text.id for text in waiting if text.direction == "in" and text.purpose != "join"), None
        )
        if buyers is None:
            return None
        before = [text for text in waiting if text.id < buyers]
        openers = [text for text in before if text.author == before[-1].author][-OPENERS:]
        first = openers or next_batch(waiting, self.now)
        if not first:
            return LOADING
        if wait := self._room(None):
            return wait
        link = link or self._new_link(earlier, first[0])
        comment = comment_of(first)
        write_id = self._intend(link, comment, message_ids=[text.id for text in first])
        contact = self.session.get_one(Contact, self.conversation.contact_id)
        return Open(
            at=place_of(self.session, self.keys, self.now, self.account, link),
            write_id=write_id,
            subject=subject_of(contact, self._order()),
            first=comment,
            # Another body under the same key is refused, so the key says which body it is.
            idempotency_key=f"{link.external_id}-{ledger.body_hash(comment.paragraphs)[:16]}",
            follow_up_of=link.follow_up_of,
        )

    def _new_link(self, earlier: TicketLink | None, first: Message) -> TicketLink:
        continues = (
            earlier is not None
            and earlier.state == "closed"
            and earlier.account_id == self.account.id
        )
        link = TicketLink(
            shop_id=self.conversation.shop_id,
            account_id=self.account.id,
            conversation_id=self.conversation.id,
            state="opening",
            external_id=f"doorstep-{uuid.uuid4().hex}",
            follow_up_of=earlier.ticket_id if earlier is not None and continues else None,
            mirrored_to=min([first.id, *self.texts.unsent]) - 1,
            last_activity_at=self.now,
        )
        self.session.add(link)
        self.session.flush()
        return link

    def _was_answered(self, link: TicketLink, text: Message) -> bool:
        """A ticket that nobody touched stays new; an answered or solved one is opened again."""
        if link.state == "solved":
            return True
        key = f"{self.account.kind}:{link.ticket_id}:%"
        answered = self.session.sql(AGENT_ANSWERED, self.conversation.id, text.id, key)
        return bool(answered.scalar())

    def _write(
        self,
        link: TicketLink,
        comment: PlannedComment,
        *,
        message_ids: Sequence[int] = (),
        note_key: str | None = None,
        reopen: bool = False,
    ) -> Step:
        if wait := self._room(link):
            return wait
        write_id = self._intend(link, comment, message_ids=message_ids, note_key=note_key)
        at = place_of(self.session, self.keys, self.now, self.account, link)
        return Write(at, write_id, comment, reopen)

    def _intend(
        self,
        link: TicketLink,
        comment: PlannedComment,
        *,
        message_ids: Sequence[int] = (),
        note_key: str | None = None,
    ) -> int:
        write_id = ledger.intend(
            self.session,
            shop_id=link.shop_id,
            link_id=link.id,
            paragraphs=comment.paragraphs,
            message_ids=message_ids,
            note_key=note_key,
        )
        assert write_id is not None  # under the conversation's lock, with nothing unsettled
        return write_id

    def _room(self, link: TicketLink | None) -> Wait | None:
        seconds = seconds_until_room(
            self.session,
            shop_id=self.conversation.shop_id,
            link_id=link.id if link else None,
            per_minute=self.account.updates_per_minute,
        )
        return Wait(seconds, "the helpdesk's limit of updates is reached") if seconds else None

    def _order(self) -> Order | None:
        """The order this thread is about, else the buyer's latest."""
        wanted = sa.select(Order).options(
            selectinload(Order.lines), selectinload(Order.fulfillments)
        )
        if self.conversation.order_id is not None:
            wanted = wanted.where(Order.id == self.conversation.order_id)
        else:
            wanted = wanted.where(Order.contact_id == self.conversation.contact_id)
        return self.session.scalars(
            wanted.order_by(Order.placed_at.desc().nulls_last()).limit(1)
        ).one_or_none()

    def _zone(self) -> str:
        shop = self.session.get_one(Shop, self.conversation.shop_id)
        return shop.timezone
