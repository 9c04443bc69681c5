"""The sandbox's page in a real Chromium: every panel, by mouse and keyboard, large and small.

Only the sandbox runs here; texts to the buyer come from its own Twilio, as if Doorstep had sent
them. That Doorstep does send them is the features' and the story tests' matter.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from sandbox import clock, faults
from tests.browser.sandbox_at_hand import MAYA, Sandbox, running_sandbox


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Sandbox]:
    with running_sandbox(tmp_path) as running:
        yield running


@pytest.fixture
def page(browser: Browser, desk: Sandbox) -> Iterator[Page]:
    """The page, wide; a script error fails the test."""
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    page = context.new_page()
    page.set_default_timeout(8000)
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(desk.url)
    expect(page.locator("#live")).to_have_text("live")
    yield page
    context.close()
    assert errors == []


def step(page: Page, label: str) -> Any:
    return page.locator("#guide li.done", has_text=label)


def test_order_is_placed_and_delivered_by_two_buttons(page: Page) -> None:
    page.get_by_role("button", name="Place order").click()
    order = page.locator("[data-order='#1001']")
    expect(order).to_contain_text("Maya Okafor")
    expect(order).to_contain_text("Trail Runner Jacket")
    expect(step(page, "Place an order")).to_have_count(1)
    order.get_by_role("button", name="Carrier says delivered").click()
    expect(order.get_by_role("list", name="Stage: Delivered")).to_be_visible()
    expect(step(page, "Carrier says delivered")).to_have_count(1)


def test_order_of_a_buyer_without_phone_and_consent_says_so(page: Page) -> None:
    page.locator("#order-buyer").select_option(label="Ines Moreau, Boston MA (no phone)")
    page.get_by_label(re.compile("Text me about my order")).uncheck()
    page.get_by_role("button", name="Place order").click()
    expect(page.locator("[data-order='#1001']")).to_contain_text("no phone · no consent")


def test_new_text_buzzes_and_is_read_out(page: Page, desk: Sandbox) -> None:
    desk.text_to(MAYA, "Hi Maya, did everything arrive okay?")
    expect(page.locator("#bubbles .theirs")).to_contain_text("did everything arrive okay?")
    expect(page.locator("#device")).to_have_class(re.compile("buzz"))
    expect(page.locator("#announce")).to_contain_text("New text: Hi Maya")


def test_text_for_another_buyer_marks_that_phone(page: Page, desk: Sandbox) -> None:
    desk.text_to("+12125550117", "Hi Theo")
    theo = page.get_by_role("button", name=re.compile("^Theo"))
    expect(theo).to_have_class("unread")
    theo.click()
    expect(page.locator("#bubbles .theirs")).to_contain_text("Hi Theo")
    expect(theo).not_to_have_class("unread")


def test_buyer_answers_with_a_photo(page: Page, desk: Sandbox) -> None:
    page.get_by_role("button", name="Add a photo").click()
    page.get_by_role("button", name="Trousers, tight at the waist").click()
    page.get_by_role("textbox", name="Text message").fill("The waist feels tight")
    page.keyboard.press("Enter")
    mine = page.locator("#bubbles .mine")
    expect(mine).to_contain_text("The waist feels tight")
    picture = mine.locator("img")
    expect(picture).to_have_js_property("complete", True)
    assert picture.evaluate("image => image.naturalWidth") > 100
    expect(step(page, "Answer with a photo")).to_have_count(1)
    thread = httpx.get(f"{desk.url}/twilio/_ui/threads/{MAYA}").json()
    assert thread["messages"][0]["media"][0]["content_type"] == "image/jpeg"


def test_stop_is_answered_by_the_carrier(page: Page) -> None:
    page.locator("#chips").get_by_role("button", name="STOP").click()
    page.locator("#send").click()
    expect(page.locator("#bubbles .automatic")).to_contain_text("stop")
    expect(page.locator("#bubbles")).to_contain_text("blocked")
    expect(step(page, "Text STOP")).to_have_count(1)


def test_time_passes_to_half_past_ten_where_the_buyer_lives(page: Page) -> None:
    page.get_by_role("button", name="To 10:30 am").click()
    expect(page.locator("#clock-time")).to_have_text("10:30 AM")
    expect(page.locator("#clock-note")).to_contain_text("in Portland")
    assert clock.offset() > 0
    expect(step(page, "Let time pass")).to_have_count(1)


def test_agent_reads_answers_notes_and_solves(page: Page, desk: Sandbox) -> None:
    number = desk.open_ticket("The waist feels tight")
    ticket = page.locator("#ticket")
    expect(ticket).to_contain_text("It is too tight.")
    note = ticket.locator(".comment.note")
    expect(note).to_contain_text("Internal note")
    expect(note.locator("b", has_text="#1001")).to_be_visible()
    page.get_by_role("textbox", name="Comment").fill("We send the next size up.")
    ticket.get_by_role("button", name="Send").click()
    expect(ticket.locator(".comment.public", has_text="next size up")).to_be_visible()
    expect(step(page, "Reply from the helpdesk")).to_have_count(1)
    page.get_by_role("radio", name="Internal note").check()
    page.get_by_role("textbox", name="Comment").fill("Watch this size.")
    ticket.get_by_role("button", name="Send").click()
    expect(ticket.locator(".comment.note", has_text="Watch this size.")).to_be_visible()
    page.get_by_role("combobox", name="Status").select_option("solved")
    expect(page.locator("#tickets .dot.solved")).to_be_visible()
    path = f"{desk.url}/zendesk/{desk.settings.zendesk_subdomain}/_ui/tickets/{number}"
    assert httpx.get(path).json()["ticket"]["status"] == "solved"


def test_fault_is_switched_on_and_off(page: Page) -> None:
    page.get_by_role("button", name="Faults").click()
    page.locator("#fault-kind").select_option("timeout_after_acting")
    page.get_by_role("button", name="Switch on").click()
    expect(page.locator("#fault-list")).to_contain_text("twilio: acts, then no answer")
    assert [one.kind for one in faults.switched_on()] == ["timeout_after_acting"]
    page.get_by_role("button", name="Off").click()
    expect(page.locator("#fault-list li")).to_have_count(0)
    assert faults.switched_on() == []


def test_every_control_has_a_name_and_can_be_reached(page: Page, desk: Sandbox) -> None:
    desk.open_ticket("A question")
    expect(page.locator("#reply")).to_be_visible()
    nameless = page.evaluate(
        """() => [...document.querySelectorAll("button, a[href], input, select, textarea")]
          .filter(e => e.offsetParent !== null)
          .filter(e => !(e.getAttribute("aria-label") || e.textContent.trim()
            || (e.labels && [...e.labels].some(l => l.textContent.trim()))))
          .map(e => e.outerHTML)"""
    )
    assert nameless == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_on_a_small_screen_one_panel_shows_and_nothing_sticks_out(
    browser: Browser, desk: Sandbox, scheme: Any
) -> None:
    context = browser.new_context(viewport={"width": 360, "height": 740}, color_scheme=scheme)
    page = context.new_page()
    page.goto(desk.url)
    for name in ("Phone", "Helpdesk", "Shop"):
        page.get_by_role("tab", name=name).click()
        expect(page.locator(".panel:visible")).to_have_count(1)
        assert page.evaluate("document.documentElement.scrollWidth") <= 360
    page.get_by_role("tab", name="Shop").focus()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("tab", name="Phone")).to_have_attribute("aria-selected", "true")
    context.close()
