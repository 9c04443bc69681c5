"""The desk in the ticket's sidebar, in a real Chromium. The sandbox's Zendesk hosts it: opens it by
a signed address and speaks the app framework's messages with it. The server is a stub."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import jwt
import pytest
from playwright.sync_api import Browser, FrameLocator, Page, expect

from sandbox.zendesk import signing
from sandbox.zendesk.app_host import APP_GUID
from tests.browser.desk_stub import DeskStub, running_desk
from tests.browser.sandbox_at_hand import Sandbox, running_sandbox

KEY = signing.make_key()


@pytest.fixture
def stub() -> Iterator[DeskStub]:
    with running_desk() as running:
        yield running


@pytest.fixture
def sandbox(stub: DeskStub, tmp_path: Path) -> Iterator[Sandbox]:
    with running_sandbox(tmp_path, app_url=stub.url, zendesk_app_key=KEY) as running:
        yield running


@pytest.fixture
def ticket(sandbox: Sandbox) -> int:
    return sandbox.open_ticket("Harbour Chino is tight")


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """As wide as Zendesk's sidebar. Nothing beyond this machine is reached, so the SDK's CDN is not
    either. A script error, and any breach of the page's own policy, fails the test."""
    context = browser.new_context(viewport={"width": 340, "height": 900}, color_scheme="light")
    context.route(lambda url: urlsplit(url).hostname != "127.0.0.1", lambda route: route.abort())
    page = context.new_page()
    page.set_default_timeout(8000)
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda said: complaints.append(said.text))
    yield page
    context.close()
    # A browser tells of each address that it could not load, and of the answer 404.
    assert [one for one in complaints if "ERR_FAILED" not in one and "404" not in one] == []


def app(page: Page, sandbox: Sandbox, ticket: int, scheme: str = "light") -> FrameLocator:
    page.goto(f"{sandbox.zendesk}/_ui/app?ticket={ticket}&scheme={scheme}")
    frame = page.frame_locator("#app")
    expect(frame.get_by_role("heading", name="Maya Okafor")).to_be_visible()
    return frame


def heard(page: Page) -> list[dict[str, Any]]:
    said: list[dict[str, Any]] = page.evaluate("window.heard")
    return said


def test_zendesk_opens_the_app_with_its_signature_over_this_very_address(
    page: Page, stub: DeskStub, sandbox: Sandbox, ticket: int
) -> None:
    app(page, sandbox, ticket)
    claims = jwt.decode(
        stub.opened_with["token"],
        signing.public_half(KEY),
        algorithms=["RS256"],
        audience="https://acme-outfitters.zendesk.com/api/v2/apps/installations/4412345678.json",
        issuer="acme-outfitters.zendesk.com",
    )
    query = urlencode({"origin": sandbox.url, "app_guid": APP_GUID})
    assert claims["qsh"] == hashlib.sha256(query.encode()).hexdigest()
    assert stub.opened_with["origin"] == sandbox.url
    assert claims["sub"].endswith("/users/27182818284590.json")


def test_the_ticket_that_is_open_is_the_one_that_is_asked_for(
    page: Page, stub: DeskStub, sandbox: Sandbox, ticket: int
) -> None:
    asked: list[str] = []
    page.on("request", lambda one: asked.append(one.url))
    app(page, sandbox, ticket)
    assert f"{stub.url}/api/desk/thread?ticket_id={ticket}" in asked


def test_a_ticket_without_a_thread_says_what_to_expect(
    page: Page, stub: DeskStub, sandbox: Sandbox, ticket: int
) -> None:
    stub.missing = True
    page.goto(f"{sandbox.zendesk}/_ui/app?ticket={ticket}")
    alert = page.frame_locator("#app").get_by_role("alert")
    expect(alert).to_contain_text("No text thread here")
    expect(alert).to_contain_text("When the buyer texts")


def test_the_app_is_dark_when_zendesk_is_and_turns_with_it(
    page: Page, sandbox: Sandbox, ticket: int
) -> None:
    frame = app(page, sandbox, ticket, scheme="dark")
    body = frame.locator("body")
    expect(body).to_have_css("background-color", "rgb(21, 26, 30)")
    page.get_by_label("Dark").uncheck()
    expect(body).to_have_css("background-color", "rgb(248, 249, 249)")
    page.get_by_label("Dark").check()
    expect(body).to_have_css("background-color", "rgb(21, 26, 30)")


def test_what_is_written_can_be_put_into_the_tickets_reply_and_nothing_is_sent(
    page: Page, stub: DeskStub, sandbox: Sandbox, ticket: int
) -> None:
    frame = app(page, sandbox, ticket)
    frame.get_by_label("Reply by text").fill("Thanks Maya!")
    frame.get_by_role("button", name="Insert in ticket").click()
    expect(page.get_by_role("status")).to_contain_text("Nothing was sent")
    invoked = [one["params"] for one in heard(page) if one.get("request") == "invoke"]
    assert {"ticket.comment.appendText": ["Thanks Maya!"]} in invoked
    assert stub.replies == {}


def test_a_text_is_signed_with_the_agents_name_and_zendesk_shows_that_it_left(
    page: Page, stub: DeskStub, sandbox: Sandbox, ticket: int
) -> None:
    frame = app(page, sandbox, ticket)
    frame.get_by_label("Reply by text").fill("I send the 34 today.")
    frame.get_by_role("button", name="Send text").click()
    expect(page.get_by_role("status")).to_contain_text("Sent.")
    expect(frame.locator(".text").last).to_contain_text("I send the 34 today.")
    assert list(stub.replies.values()) == ["I send the 34 today."]
    assert stub.names[0].startswith("Priya")


def test_the_app_asks_for_its_height_and_never_for_more_than_a_screen(
    page: Page, sandbox: Sandbox, ticket: int
) -> None:
    app(page, sandbox, ticket)
    page.wait_for_function("window.heard.some((one) => one.params?.resize)")
    asked = [
        one["params"]["resize"][0] for one in heard(page) if "resize" in (one.get("params") or {})
    ]
    heights = [int(size["height"].removesuffix("px")) for size in asked]
    assert all(0 < height <= 900 for height in heights)
    assert heights[-1] == 900


def test_from_the_sandboxs_helpdesk_the_app_writes_into_the_ticket(
    browser: Browser, sandbox: Sandbox, ticket: int
) -> None:
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    context.route(lambda url: urlsplit(url).hostname != "127.0.0.1", lambda route: route.abort())
    page = context.new_page()
    page.set_default_timeout(8000)
    page.goto(sandbox.url)
    page.get_by_role("button", name="Doorstep app").click()
    frame = page.frame_locator(".app-frame").frame_locator("#app")
    frame.get_by_label("Reply by text").fill("Thanks Maya!")
    frame.get_by_role("button", name="Insert in ticket").click()
    expect(page.get_by_role("textbox", name="Comment")).to_have_value("Thanks Maya!")
    context.close()
