"""A merchant keeps replies for their team: adds, changes, removes them.

Called by `api`. Each change is in the audit list, with who made it.
"""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from app.desk.saved.fill import fault_of
from app.desk.saved.models import SavedReply
from app.foundation import audit
from app.foundation.db import Session
from app.foundation.errors import Refused

LONGEST_TITLE = 80
LONGEST_TEXT = 1600  # what the provider takes in one message
MOST = 200  # of a shop: all of them travel with every thread


def add_reply(
    session: Session, *, now: datetime, shop_id: int, actor: str, title: str, text: str
) -> SavedReply:
    """Raises Refused: title, text, title_taken, too_many."""
    title, text = checked(title, text)
    _lock(session, shop_id)
    _refuse_twin(session, shop_id, title)
    if len(replies_of(session, shop_id=shop_id)) >= MOST:
        raise Refused("too_many", f"There are {MOST} saved replies already. Remove one first.")
    reply = SavedReply(shop_id=shop_id, title=title, text=text, changed_at=now)
    session.add(reply)
    session.flush()
    _note(session, now, reply, actor, "added")
    return reply


def change_reply(
    session: Session,
    *,
    now: datetime,
    shop_id: int,
    actor: str,
    reply_id: int,
    title: str,
    text: str,
) -> SavedReply:
    """Raises Refused: unknown_reply, title, text, title_taken."""
    title, text = checked(title, text)
    _lock(session, shop_id)
    reply = _find(session, shop_id, reply_id)
    _refuse_twin(session, shop_id, title, but=reply_id)
    reply.title, reply.text, reply.changed_at = title, text, now
    _note(session, now, reply, actor, "changed")
    return reply


def remove_reply(
    session: Session, *, now: datetime, shop_id: int, actor: str, reply_id: int
) -> None:
    """Raises Refused: unknown_reply."""
    reply = _find(session, shop_id, reply_id)
    session.delete(reply)
    _note(session, now, reply, actor, "removed")


def replies_of(session: Session, *, shop_id: int) -> list[SavedReply]:
    of_shop = sa.select(SavedReply).where(SavedReply.shop_id == shop_id)
    return list(session.scalars(of_shop.order_by(SavedReply.title, SavedReply.id)))


def checked(title: str, text: str) -> tuple[str, str]:
    """Both as they are kept. Raises Refused."""
    title = " ".join(title.split())
    if not 0 < len(title) <= LONGEST_TITLE or "\0" in title:
        raise Refused("title", f"A title is needed, in at most {LONGEST_TITLE} characters.")
    text = text.replace("\r\n", "\n").strip()
    if not 0 < len(text) <= LONGEST_TEXT or "\0" in text:
        raise Refused("text", f"The text is needed, in at most {LONGEST_TEXT} characters.")
    if fault := fault_of(text):
        raise Refused("text", fault)
    return title, text


def _lock(session: Session, shop_id: int) -> None:
    """Two who add the same title, or the last one that fits, come one after the other."""
    lock = "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))"
    session.sql(lock, f"saved_replies:{shop_id}")


def _find(session: Session, shop_id: int, reply_id: int) -> SavedReply:
    which = (SavedReply.shop_id == shop_id) & (SavedReply.id == reply_id)
    reply = session.scalar(sa.select(SavedReply).where(which)) if reply_id < 2**63 else None
    if reply is None:
        raise Refused("unknown_reply", "Your shop has no such saved reply.")
    return reply


def _refuse_twin(session: Session, shop_id: int, title: str, *, but: int | None = None) -> None:
    for one in replies_of(session, shop_id=shop_id):
        if one.title.casefold() == title.casefold() and one.id != but:
            raise Refused("title_taken", f"There is a saved reply “{one.title}” already.")


def _note(session: Session, now: datetime, reply: SavedReply, actor: str, what: str) -> None:
    audit.record(
        session,
        now=now,
        shop_id=reply.shop_id,
        actor=actor,
        action=f"saved_reply.{what}",
        subject=f"saved_reply:{reply.id}",
        title=reply.title,
    )
