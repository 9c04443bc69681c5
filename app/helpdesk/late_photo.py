"""A photo that came home after its text stood in the ticket is added to it, once.

A ticket waits for a text's photos for a minute, then names them as missing (`texts`). Which of the
two happened is settled under the conversation's lock, which `plan` holds too: either the plan sees
the stored photo, or we see the plan's write.
"""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from app.foundation.db import LaterWork, Session
from app.foundation.outbox import Postponed
from app.helpdesk.compose import late_photo, stored_photo
from app.helpdesk.locks import lock_thread
from app.helpdesk.models import TicketWrite
from app.helpdesk.needs import Needs
from app.helpdesk.notes import write_note
from app.helpdesk.texts import Photo
from app.messaging.events import PhotoStored
from app.messaging.models import Message

WRITTEN_WITHOUT = """
SELECT w.id FROM ticket_writes w JOIN ticket_links l ON l.id = w.link_id
WHERE l.conversation_id = %s AND w.message_ids @> ARRAY[%s]::bigint[]
  AND w.state IN ('intent', 'settled')
ORDER BY w.id DESC LIMIT 1
"""
OF_PHOTO = """
SELECT m.id AS message_id, m.author, p.ordinal, p.state, p.content_type, p.storage_key,
  l.id AS link_id
FROM media p JOIN messages m ON m.id = p.message_id
LEFT JOIN ticket_links l
  ON l.conversation_id = m.conversation_id AND l.state IN ('open', 'solved')
WHERE p.id = %s
"""


def notice_late_photo(session: Session, event: PhotoStored, *, now: datetime) -> None:
    """Runs now when a photo was stored: if its text was written without it, it is to be added."""
    conversation_id = session.scalar(
        sa.select(Message.conversation_id).where(Message.id == event.message_id)
    )
    if conversation_id is None:
        return
    lock_thread(session, conversation_id)
    write_id = session.sql(WRITTEN_WITHOUT, conversation_id, event.message_id).scalar()
    if write_id is not None:
        session.later(
            LaterWork(
                shop_id=event.shop_id,
                topic="helpdesk.add_late_photo",
                queue="reply",
                payload={"media_id": event.media_id, "write_id": write_id},
            )
        )


def add_late_photo(tools: Needs, *, shop_id: int, media_id: int, write_id: int) -> None:
    """Called by the job `helpdesk.add_late_photo`. Raises Postponed while it is not known whether
    the text was written, Disconnected, Temporary, Permanent."""
    with tools.db.shop(shop_id) as session:
        write = session.get_one(TicketWrite, write_id)
        if write.state == "intent":
            raise Postponed(2, "the text itself is being written to the ticket")
        if write.state != "settled":
            return  # the text is written anew, and its photo with it
        row = session.sql(OF_PHOTO, media_id).one()
        photo = stored_photo(
            row.message_id, Photo(row.ordinal, row.state, row.content_type, row.storage_key)
        )
        link_id = row.link_id
    if photo is None or link_id is None:
        return  # redacted meanwhile, or the ticket is closed
    write_note(
        tools,
        shop_id=shop_id,
        link_id=link_id,
        key=f"photo:{media_id}",
        note=late_photo(row.author, photo),
    )
