"""What tests of joining share: a shop that lets buyers join, and its page filled in by somebody."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

from werkzeug.test import TestResponse

from app.consent.models import ConsentEvent
from app.joining.keyword import save_keyword
from app.shops.configure import save_preferences
from tests.factories.world import PUBLIC_URL, ShopAtHand, World

SLUG = "acme-outfitters"
TYPED = "(415) 555-0142"


def joining_shop(world: World, *, keyword: str | None = "TEXT ME", **changes: Any) -> ShopAtHand:
    """A shop whose page is open and whose keyword is set."""
    shop = world.shop()
    prefer(world, shop, keyword=keyword, **({"join_page": True} | changes))
    return shop


def prefer(world: World, shop: ShopAtHand, *, keyword: str | None = None, **changes: Any) -> None:
    with world.db.shop(shop.id) as session:
        if keyword is not None:
            save_keyword(
                session,
                now=world.clock.now(),
                shop_id=shop.id,
                actor="merchant",
                keyword=keyword,
            )
        save_preferences(
            session, now=world.clock.now(), shop_id=shop.id, actor="merchant", changes=changes
        )


def shown_form(world: World, *, slug: str = SLUG, source: str | None = None) -> str:
    """Load the page; the signed token of its form."""
    answer = world.client.get(f"/join/{slug}" + (f"?s={source}" if source else ""))
    assert answer.status_code == 200, answer.status_code
    return token_of(answer)


def token_of(answer: TestResponse) -> str:
    found = re.search(r'name="form" value="([^"]+)"', answer.get_data(as_text=True))
    assert found, "the page shows no form"
    return unescape(found[1])


def submit(
    world: World,
    *,
    token: str | None = None,
    slug: str = SLUG,
    source: str | None = None,
    headers: dict[str, str] | None = None,
    wait: float = 20,
    **fields: str | None,
) -> TestResponse:
    """Read the page for `wait` seconds, tick the care box, type the buyer's number, press the
    button. A field of None is left out."""
    token = token or shown_form(world, slug=slug, source=source)
    world.clock.advance(seconds=wait)
    form = {"form": token, "care": "on", "country": "US", "phone": TYPED, "website": ""} | fields
    return world.client.post(
        f"/join/{slug}",
        data={name: value for name, value in form.items() if value is not None},
        headers={"Origin": PUBLIC_URL, "User-Agent": "Tests/1.0"} | (headers or {}),
    )


def ledger(world: World) -> list[tuple[str, str, str]]:
    """(purpose, action, source) of every row, in order."""
    return [(row.purpose, row.action, row.source) for row in world.all(ConsentEvent)]
