"""Takes the README's pictures: plays the story of `make run` in a real Chromium.

    make run                                        # in another terminal, on empty data
    .venv/bin/python docs/images/take.py [http://127.0.0.1:8090]

Each picture is the page as it is; colours are reduced to 256, so that the files stay small.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory

from PIL import Image
from playwright.sync_api import Locator, Page, expect, sync_playwright

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
SECONDS = 1000
WIDE = {"width": 1440, "height": 900}
NARROW = {"width": 390, "height": 844}
SHOP, MAYA = "acme-outfitters.myshopify.com", "+14155550142"

sys.path.insert(0, str(ROOT))
from scripts import chromium  # noqa: E402


def keep(name: str, shot: bytes) -> None:
    image = Image.open(BytesIO(shot)).convert("RGB")
    image.quantize(256, dither=Image.Dither.NONE).save(HERE / f"{name}.png", optimize=True)


def settled(page: Page) -> None:
    """Animations have ended, and the last news has arrived."""
    page.wait_for_timeout(1500)


def wide(page: Page, name: str) -> None:
    settled(page)
    keep(name, page.screenshot())


def part(page: Page, name: str, where: Locator) -> None:
    settled(page)
    keep(name, where.screenshot())


def story(page: Page, narrow: Page) -> None:
    bubbles, ticket = page.locator("#bubbles"), page.locator("#ticket")

    page.locator("#order-product").select_option(label="Harbour Chino")
    page.locator("#order-size").select_option(label="32")
    page.get_by_role("button", name="Place order").click()
    order = page.locator("#orders > li").first
    expect(order).to_contain_text("Harbour Chino")
    part(page, "1-order", page.locator("#shop"))

    order.get_by_role("button", name="Carrier says delivered").click()
    expect(order.get_by_role("list", name="Stage: Delivered")).to_be_visible()
    part(page, "2-delivered", order)

    page.get_by_role("button", name="To 10:30 am").click()
    expect(bubbles.locator(".theirs")).to_contain_text("arrive okay", timeout=30 * SECONDS)
    part(page, "3-check-in", page.locator("#device"))
    narrow.get_by_role("tab", name="Phone").click()
    settled(narrow)
    keep("3-check-in-narrow", narrow.screenshot())

    page.get_by_role("button", name="Add a photo").click()
    page.get_by_role("button", name="Trousers, tight at the waist").click()
    page.locator("#text").fill("Yep, got it. The waist feels tight. Is that normal?")
    page.keyboard.press("Enter")
    expect(ticket).to_contain_text("The waist feels tight", timeout=30 * SECONDS)
    expect(ticket.locator("img").first).to_be_visible(timeout=30 * SECONDS)
    part(page, "4-ticket", page.locator("#desk"))

    page.get_by_role("textbox", name="Comment").fill(
        "Thanks for the photo! These run a bit snug. I'm sending the 34 today, keep the 32 until"
        " it is there."
    )
    ticket.get_by_role("button", name="Send").click()
    expect(bubbles).to_contain_text("run a bit snug", timeout=30 * SECONDS)
    wide(page, "5-reply")
    narrow.get_by_role("tab", name="Helpdesk").click()
    settled(narrow)
    keep("5-reply-narrow", narrow.screenshot())

    page.locator("#chips").get_by_role("button", name="STOP").click()
    page.locator("#send").click()
    expect(bubbles).to_contain_text("STOP", timeout=30 * SECONDS)
    expect(page.locator("#bubbles .automatic")).to_be_visible(timeout=30 * SECONDS)
    part(page, "6-stop", page.locator("#device"))


def merchant_page(page: Page) -> None:
    with page.context.expect_page() as opened:
        page.locator("#open-app").click()
    app = opened.value
    app.set_viewport_size({"width": 1100, "height": 620})
    app.wait_for_load_state("domcontentloaded")
    wide(app, "merchant-page")


def proof_packet(page: Page) -> None:
    with TemporaryDirectory() as folder:
        command = [ROOT / "doorstep", "proof", "--shop", SHOP, "--phone", MAYA, "--out", folder]
        subprocess.run(command, check=True, cwd=ROOT, capture_output=True)
        [sheet] = Path(folder).glob("*.html")
        packet = page.context.new_page()
        packet.set_viewport_size({"width": 820, "height": 1060})
        packet.goto(sheet.as_uri())
        wide(packet, "7-proof")


def main(
    address: str, acts: tuple[Callable[[Page], None], ...] = (merchant_page, proof_packet)
) -> None:
    with sync_playwright() as playwright:
        path = chromium.find()
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        page = browser.new_context(viewport=WIDE, device_scale_factor=1.25).new_page()
        narrow = browser.new_context(viewport=NARROW, device_scale_factor=1.5).new_page()
        for each in (page, narrow):
            each.set_default_timeout(20 * SECONDS)
            each.goto(address)
            expect(each.locator("#live")).to_have_text("live")
        story(page, narrow)
        for act in acts:
            act(page)
        browser.close()


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:8090/")
