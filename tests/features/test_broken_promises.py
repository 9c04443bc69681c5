"""One promise that cannot be settled keeps no other buyer waiting for an apology."""

from __future__ import annotations

import pytest

from app.conversations import break_promise, jobs
from app.conversations.models import Promise
from tests.factories.world import World
from tests.features.test_hand_off import open_at

OTHER = "globex.myshopify.com"


@pytest.mark.parametrize("look", [1, 100])
def test_promise_that_always_fails_holds_up_no_other(
    world: World, monkeypatch: pytest.MonkeyPatch, look: int
) -> None:
    monkeypatch.setattr(break_promise, "LOOK", look)
    monkeypatch.setattr(jobs, "LOOK", look)
    broken, fine = world.shop(), world.shop(OTHER, line="+12025550189")
    for number, shop in enumerate((broken, fine)):
        open_at(world, shop)
        world.text(shop, "agent", sid="SM" + str(number) * 32, sender=f"+1415555014{number}")
        world.settle()
        world.clock.advance(minutes=1)
    world.execute(
        'UPDATE shop_preferences SET agent_hours = \'{"mon_fri": "9-5"}\' WHERE shop_id = :shop',
        shop=broken.id,
    )
    world.clock.advance(minutes=11)
    for _ in range(2):
        world.duty("promises")
    states = {(one.shop_id, one.state) for one in world.all(Promise)}
    assert states == {(broken.id, "open"), (fine.id, "broken"), (fine.id, "open")}
