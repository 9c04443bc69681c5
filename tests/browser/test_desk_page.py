"""The desk on a page of its own, in a real Chromium: all that an agent sees and does, by mouse and
by keyboard, narrow and wide, light and dark. The server is a stub (desk_stub)."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.desk_stub import DeskStub, running_desk

SIZES = {"sidebar": (320, 900), "page": (1200, 860)}
narrow_and_wide = pytest.mark.parametrize("page", SIZES, indirect=True)


@pytest.fixture
def stub() -> Iterator[DeskStub]:
    with running_desk() as running:
        yield running


@pytest.fixture
def page(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Page]:
    """A script error, and any breach of the page's own policy, fails the test."""
    width, height = SIZES[getattr(request, "param", "page")]
    context = browser.new_context(viewport={"width": width, "height": height})
    page = context.new_page()
    page.set_default_timeout(8000)
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda said: complaints.append(said.text))
    yield page
    context.close()
    # A browser tells of each answer that is an error.
    assert [one for one in complaints if "Failed to load resource" not in one] == []


def open_desk(page: Page, stub: DeskStub, query: str = "") -> None:
    page.goto(f"{stub.url}/desk/thread/signed{query}")
    expect(page.get_by_role("heading", name="Maya Okafor")).to_be_visible()


def test_everything_that_is_known_is_shown(page: Page, stub: DeskStub) -> None:
    open_desk(page, stub)
    for words in (
        "(415) 555-0142", "Portland, OR", "11:02 PST", "The assistant answers",
        "Chino in 32 is tight",
        "Did your Harbour Chino arrive okay?", "Delivered", "Sent, not confirmed", "2 segments",
        "Not delivered: The phone is off.", "A photo is being fetched", "Earlier texts are in",
        "Order #1042", "180.00 USD", "Size 32", "SKU HC-32-SND", "2 × Trail Runner Jacket",
        "Arrived Mon 23 Nov", "Last seen in Denver", "Other orders (2)", "A person answers by 8:00",
        "Agreed to texts", "How: at checkout", "Evidence c-31", "Texts may go until 20:00",
    ):  # fmt: skip
        expect(page.get_by_text(words).first).to_be_attached()
    page.get_by_text("What they agreed to").click()
    expect(page.get_by_text("Reply STOP to end.")).to_be_visible()
    order = page.get_by_role("link", name="Open in Shopify")
    expect(order).to_have_attribute("rel", "noopener noreferrer")
    pictures = page.locator(".lines img")
    assert pictures.evaluate_all("all => all.every(one => one.naturalWidth > 0)")


def test_a_new_text_appears_by_itself_and_is_read_out(page: Page, stub: DeskStub) -> None:
    open_desk(page, stub)
    stub.add_text("Next size please")
    expect(page.locator(".text").last).to_contain_text("Next size please", timeout=9000)
    expect(page.get_by_role("log")).to_have_text("New text from Maya: Next size please")
    expect(page.locator(".text").last).to_be_in_viewport()


def test_an_unchanged_thread_is_not_sent_again(page: Page, stub: DeskStub) -> None:
    open_desk(page, stub)
    with page.expect_response(lambda answer: answer.status == 304, timeout=9000):
        pass
    assert stub.unchanged >= 1
    expect(page.get_by_role("heading", name="Maya Okafor")).to_be_visible()


def test_a_photo_is_shown_large_and_left_by_keys(page: Page, stub: DeskStub) -> None:
    open_desk(page, stub)
    small = page.get_by_role("button", name="Show photo 1 from Maya larger")
    small.focus()
    page.keyboard.press("Enter")
    large = page.get_by_role("dialog").get_by_role("img")
    expect(large).to_have_attribute("src", re.compile("tight-waist"))
    page.keyboard.press("ArrowRight")
    expect(large).to_have_attribute("src", re.compile("torn-seam"))
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(small).to_be_focused()


def test_a_text_is_written_counted_and_sent_once_though_its_first_answer_is_lost(
    page: Page, stub: DeskStub
) -> None:
    open_desk(page, stub)
    stub.lost_answers = 1
    page.get_by_label("Sign as").fill("Priya")
    page.get_by_label("Reply by text").fill(
        "I send the 34 today. Keep the 32 until it is there. " * 4
    )
    expect(page.get_by_text("2 segments · about 0.0158 USD")).to_be_visible()
    page.get_by_role("button", name="Send text").click()
    expect(page.get_by_role("alert")).to_contain_text("did not work")
    page.get_by_label("Reply by text").press("Control+Enter")
    expect(page.get_by_label("Reply by text")).to_have_value("")
    assert len(stub.replies) == 1
    assert stub.names == ["Priya"]
    page.reload()
    expect(page.get_by_label("Sign as")).to_have_value("Priya")


def test_a_refusal_is_told_in_the_servers_sentence_and_the_words_stay(
    page: Page, stub: DeskStub
) -> None:
    open_desk(page, stub)
    sentence = "They opted out a minute ago. Please answer by e-mail."
    stub.refusal = (409, "opted_out", sentence)
    page.get_by_label("Reply by text").fill("Hello")
    page.get_by_role("button", name="Send text").click()
    expect(page.get_by_role("alert")).to_have_text(sentence)
    expect(page.get_by_label("Reply by text")).to_have_value("Hello")


def test_a_saved_reply_is_found_and_inserted_without_a_mouse(page: Page, stub: DeskStub) -> None:
    open_desk(page, stub)
    page.get_by_role("button", name="Saved replies").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("combobox")).to_be_focused()
    page.keyboard.type("another size")
    expect(page.get_by_role("option")).to_have_count(1)
    page.keyboard.press("Enter")
    expect(page.get_by_label("Reply by text")).to_have_value(re.compile("gladly"))
    expect(page.get_by_label("Reply by text")).to_be_focused()
    expect(page.get_by_text("Fill in yourself: size")).to_be_visible()


def test_opting_out_says_what_will_happen_and_can_be_called_off(page: Page, stub: DeskStub) -> None:
    open_desk(page, stub)
    opener = page.get_by_role("button", name="Opt this buyer out")
    opener.click()
    question = page.get_by_role("alertdialog")
    for words in ("(415) 555-0142", "called off", "your name and the time", "texting START"):
        expect(question).to_contain_text(words)
    page.keyboard.press("Escape")
    expect(question).to_have_count(0)
    expect(opener).to_be_focused()
    assert stub.said == []


def test_after_an_opt_out_there_is_no_way_to_text(page: Page, stub: DeskStub) -> None:
    open_desk(page, stub)
    page.get_by_role("button", name="Opt this buyer out").click()
    page.get_by_role("button", name="Opt out now").click()
    expect(page.get_by_text("This buyer opted out.")).to_be_visible()
    assert stub.said == ["opt-out"]
    for gone in ("Send text", "Send as it is", "Opt this buyer out"):
        expect(page.get_by_role("button", name=gone)).to_have_count(0)


def test_the_thread_is_taken_over_and_handed_back(page: Page, stub: DeskStub) -> None:
    open_desk(page, stub)
    page.get_by_role("button", name="Take over").click()
    expect(page.get_by_text("A person answers", exact=True)).to_be_visible()
    page.get_by_role("button", name="Hand back").click()
    expect(page.get_by_text("The assistant answers", exact=True)).to_be_visible()
    assert stub.said == ["take-over", "hand-back"]


def test_a_draft_is_edited_before_it_leaves(page: Page, stub: DeskStub) -> None:
    open_desk(page, stub)
    page.get_by_role("button", name="Edit").click()
    expect(page.get_by_label("Reply by text")).to_have_value(re.compile("next size up"))
    expect(page.get_by_label("Reply by text")).to_be_focused()
    expect(page.get_by_role("heading", name="The assistant's draft")).to_have_count(0)
    assert stub.replies == {}


def test_when_the_session_ends_the_words_are_kept(page: Page, stub: DeskStub) -> None:
    open_desk(page, stub)
    page.get_by_label("Reply by text").fill("A long answer")
    stub.token = "another"
    expect(page.get_by_role("alert")).to_contain_text("session has ended", timeout=9000)
    expect(page.get_by_role("alert")).to_contain_text("A long answer")


def test_without_a_connection_the_thread_stays_and_is_marked(page: Page, stub: DeskStub) -> None:
    open_desk(page, stub)
    page.context.set_offline(True)
    expect(page.get_by_text("What you see may be old")).to_be_visible(timeout=9000)
    expect(page.locator(".text").last).to_be_visible()
    page.context.set_offline(False)
    expect(page.get_by_text("What you see may be old")).to_have_count(0, timeout=9000)


def test_it_speaks_spanish(page: Page, stub: DeskStub) -> None:
    open_desk(page, stub, "?locale=es")
    expect(page.get_by_role("button", name="Enviar SMS")).to_be_visible()
    expect(page.locator("html")).to_have_attribute("lang", "es")


@narrow_and_wide
def test_nothing_sticks_out_sideways(page: Page, stub: DeskStub) -> None:
    stub.thread["buyer"]["name"] = "Wellingtonboots" * 6
    stub.thread["messages"][0]["body"] = "https://acme.example/" + "a" * 200
    stub.thread["order"]["lines"][0]["title"] = "Harbourchino" * 12
    page.goto(f"{stub.url}/desk/thread/signed")
    expect(page.get_by_role("heading", name="Order #1042")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


@narrow_and_wide
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_words_stand_out_from_what_is_behind_them(page: Page, stub: DeskStub, scheme: str) -> None:
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    open_desk(page, stub)
    faint = page.evaluate(FAINT_WORDS)
    assert faint == []


def test_all_is_reached_by_tab_in_the_order_of_the_page(page: Page, stub: DeskStub) -> None:
    open_desk(page, stub)
    page.get_by_label("Reply by text").fill("Hi")
    page.locator("body").click(position={"x": 2, "y": 2})
    reached: list[str] = []
    for _ in range(40):
        page.keyboard.press("Tab")
        name = page.evaluate(
            "(document.activeElement.ariaLabel || document.activeElement.innerText"
            " || document.activeElement.name || document.activeElement.tagName).trim()"
        )
        reached.append(name)
    wanted = [
        "Skip to the reply", "Take over", "Resolve", "Texts with Maya, 5 shown",
        "Show photo 1 from Maya larger", "Send as it is", "Edit", "Not helpful",
        "TEXTAREA", "INPUT", "Saved replies", "Send text", "Open in Shopify",
        "Order page", "What they agreed to", "Opt this buyer out",
    ]  # fmt: skip
    places = [reached.index(one) for one in wanted]
    assert places == sorted(places)


# WCAG's contrast of each visible piece of text with the nearest ground behind it; 4.5 is AA.
FAINT_WORDS = """() => {
  const parts = (colour) => (colour.match(/[\\d.]+/g) || []).map(Number);
  const light = ([r, g, b]) => [r, g, b].map((v) => v / 255)
    .map((v) => (v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4))
    .reduce((sum, v, at) => sum + v * [0.2126, 0.7152, 0.0722][at], 0);
  const ground = (one) => {
    for (let at = one; at; at = at.parentElement) {
      const [r, g, b, a = 1] = parts(getComputedStyle(at).backgroundColor);
      if (a > 0.5) return [r, g, b];
    }
    return [255, 255, 255];
  };
  const faint = [];
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const one = walk.currentNode.parentElement;
    if (!walk.currentNode.data.trim() || !one.checkVisibility()) continue;
    if (one.closest(':disabled, .hidden, noscript, script, .skip')) continue;
    const both = [light(parts(getComputedStyle(one).color)), light(ground(one))];
    const [a, b] = both.sort((x, y) => y - x);
    const contrast = (a + 0.05) / (b + 0.05);
    if (contrast < 4.5) faint.push(`${walk.currentNode.data.trim()}: ${contrast.toFixed(2)}`);
  }
  return faint;
}"""
