"""Takes the pictures of the desk in Zendesk's sidebar, from the thread of the tests' fixture.

    .venv/bin/python docs/images/take_desk.py

The sandbox's Zendesk hosts it; the server is the stub of the browser tests. Colours are reduced to
256, so that the files stay small.
"""

from __future__ import annotations

import sys
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory

from PIL import Image
from playwright.sync_api import Browser, sync_playwright

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent.parent))

from scripts import chromium  # noqa: E402
from tests.browser.desk_stub import running_desk  # noqa: E402
from tests.browser.sandbox_at_hand import running_sandbox  # noqa: E402

MOMENT = "2026-11-24T19:02:00Z"  # of the fixture
DRAFT = "Thanks for the photo, Maya! I'm sending the 34 today. Keep the 32 until it is there."


def take(browser: Browser, address: str, name: str, scheme: str) -> None:
    context = browser.new_context(
        viewport={"width": 380, "height": 1165},
        device_scale_factor=1.5,
        timezone_id="America/New_York",
    )
    page = context.new_page()
    page.clock.install(time=MOMENT)
    page.goto(f"{address}&scheme={scheme}")
    app = page.frame_locator("#app")
    if scheme == "light":
        app.get_by_label("Reply by text").fill(DRAFT)
    else:
        app.get_by_role("heading", name="Order #1042").scroll_into_view_if_needed()
        app.get_by_role("heading", name="Quiet hours").scroll_into_view_if_needed()
    page.clock.run_for(1000)
    page.wait_for_timeout(1500)
    image = Image.open(BytesIO(page.screenshot())).convert("RGB")
    image.quantize(256, dither=Image.Dither.NONE).save(HERE / f"{name}.png", optimize=True)
    context.close()


def main() -> None:
    with (
        TemporaryDirectory() as folder,
        running_desk() as stub,
        running_sandbox(Path(folder), app_url=stub.url) as sandbox,
        sync_playwright() as playwright,
    ):
        ticket = sandbox.open_ticket("Harbour Chino is tight")
        address = f"{sandbox.zendesk}/_ui/app?ticket={ticket}"
        path = chromium.find()
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        take(browser, address, "8-desk-light", "light")
        take(browser, address, "9-desk-dark", "dark")
        browser.close()


if __name__ == "__main__":
    main()
