"""The same through the real Zendesk adapter: real HTML, real ids, real webhooks, lost answers."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app.helpdesk.models import HelpdeskAccount, TicketLink, TicketWrite
from app.helpdesk.ports import HelpdeskAccess
from app.vendors.zendesk.client import MarketplaceApp, ZendeskClient
from app.vendors.zendesk.helpdesk import ZendeskHelpdesk
from sandbox import faults
from tests.factories.world import ShopAtHand, World
from tests.vendors.zendesk_sandbox import (
    SUBDOMAIN,
    EmulatedZendesk,
    Heard,
    Listener,
    listening,
    running,
)

ODD = (
    "It's <b>broken</b> & wet 😟\n\n- zip\n-  seam   torn\nsee https://example.com/a?b=1&c=2"
    "\nI paid 5 > 4 \u200bdollars… “really”  "
)


@dataclass
class Desk:
    world: World
    shop: ShopAtHand
    emulated: EmulatedZendesk
    listener: Listener
    told: int = 0

    def ticket(self, number: int = -1) -> dict[str, Any]:
        link = self.world.all(TicketLink)[number]
        shown: dict[str, Any] = self.emulated.http.get(f"/_ui/tickets/{link.ticket_id}").json()
        return shown["ticket"]  # type: ignore[no-any-return]

    def comments(self) -> list[dict[str, Any]]:
        return list(self.ticket()["comments"])

    def buyer_texts(self, body: str) -> None:
        answer = self.world.text(self.shop, body, sid=f"SM{secrets.token_hex(16)}")
        assert answer.status_code == 200

    def agent_replies(self, body: str) -> None:
        link = self.world.all(TicketLink)[-1]
        self.emulated.desk(link.ticket_id or "", "comments", {"body": body, "public": True})

    def pass_on(self, count: int) -> list[int]:
        """Webhooks that Zendesk sent, through our own door."""
        account: HelpdeskAccount = self.world.all(HelpdeskAccount)[0]
        heard: list[Heard] = self.listener.wait(self.told + count)[self.told :]
        self.told += len(heard)
        return [
            self.world.client.post(
                f"/webhooks/zendesk/{account.door_key}", data=one.body, headers=one.headers
            ).status_code
            for one in heard
        ]

    def let_intents_age(self) -> None:
        self.world.execute(
            "UPDATE ticket_writes SET intended_at = intended_at - interval '60 seconds'"
            " WHERE state = 'intent'"
        )
        self.world.execute("UPDATE outbox SET available_at = now()")


@pytest.fixture
def desk(world: World) -> Iterator[Desk]:
    world.clock.move(datetime.now(UTC))
    shop = world.shop()
    with running() as emulated, listening() as listener:
        emulated.plan("unmetered")
        client = ZendeskClient(
            base_url=emulated.url.replace(SUBDOMAIN, "{subdomain}"),
            app=MarketplaceApp("12345", "99999"),
            clock=world.clock,
        )
        helpdesk = ZendeskHelpdesk(client)
        token = emulated.grant()["access_token"]
        bot = helpdesk.who_am_i(HelpdeskAccess(1, SUBDOMAIN, token))
        hook = helpdesk.subscribe(HelpdeskAccess(1, SUBDOMAIN, token, bot), listener.url)
        world.ports.helpdesks["zendesk"] = helpdesk  # type: ignore[index]
        keys, now = world.ports.keys, world.clock.now()
        with world.db.shop(shop.id) as session:
            session.add(
                HelpdeskAccount(
                    shop_id=shop.id,
                    kind="zendesk",
                    subdomain=SUBDOMAIN,
                    access_token=keys.encrypt(token),
                    refresh_token=keys.encrypt("unused"),
                    expires_at=now + timedelta(hours=1),
                    refresh_expires_at=now + timedelta(days=30),
                    bot_user_id=bot,
                    door_key="door-of-tests",
                    webhook_id=hook.webhook_id,
                    webhook_secret=keys.encrypt(hook.secret),
                    connected_at=now,
                )
            )
        yield Desk(world, shop, emulated, listener)


def test_lost_answers_are_found_by_their_words_however_odd(world: World, desk: Desk) -> None:
    lose = {"seconds": 0.0, "count": 1}
    faults.add("zendesk", "timeout_after_acting", operation="tickets.create", **lose)  # type: ignore[arg-type]
    desk.buyer_texts(ODD)
    world.settle()
    desk.let_intents_age()
    world.settle()
    assert [link.state for link in world.all(TicketLink)] == ["open"]
    faults.add("zendesk", "timeout_after_acting", operation="tickets.update", **lose)  # type: ignore[arg-type]
    desk.buyer_texts(f"again: {ODD}")
    world.settle()
    assert [one.state for one in world.all(TicketWrite)] == ["settled", "intent"]
    desk.let_intents_age()
    world.settle()
    assert [one.state for one in world.all(TicketWrite)] == ["settled", "settled"]
    assert len(desk.comments()) == 2
    ours = {str(one["id"]) for one in desk.comments()}
    assert {one.comment_id for one in world.all(TicketWrite)} == ours


def test_agents_reply_reaches_the_phone_once_though_heard_twice(world: World, desk: Desk) -> None:
    desk.buyer_texts("The zip broke")
    world.settle()
    faults.add("zendesk", "duplicate", count=1)
    desk.agent_replies("So **sorry**! See https://example.com/label")
    assert set(desk.pass_on(4)) == {200}
    world.settle()
    [text] = world.sent()
    assert "https://example.com/label" in text
    assert len(desk.comments()) == 2


def test_webhook_before_our_own_answer_is_no_reply(world: World, desk: Desk) -> None:
    desk.buyer_texts("The zip broke")
    world.settle()
    faults.add("zendesk", "webhook_before_answer")
    desk.buyer_texts("HELP")
    world.settle()
    before = len(world.sent())
    desk.pass_on(2)
    world.settle(patient=True)
    assert len(world.sent()) == before == 1
    assert len(desk.comments()) == 3


def test_closed_ticket_is_continued_by_a_follow_up(world: World, desk: Desk) -> None:
    desk.buyer_texts("The zip broke")
    world.settle()
    first = desk.ticket()
    desk.emulated.desk(first["id"], "status", {"status": "closed"})
    desk.buyer_texts("me again")
    world.settle()
    assert [link.state for link in world.all(TicketLink)] == ["closed", "open"]
    assert desk.ticket()["id"] != first["id"]
    assert "me again" in str(desk.comments())
