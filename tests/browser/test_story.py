"""The whole story in a real browser, on real processes: what README shows, a newcomer can do.

A parcel is delivered, the phone buzzes in its lawful hours, the buyer answers with a photo, the
ticket shows it, the agent's reply arrives on the phone, STOP ends it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect, sync_playwright

from scripts import chromium
from tests.faults.stack import Stack
from tests.servers import running_servers

PATIENCE_MS = 20_000


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with running_servers() as servers:
        opened = Stack(servers, tmp_path_factory.mktemp("story"))
        try:
            opened.open()
            yield opened
        finally:
            opened.close()


@pytest.fixture
def page(stack: Stack) -> Iterator[Page]:
    path = chromium.find()
    assert path is not None, "no Chromium was found; `make test` gets one"
    errors: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(path), args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        page.set_default_timeout(PATIENCE_MS)
        expect.set_options(timeout=PATIENCE_MS)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(stack.sandbox_url)
        expect(page.locator("#live")).to_have_text("live")
        yield page
        browser.close()
    assert errors == []


def test_parcel_arrives_a_thread_opens_a_reply_reaches_a_human(stack: Stack, page: Page) -> None:
    phone, ticket = page.locator("#bubbles"), page.locator("#ticket")

    page.get_by_role("button", name="Place order").click()
    order = page.locator("[data-order]").first
    order.get_by_role("button", name="Carrier says delivered").click()
    stack.until(lambda: stack.rows("SELECT id FROM check_ins"), 20, "the check-in is in the diary")
    page.get_by_role("button", name="4 hours").click()
    opener = phone.locator(".theirs", has_text="Acme Outfitters")
    expect(opener).to_contain_text(re.compile("Maya.*arrive okay\\?.*STOP", re.S))
    expect(page.locator("#device")).to_have_class(re.compile("buzz"))

    page.get_by_role("button", name="Add a photo").click()
    page.get_by_role("button", name="Trousers, tight at the waist").click()
    page.get_by_role("textbox", name="Text message").fill("The waist feels tight. Is that normal?")
    page.keyboard.press("Enter")
    expect(ticket).to_contain_text("The waist feels tight. Is that normal?")
    expect(ticket).to_contain_text("Acme Outfitters, just checking in")
    expect(ticket.locator(".comment.note")).to_contain_text("Order #")
    photo = ticket.locator("img").first
    expect(photo).to_have_js_property("complete", True)
    assert photo.evaluate("image => image.naturalWidth") > 100

    page.get_by_role("textbox", name="Comment").fill("These run snug. We send the next size up!")
    ticket.get_by_role("button", name="Send").click()
    expect(phone.locator(".theirs", has_text="next size up")).to_be_visible()
    # The buyer still sees the photo that the provider's copy was deleted of.
    mine = phone.locator(".mine img").first
    stack.until(
        lambda: stack.rows("SELECT id FROM media WHERE provider_deleted_at IS NOT NULL"),
        20,
        "the provider's copy is deleted",
    )
    page.reload()
    expect(mine).to_have_js_property("complete", True)
    assert mine.evaluate("image => image.naturalWidth") > 100

    page.get_by_role("textbox", name="Text message").fill("STOP")
    page.keyboard.press("Enter")
    expect(ticket.locator(".comment", has_text=re.compile("STOP$")).last).to_be_visible()
    page.get_by_role("textbox", name="Comment").fill("One more thing")
    ticket.get_by_role("button", name="Send").click()
    note = ticket.locator(".comment.note", has_text="opted out")
    expect(note).to_be_visible()
    expect(phone).not_to_contain_text("One more thing")
    blocked = stack.row("SELECT state, reason FROM messages WHERE body = 'One more thing'")
    assert (blocked["state"], blocked["reason"]) == ("blocked", "opted_out")


def test_merchants_page_says_what_was_sent(stack: Stack, page: Page) -> None:
    opened = stack.tell("POST", "/shopify/_actions/open_app", {})
    page.goto(opened["url"] if "url" in opened else opened["address"])
    expect(page.get_by_role("heading", name="Acme Outfitters")).to_be_visible()
    expect(page.get_by_role("table")).to_contain_text("#1001")
