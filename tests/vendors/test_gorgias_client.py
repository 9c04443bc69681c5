"""Limits, failures of the line, people, files, integrations: Gorgias's adapter at the emulator."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from app.foundation.errors import Permanent, Temporary, Unknowable
from app.helpdesk.ports import (
    Author,
    Comment,
    HelpdeskAccess,
    HookKind,
    Numbers,
    Requester,
    TicketClosed,
    TicketDraft,
    TicketGone,
    TicketState,
    Writer,
)
from app.vendors.gorgias.client import GorgiasClient
from app.vendors.gorgias.helpdesk import GorgiasHelpdesk
from app.vendors.gorgias.subscriptions import KEY_HEADER
from app.vendors.gorgias.webhooks import is_genuine, parse, slim
from sandbox import clock, faults
from tests.contracts.helpdesk_drivers import SandboxClock
from tests.vendors.gorgias_sandbox import SUBDOMAIN, EmulatedGorgias, running
from tests.vendors.test_zendesk_client import somewhere
from tests.vendors.zendesk_sandbox import listening

DANA = Requester("c-1", "Dana Whitfield", "+14155550142")
NUMBERS = Numbers(buyer="+14155550142", shop="+12025550188")
HELLO = Comment(Author.CONTACT, ("Hello?",), numbers=NUMBERS)
NOTE = Comment(Author.SYSTEM, ("Order #1042",), public=False)


@pytest.fixture
def gorgias() -> Iterator[EmulatedGorgias]:
    with running() as emulated:
        yield emulated


def desk_of(gorgias: EmulatedGorgias) -> GorgiasHelpdesk:
    return at_address(gorgias.url.replace(SUBDOMAIN, "{subdomain}"))


def at_address(base_url: str) -> GorgiasHelpdesk:
    return GorgiasHelpdesk(GorgiasClient(base_url=base_url, clock=SandboxClock()), SandboxClock())


def access(gorgias: EmulatedGorgias) -> HelpdeskAccess:
    return HelpdeskAccess(1, SUBDOMAIN, gorgias.grant()["access_token"], "118")


def open_ticket(desk: GorgiasHelpdesk, at: HelpdeskAccess, name: str = "thread-1") -> str:
    requester = desk.find_or_make_requester(at, DANA)
    draft = TicketDraft(name, f"{name}:open", "Order #1042", requester, HELLO, ("doorstep",))
    return desk.open_ticket(at, draft).ticket_id


def add(desk: GorgiasHelpdesk, at: HelpdeskAccess, ticket: str, comment: Comment) -> str:
    requester = desk.find_or_make_requester(at, DANA)
    return desk.add_comment(at, ticket, comment, requester_id=requester).comment_id


# Messages


def test_nothing_that_we_write_is_ever_sent_by_gorgias(gorgias: EmulatedGorgias) -> None:
    desk, at = desk_of(gorgias), access(gorgias)
    ticket = open_ticket(desk, at)
    for author in Author:
        add(desk, at, ticket, Comment(author, (f"by {author}",), numbers=NUMBERS))
        add(desk, at, ticket, Comment(author, (f"note of {author}",), public=False))
    follow_up = TicketDraft(
        "thread-2", "2", "More", desk.find_or_make_requester(at, DANA), HELLO, (), ticket
    )
    other = desk.open_ticket(at, follow_up).ticket_id
    shown = gorgias.ticket(ticket)["comments"] + gorgias.ticket(other)["comments"]
    assert len(shown) == 1 + 2 * len(Author) + 2
    assert all(one["sent_at"] and not one["failed_at"] for one in shown)
    assert gorgias.tried_to_send() == []


def test_a_text_says_between_which_numbers_it_went(gorgias: EmulatedGorgias) -> None:
    desk, at = desk_of(gorgias), access(gorgias)
    ticket = open_ticket(desk, at)
    add(desk, at, ticket, Comment(Author.ASSISTANT, ("Hi",), numbers=NUMBERS))
    add(desk, at, ticket, Comment(Author.AGENT, ("no number known",)))
    said = gorgias.api().get("/messages", params={"ticket_id": ticket}).json()["data"]
    unknown, ours, theirs = (one["source"] for one in said)
    assert theirs == {
        "type": "sms",
        "from": {"address": NUMBERS.buyer},
        "to": [{"address": NUMBERS.shop}],
    }
    assert (ours["from"], ours["to"]) == (theirs["to"][0], [theirs["from"]])
    assert unknown is None


def test_who_wrote_a_message_is_told_apart(gorgias: EmulatedGorgias) -> None:
    desk, at = desk_of(gorgias), access(gorgias)
    ticket = open_ticket(desk, at)
    gorgias.agent_replies(ticket, "typed")
    gorgias.agent_replies(ticket, "automatic", rule=True)
    gorgias.agent_replies(ticket, "typed by the connected user", author="doorstep")
    gorgias.api().post(
        f"/tickets/{ticket}/messages",
        json={
            "channel": "sms",
            "via": "api",
            "from_agent": True,
            "sender": {"id": 118},
            "sent_datetime": "2026-11-20T17:10:05Z",
            "body_text": "by our user through the API, without an id of ours",
        },
    )
    read = desk.read_comments_since(at, ticket, None)
    assert [one.writer for one in read] == [
        Writer.PROGRAM,
        Writer.PERSON,
        Writer.RULE,
        Writer.PERSON,
        Writer.PROGRAM,
    ]


def test_a_long_thread_is_read_to_its_end(gorgias: EmulatedGorgias) -> None:
    at = access(gorgias)
    gorgias.plan(metered=False)
    desk = desk_of(gorgias)
    ticket = open_ticket(desk, at)
    for number in range(104):
        gorgias.agent_replies(ticket, f"number {number}")
    everything = desk.read_comments_since(at, ticket, None)
    ids = [int(one.comment_id) for one in everything]
    assert len(ids) == 105
    assert ids == sorted(ids)
    since = desk.read_comments_since(at, ticket, everything[1].comment_id)
    assert [one.comment_id for one in since] == [one.comment_id for one in everything[2:]]


# Open and closed


def test_a_closed_ticket_takes_more_for_a_day_and_then_none(gorgias: EmulatedGorgias) -> None:
    desk, at = desk_of(gorgias), access(gorgias)
    ticket = open_ticket(desk, at)
    desk.set_state(at, ticket, TicketState.SOLVED)
    clock.advance(23 * 3600 + 3500)
    add(desk, at, ticket, NOTE)
    assert gorgias.ticket(ticket)["status"] == "closed", "a note alone opens nothing"
    add(desk, at, ticket, HELLO)
    assert gorgias.ticket(ticket)["status"] == "open"
    desk.set_state(at, ticket, TicketState.SOLVED)
    clock.advance(24 * 3600 + 60)
    at = access(gorgias)
    for comment in (NOTE, HELLO):
        with pytest.raises(TicketClosed):
            add(desk, at, ticket, comment)
    assert desk.read_status(at, ticket).state is TicketState.SOLVED
    gorgias.agent_replies(ticket, "I look again")
    assert desk.read_comments_since(at, ticket, None)[-1].text == "I look again"
    add(desk, at, ticket, HELLO)


def test_a_ticket_in_the_bin_is_gone(gorgias: EmulatedGorgias) -> None:
    desk, at = desk_of(gorgias), access(gorgias)
    ticket = open_ticket(desk, at)
    gorgias.desk(ticket, "trash", {})
    with pytest.raises(TicketGone):
        add(desk, at, ticket, HELLO)
    with pytest.raises(TicketGone):
        desk.read_status(at, ticket)
    assert desk.find_ticket(at, "thread-1") is None


# Limits


def test_a_full_account_waits_and_asks_no_more(gorgias: EmulatedGorgias) -> None:
    desk, at = desk_of(gorgias), access(gorgias)
    ticket = open_ticket(desk, at)
    with pytest.raises(Temporary) as raised:
        for _ in range(100):
            desk.read_status(at, ticket)
    assert (raised.value.code, raised.value.status) == ("waiting", 429), "the bucket was full"
    faults.add("gorgias", "cut_connection")
    with pytest.raises(Temporary) as waiting:
        desk.read_status(at, ticket)
    assert waiting.value.code == "waiting"
    faults.clear()
    clock.advance(21)
    assert desk.read_status(at, ticket)


def test_a_429_is_waited_out_by_everybody(gorgias: EmulatedGorgias) -> None:
    desk, at = desk_of(gorgias), access(gorgias)
    faults.add("gorgias", "429", retry_after=5, count=1)
    with pytest.raises(Temporary) as raised:
        desk.who_am_i(at)
    assert raised.value.retry_after == 5
    clock.advance(4)
    with pytest.raises(Temporary) as still:
        desk.find_or_make_requester(at, DANA)
    assert still.value.code == "waiting"
    clock.advance(2)
    assert desk.find_or_make_requester(at, DANA)


# The line


def test_a_message_that_met_a_5xx_may_have_been_written(gorgias: EmulatedGorgias) -> None:
    desk, at = desk_of(gorgias), access(gorgias)
    ticket = open_ticket(desk, at)
    faults.add("gorgias", "5xx_after_acting", operation="messages.create", count=1)
    with pytest.raises(Unknowable):
        add(desk, at, ticket, HELLO)
    assert len(desk.read_comments_since(at, ticket, None)) == 2


def test_reading_is_tried_once_more_and_then_later(gorgias: EmulatedGorgias) -> None:
    desk, at = desk_of(gorgias), access(gorgias)
    ticket = open_ticket(desk, at)
    faults.add("gorgias", "cut_connection", operation="tickets.show", count=1)
    assert desk.read_status(at, ticket).ticket_id == ticket
    faults.add("gorgias", "cut_connection", operation="tickets.show", count=2)
    with pytest.raises(Temporary):
        desk.read_status(at, ticket)


def test_an_opening_whose_messages_cannot_be_read_is_unknowable(gorgias: EmulatedGorgias) -> None:
    desk, at = desk_of(gorgias), access(gorgias)
    faults.add("gorgias", "5xx", operation="messages.list", count=1)
    with pytest.raises(Unknowable):
        open_ticket(desk, at)
    found = desk.find_ticket(at, "thread-1")
    assert found is not None
    assert open_ticket(desk, at) == found.ticket_id


def test_what_an_agent_wrote_since_is_not_taken_for_the_opening(gorgias: EmulatedGorgias) -> None:
    desk, at = desk_of(gorgias), access(gorgias)
    ticket = open_ticket(desk, at)
    gorgias.agent_replies(ticket, "Already on it")
    found = desk.find_ticket(at, "thread-1")
    assert found is not None
    assert len(found.comment_ids) == 1


def test_no_connection_is_certain() -> None:
    desk = at_address("http://127.0.0.1:9/gorgias/{subdomain}")
    with pytest.raises(Temporary) as raised:
        desk.add_comment(HelpdeskAccess(1, SUBDOMAIN, "t"), "1", NOTE, requester_id="0")
    assert raised.value.code == "no_connection"


# People


def channels(gorgias: EmulatedGorgias, customer_id: str) -> set[tuple[str, str]]:
    shown = gorgias.api().get(f"/customers/{customer_id}").json()
    return {(one["type"], one["address"]) for one in shown["channels"]}


def test_a_customer_known_by_email_is_given_the_number(gorgias: EmulatedGorgias) -> None:
    desk, at = desk_of(gorgias), access(gorgias)
    held = [{"type": "email", "address": "dana@buyer.example", "preferred": True}]
    made = gorgias.api().post(
        "/customers", json={"name": "Dana", "email": "dana@buyer.example", "channels": held}
    )
    with_email = replace(DANA, email="Dana@buyer.example")
    found = desk.find_or_make_requester(at, with_email)
    assert found == str(made.json()["id"])
    assert channels(gorgias, found) == {
        ("email", "dana@buyer.example"),
        ("phone", "+14155550142"),
    }
    assert desk.find_or_make_requester(at, with_email) == found


def test_a_number_that_another_customer_has_stays_theirs(gorgias: EmulatedGorgias) -> None:
    desk, at = desk_of(gorgias), access(gorgias)
    first = desk.find_or_make_requester(at, DANA)
    gorgias.api().post("/customers", json={"email": "sam@buyer.example", "channels": []})
    sam = Requester("c-2", "Sam", DANA.phone, "sam@buyer.example")
    second = desk.find_or_make_requester(at, sam)
    assert second != first
    assert ("phone", DANA.phone) in channels(gorgias, first)
    assert ("phone", DANA.phone) not in channels(gorgias, second)


# Files


def test_a_file_is_followed_to_gorgias_alone(gorgias: EmulatedGorgias) -> None:
    at = HelpdeskAccess(1, SUBDOMAIN, "token")
    with somewhere("/elsewhere") as (stranger, shown):
        with somewhere(f"{stranger}/file") as (home, shown_home):
            desk = at_address(home)
            with pytest.raises(Permanent) as raised:
                desk.fetch_file(at, f"{home}/_files/x/a.png", max_bytes=9)
            assert raised.value.code == "foreign_address"
            assert shown_home == ["Bearer token"]
        assert shown == []


@pytest.mark.parametrize(
    "url",
    [
        "https://uploads.gorgias.io.evil.example/a.png",
        "https://gorgias.io.evil.example/",
        "http://uploads.gorgias.io/a.png",
        "https://evilgorgias.io/a.png",
        "file:///etc/passwd",
        "https://169.254.169.254/latest",
        "",
    ],
)
def test_a_foreign_address_is_never_fetched(url: str) -> None:
    desk = at_address("https://{subdomain}.gorgias.com")
    with pytest.raises(Permanent) as raised:
        desk.fetch_file(HelpdeskAccess(1, SUBDOMAIN, "token"), url, max_bytes=9)
    assert raised.value.code == "foreign_address"


# Integrations


def test_our_door_understands_what_gorgias_tells(gorgias: EmulatedGorgias) -> None:
    desk, at = desk_of(gorgias), access(gorgias)
    ticket = open_ticket(desk, at)
    with listening() as door:
        secret = desk.subscribe(at, door.url).secret
        reply = gorgias.agent_replies(ticket, "On its way!")
        door.wait(1)
        gorgias.desk(ticket, "status", {"status": "closed"})
        heard = door.wait(2)
    hooks = []
    for one in heard:
        assert is_genuine(secret, one.headers[KEY_HEADER])
        hooks.append(parse(slim(one.body, heard_at="now")))
    replied, closed = hooks
    assert (replied.kind, replied.ticket_id, replied.comment_id) == (
        HookKind.COMMENT_ADDED,
        ticket,
        reply,
    )
    assert replied.asks_something
    assert (closed.kind, closed.state) == (HookKind.STATE_CHANGED, TicketState.SOLVED)


def test_the_sidebar_and_its_widget_come_and_go_with_the_door(gorgias: EmulatedGorgias) -> None:
    desk, at, api = desk_of(gorgias), access(gorgias), gorgias.api()
    endpoint = "https://app.doorstep.example/webhooks/gorgias/door"
    hook = desk.subscribe(at, endpoint)
    desk.subscribe(at, endpoint)
    there = api.get("/integrations").json()["data"]
    assert [one["http"]["method"] for one in there] == ["POST", "GET"]
    assert there[1]["http"]["url"].startswith(f"{endpoint}/sidebar?ticket={{{{ticket.id}}}}")
    assert {one["http"]["headers"][KEY_HEADER] for one in there} == {hook.secret}
    [widget] = api.get("/widgets").json()["data"]
    assert widget["integration_id"] == there[1]["id"]
    desk.unsubscribe(at, hook.webhook_id)
    assert api.get("/integrations").json()["data"] == []
    assert api.get("/widgets").json()["data"] == []
