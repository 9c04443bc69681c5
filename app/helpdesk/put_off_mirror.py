"""A thread's ticket is to be brought up to date, later and in order with whatever touches it.

Called where no event says so: `follow_text`, which often finds that there is nothing to do, and
`catch_up`, for what was missed.
"""

from __future__ import annotations

from app.foundation.db import LaterWork, Session, key_of_order


def put_off_mirror(session: Session, *, shop_id: int, conversation_id: int) -> None:
    session.later(
        LaterWork(
            shop_id=shop_id,
            topic="helpdesk.mirror",
            queue="sync",
            payload={"conversation_id": conversation_id},
            ordering_key=key_of_order("helpdesk", shop_id, conversation_id),
        )
    )
