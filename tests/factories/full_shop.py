"""A shop with a row in every table, and how to see whether anything of it changed or showed.

For attacks: what is not there cannot be stolen. A new table needs a story here, which
`tests/house/test_row_level_security_attacked.py` demands.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import sqlalchemy as sa

from app.conversations.models import Conversation
from app.conversations.promise import promise_answer
from app.desk.saved.save_reply import add_reply
from app.joining.links import ensure_links
from app.privacy.answer import request_privacy
from app.proof.jobs import seal_all
from app.tables import ALL_TABLES
from tests.factories.staff import staffed
from tests.factories.world import BUYER, ShopAtHand, World
from tests.factories.zendesk import talking

OTHER = "other-outfitters.myshopify.com"
OTHER_LINE = "+12025550189"
OTHER_OWNER = 71
WORDS = "The zip broke on the blue one"

OF_SHOPS = {t.__tablename__: "shop_id" for t in ALL_TABLES if "shop_id" in t.__table__.columns} | {
    "shops": "id"
}


@dataclass(frozen=True)
class TwoShops:
    """One with everything, and another whose owner would like to see it."""

    one: ShopAtHand
    other: ShopAtHand
    media_id: int
    contact_id: int

    @property
    def marks(self) -> list[str]:
        """What appears in an answer only if something of the one shop leaked."""
        return [self.one.domain, self.one.line, self.one.door_key, BUYER, WORDS, "Acme"]


def two_shops(world: World) -> TwoShops:
    desk = talking(world)
    one = desk.shop
    staffed(world, one)
    world.execute(
        "UPDATE shop_preferences SET join_page = true, join_keyword = 'TEXT ME'"
        " WHERE shop_id = :id",
        id=one.id,
    )
    with world.db.shop(one.id) as session:
        ensure_links(session, shop_id=one.id)
    world.text(one, WORDS, sid="SM" + "5" * 32)
    [check_in] = world.texts(purpose="check_in")
    world.report(one, check_in, "delivered")
    key = world.ports.media.put(one.id, b"picture of a zip")
    world.execute(
        "INSERT INTO media (shop_id, message_id, ordinal, state, storage_key, content_type)"
        " VALUES (:shop, :text, 0, 'stored', :key, 'image/jpeg')",
        shop=one.id,
        text=world.texts(direction="in")[0].id,
        key=key,
    )
    seal_all(world.ports, now=world.clock.now())
    with world.db.shop(one.id) as session:
        request_privacy(
            session,
            now=world.clock.now(),
            shop_id=one.id,
            contact_id=world.contact().id,
            kind="export",
            source="agent",
        )
        thread = session.scalars(sa.select(Conversation)).one()
        promise_answer(session, thread, now=world.clock.now(), due_at=world.clock.now())
        add_reply(
            session,
            now=world.clock.now(),
            shop_id=one.id,
            actor="staff:41",
            title=WORDS,
            text="Acme is sorry.",
        )
    other = world.shop(OTHER, line=OTHER_LINE)
    world.execute("UPDATE shops SET name = 'Other Outfitters' WHERE id = :id", id=other.id)
    # Not worked, so that the outbox has something too.
    world.text(one, WORDS, sid="SM" + "6" * 32)
    return TwoShops(
        one,
        other,
        media_id=world.scalar("SELECT id FROM media"),
        contact_id=world.contact().id,
    )


def rows_of(world: World, shop: ShopAtHand) -> dict[str, tuple[int, str]]:
    """Of each table: how many rows the shop has, and a digest of all that they say."""
    found = {}
    with world.db.across_shops("test: what the shop has") as session:
        for table, column in OF_SHOPS.items():
            rows = session.sql(
                f"SELECT t::text FROM {table} t WHERE t.{column} = %s ORDER BY 1", shop.id
            ).all()
            said = "\n".join(row[0] for row in rows)
            found[table] = (len(rows), hashlib.sha256(said.encode()).hexdigest())
    return found
