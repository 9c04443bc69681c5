"""An agent's page for one test: Zendesk opens it by a signed token, the page calls our API."""

from __future__ import annotations

import json
import re
import uuid
from typing import Any

from werkzeug.test import TestResponse

from tests.factories import zaf
from tests.factories.world import World

BUILT = (
    '<!doctype html><html lang="en"><head><script type="module" crossorigin'
    ' src="/desk/assets/main-1a2b.js"></script></head><body><div id="root"></div>'
    '<script type="application/json" id="desk-session"></script></body></html>'
)


def build_page(world: World) -> None:
    """A front end, as far as the server knows it."""
    folder = world.ports.settings.desk_path
    (folder / "assets").mkdir(parents=True, exist_ok=True)
    (folder / "index.html").write_text(BUILT)
    (folder / "assets" / "main-1a2b.js").write_text("export {}")


def open_app(world: World, token: str | None = None, *, query: str = zaf.QUERY) -> TestResponse:
    """What Zendesk has the browser do. `token`: instead of a genuine one."""
    if token is None:
        token = zaf.signed(zaf.claims(world.clock.now().timestamp()))
    return world.client.post(f"{zaf.PATH}?{query}", data={"token": token})


def island_of(page: TestResponse) -> dict[str, Any]:
    found = re.search(r'id="desk-session">(.*?)</script>', page.text)
    assert found, page.text
    said: dict[str, Any] = json.loads(found[1])
    return said


class AgentsPage:
    """A page that is open, with its session."""

    def __init__(self, world: World, token: str) -> None:
        self.world, self.token = world, token

    def call(self, method: str, path: str, *, json: Any = None, **headers: str) -> TestResponse:
        return self.world.client.open(
            f"/api/desk{path}",
            method=method,
            json=json,
            headers={"Authorization": f"Bearer {self.token}"} | headers,
        )

    def thread(self, **query: object) -> dict[str, Any]:
        asked = "&".join(f"{name}={value}" for name, value in query.items())
        answer = self.call("GET", f"/thread?{asked}")
        assert answer.status_code == 200, answer.text
        shown: dict[str, Any] = answer.get_json()
        return shown

    def reply(
        self, conversation_id: int, text: str, *, key: str | None = None, **more: str
    ) -> TestResponse:
        body = {"text": text, "key": key or str(uuid.uuid4())} | more
        return self.call("POST", f"/threads/{conversation_id}/replies", json=body)


def in_zendesk(world: World) -> AgentsPage:
    """An agent of Zendesk `acme` has opened a ticket with our app beside it."""
    build_page(world)
    page = open_app(world)
    assert page.status_code == 200, page.text
    return AgentsPage(world, island_of(page)["token"])


def on_page(world: World, address: str) -> AgentsPage:
    """Somebody follows a signed address of ours."""
    build_page(world)
    page = world.client.get(address.removeprefix(world.ports.public_url))
    assert page.status_code == 200, page.text
    return AgentsPage(world, island_of(page)["token"])
