"""A ticket that opens is to be sent where the shop's rules say.

Called by `writing`, in the transaction that stores the opening, however that came to be known.
"""

from __future__ import annotations

from app.foundation.db import LaterWork, Session

HAS_RULES = "SELECT routing_rules <> '[]' FROM shop_preferences WHERE shop_id = %s"


def put_off_routing(session: Session, *, shop_id: int, link_id: int) -> None:
    if session.sql(HAS_RULES, shop_id).scalar():
        session.later(
            LaterWork(
                shop_id=shop_id,
                topic="helpdesk.route",
                queue="reply",
                payload={"link_id": link_id},
            )
        )
