"""The opt-in page in a real Chromium, served by the whole app: large and small, by keyboard, with
no script, and with the Origin that browsers send, which other tests only pretend to."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect
from werkzeug.serving import make_server

from app.web import create_app
from tests.factories.joining import SLUG, joining_shop, ledger, prefer
from tests.factories.world import ShopAtHand, World

WIDTHS = (390, 1200)


@pytest.fixture
def shop(world: World) -> ShopAtHand:
    return joining_shop(
        world,
        terms_url="https://acme.example/terms",
        privacy_url="https://acme.example/privacy",
    )


@pytest.fixture
def address(world: World, shop: ShopAtHand) -> Iterator[str]:
    server = make_server("127.0.0.1", 0, lambda *call: app(*call), threaded=True)
    url = f"http://127.0.0.1:{server.server_port}"
    settings = world.ports.settings.model_copy(update={"public_url": url})
    app = create_app(world.with_settings(settings))
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield f"{url}/join/{SLUG}"
    server.shutdown()
    server.server_close()


@pytest.fixture(params=WIDTHS)
def page(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Page]:
    context = browser.new_context(
        viewport={"width": request.param, "height": 860}, java_script_enabled=False
    )
    page = context.new_page()
    page.set_default_timeout(8000)
    complaints: list[str] = []
    page.on("console", lambda said: complaints.append(said.text))
    yield page
    context.close()
    # A browser complains of each breach of the page's own policy, and of the answer 422.
    assert [one for one in complaints if "422" not in one] == []


def test_buyer_joins_from_the_page(page: Page, address: str, world: World) -> None:
    page.goto(f"{address}?s=email")
    box = page.get_by_label("Yes, text me about my orders")
    expect(box).not_to_be_checked()
    page.get_by_label("Mobile number").fill("415 555 0142")
    box.check()
    world.clock.advance(seconds=9)
    page.get_by_role("button", name="Sign me up").click()
    expect(page.get_by_role("heading", name="Check your phone")).to_be_visible()
    assert ledger(world) == [("care", "granted", "join_page")]
    assert world.scalar("SELECT evidence->>'joined_from' FROM consent_events") == "email"


def test_forgotten_tick_is_pointed_out_and_the_number_kept(
    page: Page, address: str, world: World
) -> None:
    page.goto(address)
    page.get_by_label("Mobile number").fill("415 555 0142")
    world.clock.advance(seconds=9)
    page.get_by_role("button", name="Sign me up").click()
    expect(page.get_by_role("alert")).to_contain_text("tick the box")
    expect(page.get_by_label("Mobile number")).to_have_value("415 555 0142")


def test_everything_is_reached_by_keyboard_and_nothing_else(
    page: Page, address: str, world: World, shop: ShopAtHand
) -> None:
    prefer(world, shop, join_marketing=True)
    page.goto(address)
    reached = []
    for _ in range(8):
        page.keyboard.press("Tab")
        focused = page.locator(":focus")
        reached.append(focused.get_attribute("name") or focused.inner_text())
    assert reached[:5] == ["country", "phone", "care", "marketing", "Sign me up"]
    assert "website" not in reached


def test_nothing_sticks_out_sideways_and_all_can_be_hit_by_a_thumb(
    page: Page, address: str, world: World, shop: ShopAtHand
) -> None:
    prefer(world, shop, join_marketing=True)
    world.execute("UPDATE shops SET name = repeat('Wellingtonboots', 6)")
    page.goto(address)
    width = page.viewport_size["width"] if page.viewport_size else 0
    button = page.get_by_role("button", name="Sign me up").bounding_box()
    assert button
    assert button["height"] >= 44
    for found in page.locator("main *:not(.trap):not(.trap *)").all():
        edges = found.bounding_box()
        assert edges is None or edges["x"] + edges["width"] <= width + 0.5
