"""Texts of ours were accepted: their threads' tickets are to hold them too, if there can be one.

Runs now, in the transaction that learns of it. Most texts are check-ins that nobody has answered,
and a ticket is opened at the buyer's first text (`plan`), with what we said before it: until then
there is nothing to do later, unless the shop wants its tickets at the arrival. A job too many does
no harm, one too few would leave a gap.
"""

from __future__ import annotations

from datetime import datetime

from app.foundation.db import Session
from app.helpdesk.put_off_mirror import put_off_mirror
from app.messaging.events import TextsAccepted

# Whoever stores a buyer's text updates its thread, and whoever plans a ticket locks it. So once the
# row is ours, and still says that nobody wrote, a plan comes after this transaction and sees its
# text. Never waits: see `messaging.locks`, where the thread comes before the text.
UNHEARD = """
SELECT id FROM conversations c WHERE id = ANY(%s) AND last_inbound_at IS NULL
  AND NOT EXISTS (SELECT FROM shop_preferences p
                  WHERE p.shop_id = c.shop_id AND p.ticket_opens = 'arrival')
FOR UPDATE OF c SKIP LOCKED
"""


def mirror_if_ticketed(session: Session, event: TextsAccepted, *, now: datetime) -> None:
    """Have the tickets brought up to date, except where the buyer has surely not written yet."""
    threads = {text.conversation_id for text in event.texts if text.conversation_id is not None}
    unheard = {row.id for row in session.sql(UNHEARD, list(threads))}
    for conversation_id in sorted(threads - unheard):
        put_off_mirror(session, shop_id=event.shop_id, conversation_id=conversation_id)
