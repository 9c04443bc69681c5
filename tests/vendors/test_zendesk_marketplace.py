"""What Zendesk's marketplace asks of an app's server: it names itself on every call."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import httpx
import pytest

from app.helpdesk.ports import (
    Author,
    Comment,
    HelpdeskAccess,
    Requester,
    TicketDraft,
    TicketFile,
    TicketHistory,
    TicketState,
)
from app.vendors.zendesk.client import MarketplaceApp, ZendeskClient
from app.vendors.zendesk.helpdesk import ZendeskHelpdesk
from app.vendors.zendesk.oauth import ZendeskAuthorisation
from tests.contracts.helpdesk_drivers import SandboxClock
from tests.vendors.zendesk_sandbox import SUBDOMAIN, EmulatedZendesk, listening, running

NAMED = {
    "X-Zendesk-Marketplace-Name": "Doorstep",
    "X-Zendesk-Marketplace-Organization-Id": "12345",
    "X-Zendesk-Marketplace-App-Id": "99999",
}
DANA = Requester("doorstep:1", "Dana Whitfield", "+14155550142")
LONG_AGO = datetime(2026, 11, 2, 17, 5, tzinfo=UTC)
PHOTO = TicketFile("damage.png", "image/png", b"\x89PNG\r\n")
WORDS = Comment(Author.CONTACT, ("The zip broke",), files=(PHOTO,), at=LONG_AGO)


@pytest.fixture
def zendesk() -> Iterator[EmulatedZendesk]:
    with running() as emulated:
        yield emulated


def recorded(zendesk: EmulatedZendesk) -> tuple[ZendeskClient, list[httpx.Request]]:
    template = zendesk.url.replace(SUBDOMAIN, "{subdomain}")
    client = ZendeskClient(
        base_url=template, app=MarketplaceApp("12345", "99999"), clock=SandboxClock()
    )
    made: list[httpx.Request] = []
    client.lines().event_hooks["request"].append(made.append)
    return client, made


def test_every_call_of_ours_names_the_marketplace_app(zendesk: EmulatedZendesk) -> None:
    zendesk.plan("unmetered")
    client, made = recorded(zendesk)
    desk = ZendeskHelpdesk(client)
    at = HelpdeskAccess(1, SUBDOMAIN, zendesk.grant()["access_token"])
    at = HelpdeskAccess(1, SUBDOMAIN, at.access_token, desk.who_am_i(at))
    buyer = desk.find_or_make_requester(at, DANA)
    ticket = desk.import_ticket(at, TicketHistory("t-1", "Care", buyer, (WORDS,), ())).ticket_id
    note = Comment(Author.SYSTEM, ("Order #1042",), public=False)
    desk.open_ticket(at, TicketDraft("t-2", "t-2", "Care", buyer, note, ()))
    desk.add_comment(at, ticket, note, requester_id=buyer, tags=("doorstep_failed",))
    desk.remove_tag(at, ticket, "doorstep_failed")
    desk.set_state(at, ticket, TicketState.SOLVED)
    desk.read_status(at, ticket)
    [file] = desk.read_comments_since(at, ticket, None)[0].files
    desk.fetch_file(at, file.url, max_bytes=100)
    hook = desk.subscribe(at, "https://app.doorstep.example/webhooks/zendesk/door")
    desk.unsubscribe(at, hook.webhook_id)
    sign_in = ZendeskAuthorisation(
        client,
        client_id=zendesk.settings.zendesk_client_id,
        client_secret=zendesk.settings.zendesk_client_secret,
        redirect_uri="https://app.doorstep.example/connect/zendesk/callback",
        clock=SandboxClock(),
    )
    sign_in.refresh(subdomain=SUBDOMAIN, refresh_token=zendesk.grant()["refresh_token"])
    nameless = [
        f"{one.method} {one.url.path}"
        for one in made
        if any(one.headers.get(name) != value for name, value in NAMED.items())
    ]
    assert len(made) > 15 and nameless == []


def test_import_tells_no_webhook_and_what_follows_it_does(zendesk: EmulatedZendesk) -> None:
    zendesk.plan("unmetered")
    client, _ = recorded(zendesk)
    desk = ZendeskHelpdesk(client)
    at = HelpdeskAccess(1, SUBDOMAIN, zendesk.grant()["access_token"])
    with listening() as listener:
        desk.subscribe(at, listener.url)
        buyer = desk.find_or_make_requester(at, DANA)
        opened = desk.import_ticket(at, TicketHistory("t-1", "Care", buyer, (WORDS,), ()))
        zendesk.desk(opened.ticket_id, "comments", {"body": "On its way", "public": True})
        assert b"On its way" in listener.wait(1)[0].body
