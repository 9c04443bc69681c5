"""Limits, failures of the line, people and files: Zendesk's adapter against the emulator."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, cast

import pytest

from app.foundation.errors import Permanent, Temporary, Unknowable
from app.helpdesk.ports import (
    Author,
    Comment,
    HelpdeskAccess,
    HookKind,
    Requester,
    TicketDraft,
    TicketHistory,
    TicketState,
)
from app.vendors.zendesk.client import MarketplaceApp, ZendeskClient
from app.vendors.zendesk.helpdesk import ZendeskHelpdesk
from app.vendors.zendesk.webhooks import SIGNATURE, TIMESTAMP, parse, verify
from sandbox import clock, faults
from tests.contracts.helpdesk_drivers import SandboxClock
from tests.vendors.zendesk_sandbox import SUBDOMAIN, EmulatedZendesk, listening, running

CALLBACK = "https://app.doorstep.example/connect/zendesk/callback"
NOTE = Comment(Author.SYSTEM, ("Order #1042",), public=False)


@pytest.fixture
def zendesk() -> Iterator[EmulatedZendesk]:
    with running() as emulated:
        yield emulated


def client_of(base_url: str) -> ZendeskClient:
    return ZendeskClient(
        base_url=base_url, app=MarketplaceApp("12345", "99999"), clock=SandboxClock()
    )


def client(zendesk: EmulatedZendesk) -> ZendeskClient:
    return client_of(zendesk.url.replace(SUBDOMAIN, "{subdomain}"))


def access(zendesk: EmulatedZendesk, token: str | None = None) -> HelpdeskAccess:
    return HelpdeskAccess(1, SUBDOMAIN, token or zendesk.grant()["access_token"])


def open_ticket(desk: ZendeskHelpdesk, at: HelpdeskAccess, name: str = "thread-1") -> str:
    draft = TicketDraft(name, f"{name}:open", "Order #1042", desk.who_am_i(at), NOTE, ())
    return desk.open_ticket(at, draft).ticket_id


def add_note(desk: ZendeskHelpdesk, at: HelpdeskAccess, ticket_id: str) -> None:
    desk.add_comment(at, ticket_id, NOTE, requester_id="0")


@contextmanager
def serving(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    """A server on a free port."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(timeout=5)


# Limits


def test_after_thirty_updates_a_ticket_waits_and_others_do_not(zendesk: EmulatedZendesk) -> None:
    desk, at = ZendeskHelpdesk(client(zendesk)), access(zendesk)
    busy, quiet = open_ticket(desk, at), open_ticket(desk, at, "thread-2")
    for _ in range(30):
        add_note(desk, at, busy)
    # The thirtieth answer said so already: nothing is asked any more.
    faults.add("zendesk", "cut_connection", operation="tickets.update")
    with pytest.raises(Temporary) as raised:
        add_note(desk, at, busy)
    assert raised.value.code == "waiting"
    assert raised.value.retry_after is not None
    assert 0 < raised.value.retry_after <= 600
    faults.clear()
    add_note(desk, at, quiet)
    clock.advance(601)
    add_note(desk, access(zendesk), busy)


def test_a_full_account_waits_as_a_whole(zendesk: EmulatedZendesk) -> None:
    at = access(zendesk)
    zendesk.plan("trial")
    desk = ZendeskHelpdesk(client(zendesk))
    ticket = open_ticket(desk, at)
    with pytest.raises(Temporary) as raised:
        for _ in range(300):
            desk.read_status(at, ticket)
    assert (raised.value.status, raised.value.code) == (429, "APIRateLimitExceeded")
    assert raised.value.retry_after is not None
    with pytest.raises(Temporary) as waiting:
        open_ticket(desk, at, "thread-2")
    assert waiting.value.code == "waiting"
    clock.advance(61)
    assert desk.read_status(at, ticket)


def test_a_new_buyer_right_after_another_waits_a_second(zendesk: EmulatedZendesk) -> None:
    desk, at = ZendeskHelpdesk(client(zendesk)), access(zendesk)
    desk.find_or_make_requester(at, Requester("c-1", "Dana", "+14155550142"))
    sam = Requester("c-2", "Sam", "+14155550143")
    with pytest.raises(Temporary) as raised:
        desk.find_or_make_requester(at, sam)
    assert raised.value.retry_after == 1
    clock.advance(1)
    assert desk.find_or_make_requester(at, sam)


# The line


def test_a_comment_that_met_a_5xx_may_have_been_written(zendesk: EmulatedZendesk) -> None:
    desk, at = ZendeskHelpdesk(client(zendesk)), access(zendesk)
    ticket = open_ticket(desk, at)
    faults.add("zendesk", "5xx_after_acting", operation="tickets.update", count=1)
    with pytest.raises(Unknowable):
        add_note(desk, at, ticket)
    assert len(desk.read_comments_since(at, ticket, None)) == 2


def test_reading_is_tried_once_more_and_then_later(zendesk: EmulatedZendesk) -> None:
    desk, at = ZendeskHelpdesk(client(zendesk)), access(zendesk)
    ticket = open_ticket(desk, at)
    faults.add("zendesk", "cut_connection", operation="tickets.show", count=1)
    assert desk.read_status(at, ticket).ticket_id == ticket
    faults.add("zendesk", "cut_connection", operation="tickets.show", count=2)
    with pytest.raises(Temporary):
        desk.read_status(at, ticket)
    faults.add("zendesk", "5xx", operation="tickets.show", count=1)
    with pytest.raises(Temporary):
        desk.read_status(at, ticket)


def test_an_opening_that_broke_twice_is_unknowable(zendesk: EmulatedZendesk) -> None:
    desk, at = ZendeskHelpdesk(client(zendesk)), access(zendesk)
    faults.add("zendesk", "timeout_after_acting", operation="tickets.create", seconds=0, count=2)
    with pytest.raises(Unknowable):
        open_ticket(desk, at)
    found = desk.find_ticket(at, "thread-1")
    assert found is not None
    assert open_ticket(desk, at) == found.ticket_id


@contextmanager
def cutting_once() -> Iterator[str]:
    """A server that cuts the first line without an answer, and refuses everybody after it."""
    seen: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            seen.append(self.path)
            if len(seen) == 1:
                self.close_connection = True
                return
            self.send_response(429)
            self.send_header("Retry-After", "2")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            """Quiet."""

    with serving(Handler) as address:
        yield address


def test_an_opening_that_broke_and_was_then_refused_for_now_is_unknowable() -> None:
    draft = TicketDraft("thread-1", "thread-1:open", "Order #1042", "1", NOTE, ())
    at = HelpdeskAccess(1, SUBDOMAIN, "token")
    with cutting_once() as address:
        desk = ZendeskHelpdesk(client_of(address))
        with pytest.raises(Unknowable):
            desk.open_ticket(at, draft)


def test_no_connection_is_certain() -> None:
    desk = ZendeskHelpdesk(client_of("http://127.0.0.1:9/zendesk/{subdomain}"))
    at = HelpdeskAccess(1, SUBDOMAIN, "token")
    with pytest.raises(Temporary) as raised:
        desk.add_comment(at, "1", NOTE, requester_id="0")
    assert raised.value.code == "no_connection"


# People and pages


def test_a_buyer_with_an_agents_email_leaves_the_agent_alone(zendesk: EmulatedZendesk) -> None:
    desk, at = ZendeskHelpdesk(client(zendesk)), access(zendesk)
    buyer = Requester("c-1", "Dana", "+14155550142", f"priya@{SUBDOMAIN}.example")
    made = desk.find_or_make_requester(at, buyer)
    users = zendesk.api(at.access_token).get("/users/search", params={"query": "Priya"}).json()
    [priya] = users["users"]
    assert str(priya["id"]) != made
    assert (priya["role"], priya["external_id"], priya["phone"]) == ("admin", None, None)


def test_a_long_thread_is_read_to_its_end(zendesk: EmulatedZendesk) -> None:
    at = access(zendesk)
    zendesk.plan("unmetered")
    desk = ZendeskHelpdesk(client(zendesk))
    ticket = open_ticket(desk, at)
    for _ in range(104):
        add_note(desk, at, ticket)
    everything = desk.read_comments_since(at, ticket, None)
    ids = [int(one.comment_id) for one in everything]
    assert len(ids) == 105
    assert ids == sorted(ids)
    since = desk.read_comments_since(at, ticket, everything[1].comment_id)
    assert [one.comment_id for one in since] == [one.comment_id for one in everything[2:]]


# Files


@contextmanager
def somewhere(location: str) -> Iterator[tuple[str, list[str | None]]]:
    """A server that sends everybody on; says which tokens it was shown."""
    shown: list[str | None] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            shown.append(self.headers.get("Authorization"))
            self.send_response(302)
            self.send_header("Location", location)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            """Quiet."""

    with serving(Handler) as address:
        yield address, shown


def test_a_file_is_followed_to_zendesks_hosts_only() -> None:
    at = HelpdeskAccess(1, SUBDOMAIN, "token")
    with somewhere("/elsewhere") as (stranger, shown):
        with somewhere(f"{stranger}/file") as (home, shown_home):
            desk = ZendeskHelpdesk(client_of(home))
            with pytest.raises(Permanent) as raised:
                desk.fetch_file(at, f"{home}/attachments/token/x/?name=a.png", max_bytes=9)
            assert raised.value.code == "foreign_address"
            assert shown_home == ["Bearer token"]
        assert shown == []


def test_a_file_that_is_sent_round_in_circles_is_given_up() -> None:
    with somewhere("/again") as (home, shown):
        desk = ZendeskHelpdesk(client_of(home))
        with pytest.raises(Permanent):
            desk.fetch_file(HelpdeskAccess(1, SUBDOMAIN, "t"), f"{home}/file", max_bytes=9)
        assert len(shown) == 4


# Webhooks


def test_our_door_understands_what_the_helpdesk_tells(zendesk: EmulatedZendesk) -> None:
    at = access(zendesk)
    desk = ZendeskHelpdesk(client(zendesk))
    ticket, other = open_ticket(desk, at), open_ticket(desk, at, "thread-2")
    with listening() as door:
        secret = desk.subscribe(at, door.url).secret
        reply = zendesk.desk(ticket, "comments", {"body": "On its way!"})["comment"]
        door.wait(2)
        zendesk.desk(ticket, "status", {"status": "solved"})
        door.wait(3)
        zendesk.desk(ticket, "merge", {"into": int(other)})
        heard = door.wait(7)
    for one in heard:
        verify(
            secret=secret,
            signature=one.headers[SIGNATURE],
            timestamp=one.headers[TIMESTAMP],
            body=one.body,
            now=clock.now(),
        )
    hooks = [parse(one.body) for one in heard]
    replied = next(one for one in hooks if one.comment_id == str(reply["id"]))
    assert (replied.kind, replied.ticket_id) == (HookKind.COMMENT_ADDED, ticket)
    assert (replied.public, replied.by_staff) == (True, True)
    solved = next(one for one in hooks if one.state is TicketState.SOLVED)
    assert solved.ticket_id == ticket
    merged = next(one for one in hooks if one.kind is HookKind.MERGED)
    assert (merged.ticket_id, merged.merged_into) == (ticket, other)
    assert len({one.event_id for one in hooks}) == len(hooks)


def test_history_that_cannot_be_read_back_may_have_been_imported() -> None:
    """A refusal after the one call that writes says nothing about that call."""

    class Client:
        def call(self, subdomain: str, method: str, path: str, **more: Any) -> Any:
            if path == "/api/v2/tickets":
                return {"tickets": []}
            if method == "POST":
                return {"ticket": {"id": 35}}
            raise Permanent("zendesk", "no such ticket", status=404)

    desk = ZendeskHelpdesk(cast(ZendeskClient, Client()))
    history = TicketHistory("thread-1", "Order #1042", "7", (NOTE,), ())
    with pytest.raises(Unknowable):
        desk.import_ticket(HelpdeskAccess(1, SUBDOMAIN, ""), history)
