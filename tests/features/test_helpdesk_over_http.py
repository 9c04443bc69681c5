"""The same through the real Zendesk adapter: real HTML, real ids, real webhooks, lost answers."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app.conversations.models import Conversation
from app.conversations.resolve import resolve
from app.foundation.errors import Permanent
from app.helpdesk import jobs
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
    with at_a_desk(world) as desk:
        yield desk


@contextmanager
def at_a_desk(world: World, *, ticket_events: bool = True) -> Iterator[Desk]:
    world.clock.move(datetime.now(UTC))
    shop = world.shop()
    with running() as emulated, listening() as listener:
        emulated.plan("unmetered", ticket_events=ticket_events)
        helpdesk, access = helpdesk_of(world, emulated)
        token, bot = access.access_token, access.bot_user_id
        hook = helpdesk.subscribe(access, listener.url)
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


def helpdesk_of(
    world: World, emulated: EmulatedZendesk, user: str = "doorstep"
) -> tuple[ZendeskHelpdesk, HelpdeskAccess]:
    client = ZendeskClient(
        base_url=emulated.url.replace(SUBDOMAIN, "{subdomain}"),
        app=MarketplaceApp("12345", "99999"),
        clock=world.clock,
    )
    helpdesk = ZendeskHelpdesk(client)
    token = emulated.grant(user)["access_token"]
    bot = helpdesk.who_am_i(HelpdeskAccess(1, SUBDOMAIN, token))
    return helpdesk, HelpdeskAccess(1, SUBDOMAIN, token, bot)


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
    public = [one for one in desk.comments() if one["public"]]
    assert len(public) == 3


def test_tag_hands_the_thread_back_and_is_taken_off(world: World, desk: Desk) -> None:
    desk.buyer_texts("The zip broke")
    world.settle()
    desk.agent_replies("On its way")
    desk.pass_on(2)
    world.settle(patient=True)
    assert world.all(Conversation)[0].raised_at is not None
    desk.emulated.desk(desk.ticket()["id"], "tags", {"tag": "doorstep-ai-on"})
    desk.pass_on(1)
    world.settle(patient=True)
    assert world.all(Conversation)[0].handled_by == "assistant"
    assert "doorstep-ai-on" not in desk.ticket()["tags"]


def test_resolved_here_is_solved_in_zendesk_and_its_news_is_no_echo(
    world: World, desk: Desk
) -> None:
    desk.buyer_texts("The zip broke")
    world.settle()
    [thread] = world.all(Conversation)
    with world.db.shop(desk.shop.id) as session:
        resolve(session, now=world.clock.now(), conversation_id=thread.id, by="staff:42")
    world.settle(patient=True)
    assert desk.ticket()["status"] == "solved"
    desk.pass_on(2)
    world.settle(patient=True)
    assert desk.ticket()["status"] == "solved"
    assert [link.state for link in world.all(TicketLink)] == ["solved"]


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


# --- A plan whose webhooks cannot subscribe to ticket events


def test_reply_reaches_the_phone_by_a_trigger_where_the_plan_has_no_events(world: World) -> None:
    with at_a_desk(world, ticket_events=False) as desk:
        desk.buyer_texts("The zip broke")
        world.settle()
        assert set(desk.pass_on(1)) == {200}  # the opening of the ticket, which is our own
        world.settle(patient=True)
        assert world.sent() == []
        for words in ("So sorry!", "A new one is on its way."):
            desk.agent_replies(words)
            assert desk.pass_on(1) == [200]
            world.settle(patient=True)
        assert world.sent() == ["So sorry!", "A new one is on its way."]
        public = [one for one in desk.comments() if one["public"]]
    assert len(public) == 3


def test_call_of_the_trigger_that_comes_twice_is_worked_once(world: World) -> None:
    with at_a_desk(world, ticket_events=False) as desk:
        desk.buyer_texts("The zip broke")
        world.settle()
        desk.pass_on(1)
        faults.add("zendesk", "duplicate", count=1)
        desk.agent_replies("So sorry!")
        assert desk.pass_on(2) == [200, 200]
        world.settle(patient=True)
        assert world.sent() == ["So sorry!"]


def test_trigger_is_signed_like_any_webhook(world: World) -> None:
    with at_a_desk(world, ticket_events=False) as desk:
        desk.buyer_texts("The zip broke")
        world.settle()
        desk.pass_on(1)
        body = b'{"source":"doorstep_trigger","ticket_id":"1"}'
        forged = world.client.post("/webhooks/zendesk/door-of-tests", data=body)
        assert forged.status_code == 401


def test_solved_ticket_is_followed_by_the_trigger(world: World) -> None:
    with at_a_desk(world, ticket_events=False) as desk:
        desk.buyer_texts("The zip broke")
        world.settle()
        desk.pass_on(1)
        desk.emulated.desk(desk.ticket()["id"], "status", {"status": "solved"})
        desk.pass_on(1)
        world.settle(patient=True)
        assert [link.state for link in world.all(TicketLink)] == ["solved"]


def test_connecting_again_makes_no_second_trigger_and_takes_events_once_they_are_offered(
    world: World,
) -> None:
    with running() as emulated, listening() as listener:
        emulated.plan("unmetered", ticket_events=False)
        helpdesk, access = helpdesk_of(world, emulated)
        first = helpdesk.subscribe(access, listener.url)
        assert helpdesk.subscribe(access, listener.url) == first
        api = emulated.api()
        assert len(api.get("/webhooks").json()["webhooks"]) == 1
        assert api.get("/triggers/search", params={"query": "Doorstep"}).json()["count"] == 1
        emulated.plan("unmetered", ticket_events=True)
        second = helpdesk.subscribe(access, listener.url)
        assert second.webhook_id != first.webhook_id
        [left] = api.get("/webhooks").json()["webhooks"]
        assert left["id"] == second.webhook_id
        assert api.get("/triggers/search", params={"query": "Doorstep"}).json()["count"] == 0


def test_who_is_no_admin_is_refused_both_ways(world: World) -> None:
    with running() as emulated, listening() as listener:
        helpdesk, access = helpdesk_of(world, emulated, user="marcus")
        with pytest.raises(Permanent) as refused:
            helpdesk.subscribe(access, listener.url)
        assert refused.value.status == 403


def test_history_whose_import_was_lost_stands_there_once_and_is_never_texted(desk: Desk) -> None:
    world = desk.world
    world.execute("UPDATE helpdesk_accounts SET state = 'disconnected'")
    desk.buyer_texts(ODD)
    desk.buyer_texts("HELP")
    world.settle()
    world.execute("UPDATE helpdesk_accounts SET state = 'connected', connected_at = now()")
    faults.add("zendesk", "timeout_after_acting", operation="tickets.import", seconds=0, count=1)
    account: HelpdeskAccount = world.all(HelpdeskAccount)[0]
    sent = world.sent()
    for _ in range(3):
        world.clock.advance(minutes=12)
        jobs.poll(world.ports, shop_id=desk.shop.id, account_id=account.id)
        world.settle()
        desk.let_intents_age()
        world.settle(patient=True)
    [write] = world.all(TicketWrite)
    assert (write.state, write.comments, len(world.all(TicketLink))) == ("settled", 3, 1)
    first, word, answer = desk.comments()
    assert "see https://example.com/a?b=1&c=2" in first["text"] and word["text"] == "HELP"
    asked = world.texts(direction="in")[0].created_at
    assert first["created_at"] == asked.strftime("%Y-%m-%dT%H:%M:%SZ")
    assert answer["text"].startswith("Doorstep:") and world.sent() == sent
