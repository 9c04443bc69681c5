"""A third helpdesk costs one folder and the lines that `docs/how-to/add-a-helpdesk.md` lists: Slate
passes the contract that all others pass, and a whole story is told in it."""

from __future__ import annotations

import itertools
import json
import secrets
from collections.abc import Iterator
from typing import Any

import pytest

from app import receipts, relay
from app.foundation.clock import SystemClock
from app.helpdesk import jobs
from app.helpdesk.connect import connect_link
from app.helpdesk.kinds import KINDS, Kind
from app.helpdesk.models import HelpdeskAccount, TicketLink
from app.helpdesk.ports import HelpdeskAccess, TicketFile, TicketState
from app.web import create_app
from tests.contracts import test_helpdesk_contract as suite
from tests.contracts.helpdesk_drivers import Driver
from tests.contracts.slate import api
from tests.contracts.slate.board import PRIYA, ROBOT, Board
from tests.contracts.slate.helpdesk import SlateHelpdesk
from tests.contracts.slate.oauth import SlateAuthorisation
from tests.factories.world import PUBLIC_URL, ShopAtHand, World


class SlateDriver:
    def __init__(self) -> None:
        self._board = Board(SystemClock())
        self.helpdesk = SlateHelpdesk(self._board)
        self.access = HelpdeskAccess(1, "acme", "token", ROBOT)

    def agent_replies(
        self, ticket_id: str, text: str, *, public: bool = True, files: tuple[TicketFile, ...] = ()
    ) -> str:
        attached = tuple((one.filename, one.content_type, one.content) for one in files)
        card = self._board.cards[ticket_id]
        return self._board.write(card, PRIYA, text, open_to_all=public, files=attached).number

    def put_state(self, ticket_id: str, state: TicketState) -> None:
        words = {TicketState.SOLVED: "done", TicketState.CLOSED: "archived"}
        self._board.cards[ticket_id].state = words.get(state, "open")

    def put_tag(self, ticket_id: str, tag: str) -> None:
        self._board.cards[ticket_id].labels.append(tag)

    def merge(self, ticket_id: str, into: str) -> None:
        card = self._board.cards[ticket_id]
        card.state, card.moved_to = "archived", into

    def delete(self, ticket_id: str) -> None:
        del self._board.cards[ticket_id]

    def tags_of(self, ticket_id: str) -> tuple[str, ...]:
        return tuple(self._board.cards[ticket_id].labels)

    def lose_answer(self) -> None:
        self._board.loses_answer = True

    def refuse_once(self) -> None:
        self._board.busy_for = 7

    def let_pass(self, seconds: int) -> None:
        """Slate counts no limits."""


@pytest.fixture
def desk() -> Driver:
    return SlateDriver()


@pytest.fixture
def strict_desk() -> Driver:
    return SlateDriver()


# The contract's tests, with the fixtures of this file.
globals().update({name: test for name, test in vars(suite).items() if name.startswith("test_")})


# --- The story


class SlateAtHand:
    """A shop with Slate connected through the doors, and the webhooks that Slate would send."""

    def __init__(self, world: World, shop: ShopAtHand, board: Board, admin: SlateAuthorisation):
        self.world, self.shop, self.board, self._admin = world, shop, board, admin
        self._events = itertools.count(1)

    def connect(self) -> str:
        link = connect_link(
            self.world.ports, shop_id=self.shop.id, kind="slate", subdomain="acme.slate.invalid"
        )
        begun = self.world.client.get(link.removeprefix(PUBLIC_URL), base_url=PUBLIC_URL)
        code, state = self._admin.approve(begun.headers["Location"])
        done = self.world.client.get(
            "/connect/slate/callback",
            query_string={"code": code, "state": state},
            base_url=PUBLIC_URL,
        )
        assert done.status_code == 200, done.text
        return done.text

    def text(self, body: str) -> None:
        sid = f"SM{secrets.token_hex(16)}"
        assert self.world.text(self.shop, body, sid=sid).status_code == 200

    def said(self) -> list[str]:
        return [line.words for line in self.card().lines if line.open_to_all]

    def card(self) -> Any:
        return self.board.cards[self.world.all(TicketLink)[-1].ticket_id]

    def tell(self, line: str | None, *, secret: str | None = None) -> int:
        account: HelpdeskAccount = self.world.all(HelpdeskAccount)[0]
        event = {"event": f"e-{next(self._events)}", "card": self.card().number, "line": line}
        known = self.world.ports.keys.decrypt(account.webhook_secret or "")
        return self.world.client.post(
            f"/webhooks/slate/{account.door_key}",
            data=json.dumps(event),
            headers={api.SECRET: known if secret is None else secret},
        ).status_code


@pytest.fixture
def slate(world: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[SlateAtHand]:
    """The lines outside the folder, each where the how-to says it belongs."""
    monkeypatch.setitem(
        KINDS,  # type: ignore[arg-type]
        "slate",
        Kind("slate", "Slate", ".slate.invalid", knows_buyers_by_email=True, advice="Well done."),
    )
    monkeypatch.setitem(receipts.HANDLERS, "slate", api.work)  # type: ignore[arg-type]
    monkeypatch.setitem(relay.QUEUE_OF_SOURCE, "slate", "reply")
    board, admin = Board(world.clock), SlateAuthorisation(world.clock)
    world.ports.helpdesks["slate"] = SlateHelpdesk(board)  # type: ignore[index]
    world.ports.helpdesk_authorisations["slate"] = admin  # type: ignore[index]
    web = create_app(world.ports)
    web.register_blueprint(api.blueprint(world.ports))
    world.client = web.test_client()
    yield SlateAtHand(world, world.shop(), board, admin)


def test_a_shops_whole_story_is_told_in_a_third_helpdesk(world: World, slate: SlateAtHand) -> None:
    opener = world.checked_in(slate.shop)
    slate.text("The zip broke")
    world.settle()
    world.clock.advance(hours=1)
    page = slate.connect()
    assert "Slate is connected" in page and "acme.slate.invalid" in page and "Well done." in page
    world.settle()
    assert slate.said() == [f"Doorstep:\n\n{opener.body}", "The zip broke"]

    slate.text("Can you help?")
    world.settle()
    assert slate.said()[-1] == "Can you help?"

    reply = slate.board.write(slate.card(), PRIYA, "A new one ships today.")
    slate.board.write(slate.card(), PRIYA, "Second time this week", open_to_all=False)
    assert slate.tell(reply.number, secret="guessed") == 401
    assert [slate.tell(reply.number) for _ in range(2)] == [200, 200]
    world.settle()
    account = world.all(HelpdeskAccount)[0]
    jobs.poll(world.ports, shop_id=slate.shop.id, account_id=account.id)
    world.settle()
    assert world.sent()[1:] == ["A new one ships today."]

    slate.card().state = "done"
    slate.tell(None)
    world.settle()
    assert world.scalar("SELECT state FROM conversations") == "resolved"
    slate.text("Thanks a lot, it fits")
    world.settle()
    assert (slate.card().state, slate.said()[-1]) == ("open", "Thanks a lot, it fits")

    slate.card().state = "archived"
    slate.tell(None)
    world.settle()
    slate.text("It broke again")
    world.settle()
    assert slate.said() == ["It broke again"] and len(slate.board.cards) == 2
