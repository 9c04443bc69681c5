"""A proof packet is asked for: that is itself a look at a buyer's data, noted before it is made.

Called by the API and by `doorstep proof`. What is new is sealed and its head written down first,
so that the packet can prove all that it holds, the note of its own making included.
"""

from __future__ import annotations

import sqlalchemy as sa

from app.contacts.models import Contact
from app.foundation import audit
from app.foundation.errors import Refused
from app.foundation.phone import to_e164
from app.proof.jobs import anchor_all
from app.proof.models import AuditChain
from app.proof.packet import Json, build_packet
from app.proof.ports import Needs
from app.proof.seal import seal_shop
from app.shops.models import Shop

ROUNDS = 2  # the first writes the records of new texts, the second seals them


def make_packet(tools: Needs, *, shop: Shop, phone: str, asked_by: str) -> Json:
    """The packet of one number as a person may write it. Raises Refused: invalid_phone."""
    number = to_e164(phone, country=shop.country)
    if number is None:
        raise Refused("invalid_phone", "give the number as +14155550100")
    now = tools.clock.now()
    with tools.db.shop(shop.id) as session:
        contact_id = session.scalar(
            sa.select(Contact.id).where(Contact.shop_id == shop.id, Contact.phone == number)
        )
        audit.record_read(
            session,
            now=now,
            shop_id=shop.id,
            actor=asked_by,
            subject=f"contact:{contact_id}" if contact_id else "contact:none",
            what="proof packet",
        )
    for _ in range(ROUNDS):
        with tools.db.shop(shop.id) as session:
            seal_shop(session, now=now, shop_id=shop.id, keys=tools.keys)
    anchor_all(tools, now=now)
    anchors = list(tools.anchors.of_shop(shop.id))
    with tools.db.shop(shop.id) as session:
        chain = session.get_one(AuditChain, shop.id)
        return build_packet(
            session,
            now=now,
            shop=shop,
            phone=number,
            asked_by=asked_by,
            secret=bytes.fromhex(tools.keys.decrypt(chain.secret)),
            anchors=anchors,
        )
