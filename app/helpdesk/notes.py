"""Private notes to agents, each written once however often its job runs.

Called by `report_failure` and `receive_reply`. A note's key is what makes it one; it goes through
the same ledger and the same limits as every other write.
"""

from __future__ import annotations

import sqlalchemy as sa

from app.foundation.db import Session
from app.foundation.outbox import Postponed
from app.helpdesk import ledger
from app.helpdesk.budget import seconds_until_room
from app.helpdesk.compose import PlannedComment
from app.helpdesk.locks import lock_link
from app.helpdesk.models import HelpdeskAccount, TicketLink, TicketWrite
from app.helpdesk.needs import Needs
from app.helpdesk.place import At, place_of
from app.helpdesk.plan import Write
from app.helpdesk.writing import recover, write_comment


def write_note(
    tools: Needs,
    *,
    shop_id: int,
    link_id: int,
    key: str,
    note: PlannedComment,
    tags: tuple[str, ...] = (),
    reopen: bool = False,
) -> None:
    """Write it unless it stands there. Raises Postponed, Disconnected, Temporary, Permanent."""
    with tools.db.shop(shop_id) as session:
        stray = _stray(session, tools, link_id, key)
    if stray is not None:
        settle = recover(tools, stray)
        with tools.db.shop(shop_id) as session:
            settle(session, tools.clock.now())
    with tools.db.shop(shop_id) as session:
        step = _intend(session, tools, link_id, key, note, reopen)
    if step is None:
        return
    settle = write_comment(tools, step, tags=tags)
    with tools.db.shop(shop_id) as session:
        link, thread = lock_link(session, link_id)
        if settle(session, tools.clock.now()) and reopen and link.wanted_state != "solved":
            thread.state = "open"  # as its ticket is now


def _stray(session: Session, tools: Needs, link_id: int, key: str) -> At | None:
    """Where to look, if this very note was begun before and nobody knows how it ended."""
    begun = session.scalars(
        sa.select(TicketWrite).where(
            TicketWrite.link_id == link_id,
            TicketWrite.note_key == key,
            TicketWrite.state == "intent",
        )
    ).one_or_none()
    if begun is None:
        return None
    if not any(
        one.stale and one.write_id == begun.id for one in ledger.unsettled(session, link_id)
    ):
        raise Postponed(2, "this note is being written")
    return place_of(session, now=tools.clock.now(), keys=tools.keys, link_id=link_id)


def _intend(
    session: Session, tools: Needs, link_id: int, key: str, note: PlannedComment, reopen: bool
) -> Write | None:
    link, account = _of_link(session, link_id)
    if link.state not in ("open", "solved"):
        return None
    written = session.scalar(
        sa.select(
            sa.exists()
            .where(TicketWrite.link_id == TicketLink.id)
            .where(TicketLink.conversation_id == link.conversation_id)
            .where(TicketWrite.note_key == key, TicketWrite.state == "settled")
        )
    )
    if written:
        return None
    seconds = seconds_until_room(
        session, shop_id=link.shop_id, link_id=link.id, per_minute=account.updates_per_minute
    )
    if seconds:
        raise Postponed(seconds, "the helpdesk's limit of updates is reached")
    write_id = ledger.intend(
        session,
        shop_id=link.shop_id,
        link_id=link.id,
        paragraphs=note.paragraphs,
        note_key=key,
    )
    if write_id is None:
        return None
    at = place_of(session, now=tools.clock.now(), keys=tools.keys, link_id=link_id)
    return Write(at, write_id, note, reopen)


def _of_link(session: Session, link_id: int) -> tuple[TicketLink, HelpdeskAccount]:
    return session.execute(
        sa.select(TicketLink, HelpdeskAccount)
        .join(HelpdeskAccount, HelpdeskAccount.id == TicketLink.account_id)
        .where(TicketLink.id == link_id)
    ).one()
