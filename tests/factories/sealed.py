"""A story with rows in every ledger, sealed, and somebody who may tamper with it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import psycopg

from app.proof.jobs import seal_all
from app.proof.ledgers import LEDGERS
from app.proof.models import AuditSeal
from app.proof.verify import Break, Checked, verify_shop
from tests import servers as test_servers
from tests.factories.world import ShopAtHand, World

Owner = Callable[..., None]


def seal(world: World) -> None:
    """Two rounds: the first writes the text records, the second seals them."""
    for _ in range(2):
        seal_all(world.ports, now=world.clock.now())


def verified(world: World, shop: ShopAtHand, since: datetime | None = None) -> Checked:
    return verify_shop(
        world.db,
        shop_id=shop.id,
        decrypt=world.ports.keys.decrypt,
        anchors=world.ports.anchors,
        since=since,
        progress=lambda done: None,
    )


def all_seals(world: World) -> list[AuditSeal]:
    return world.all(AuditSeal)


def broken(world: World, shop: ShopAtHand) -> Break:
    found = verified(world, shop).broken
    assert found is not None, "the break was not noticed"
    return found


def owner_of(database: test_servers.Database) -> Owner:
    """Somebody with all rights on the tables, who switches the triggers off first."""

    def execute(statement: str, *values: Any) -> None:
        with psycopg.connect(database.owner_url) as connection:
            connection.execute("SELECT set_config('doorstep.across_shops', 'test', true)")
            tables = (*LEDGERS, "audit_seals")
            for table in tables:
                connection.execute(f"ALTER TABLE {table} DISABLE TRIGGER append_only")
            changed = connection.execute(statement, values or None).rowcount
            for table in tables:
                connection.execute(f"ALTER TABLE {table} ENABLE TRIGGER append_only")
        assert changed, "the tampering itself did nothing"

    return execute


def tell_story(world: World) -> ShopAtHand:
    """A check-in that was delivered, a reply with a photo, an opt-out: rows in every ledger."""
    shop = world.shop()
    message = world.checked_in(shop)
    world.report(shop, message, "sent")
    world.report(shop, message, "delivered")
    world.report(shop, message, "failed", ErrorCode="30008")
    world.text(shop, "The waist feels tight")
    world.order(5002)
    world.text(shop, "STOP")
    world.deliver(5002, 9002)
    world.settle()
    world.clock.advance(hours=2, minutes=25)
    world.settle()
    seal(world)
    return shop
