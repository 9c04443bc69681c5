"""What an agent does from the page beside a ticket."""

from __future__ import annotations

from decimal import Decimal

import pytest

from app.conversations.models import Conversation
from app.desk.api import PACE, REPLY_PACE
from app.foundation.audit import AuditEntry
from app.helpdesk.ports import TicketState
from tests.factories.desk import AgentsPage, in_zendesk
from tests.factories.world import BUYER, World
from tests.factories.zaf import AGENT_ID
from tests.factories.zendesk import ZendeskAtHand, talking

ACTOR = f"agent:zendesk:{AGENT_ID}"
KEY = "0b9a3c1e-7f64-4d0e-9a37-7d3f2d9f4f10"


@pytest.fixture
def desk(world: World) -> ZendeskAtHand:
    return talking(world)


@pytest.fixture
def page(world: World, desk: ZendeskAtHand) -> AgentsPage:
    return in_zendesk(world)


@pytest.fixture
def thread(desk: ZendeskAtHand) -> int:
    return desk.link().conversation_id


def test_reply_is_texted_and_stands_in_the_ticket_under_the_agents_name(
    world: World, desk: ZendeskAtHand, page: AgentsPage, thread: int
) -> None:
    answer = page.reply(thread, "A new zip is on its way.", name="Priya Raman")
    assert answer.status_code == 201
    world.settle()
    assert world.sent()[-1] == "A new zip is on its way."
    [text] = world.texts(author="agent")
    assert answer.get_json() == {"message_ids": [text.id]}
    assert (text.author_name, text.written_by) == ("Priya", ACTOR)
    said = desk.said()[-1]
    assert "Priya via Doorstep:" in said and "A new zip is on its way." in said
    shown = page.thread(ticket_id=desk.ticket_id)
    assert shown["waiting_since"] is None
    assert shown["messages"][-1]["author_name"] == "Priya"


def test_reply_to_a_solved_ticket_leaves_thread_and_ticket_as_they_are(
    world: World, desk: ZendeskAtHand, page: AgentsPage, thread: int
) -> None:
    world.helpdesk.put_state(desk.ticket_id, TicketState.SOLVED)
    desk.tell_state("solved")
    world.settle()
    page.reply(thread, "One more thing: it is on its way.")
    world.settle()
    assert world.sent()[-1].startswith("One more thing")
    assert (world.all(Conversation)[0].state, desk.link().state) == ("resolved", "solved")


def test_same_key_is_one_reply_whatever_else_is_said(
    world: World, page: AgentsPage, thread: int
) -> None:
    first = page.reply(thread, "Hello!", key=KEY)
    again = page.reply(thread, "Hello again!", key=KEY.upper())
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.get_json() == again.get_json()
    world.settle()
    assert world.sent().count("Hello!") == 1 and "Hello again!" not in world.sent()
    # Also when the thread was ended meanwhile: a late repetition does not open it.
    page.call("POST", f"/threads/{thread}/resolve", json={})
    assert page.reply(thread, "Hello!", key=KEY).status_code == 200
    assert world.all(Conversation)[0].state == "resolved"


def test_long_reply_goes_in_parts_that_one_key_names(
    world: World, page: AgentsPage, thread: int
) -> None:
    long = "A sentence of some words. " * 80
    first = page.reply(thread, long, key=KEY)
    assert len(first.get_json()["message_ids"]) == 2
    assert page.reply(thread, long, key=KEY).get_json() == first.get_json()


def test_reply_after_an_opt_out_is_refused_in_a_sentence_and_nothing_is_stored(
    world: World, desk: ZendeskAtHand, page: AgentsPage, thread: int
) -> None:
    desk.text("STOP")
    answer = page.reply(thread, "Sorry to see you go")
    assert (answer.status_code, answer.get_json()) == (
        409,
        {
            "error": "opted_out",
            "message": "Nothing was sent. The buyer has opted out of texts from you.",
        },
    )
    assert world.texts(author="agent") == []


def test_reply_outside_lawful_hours_is_taken_and_waits(
    world: World, desk: ZendeskAtHand, thread: int
) -> None:
    world.clock.advance(days=2, hours=9)
    page = in_zendesk(world)
    assert page.reply(thread, "Good news!").status_code == 201
    world.settle()
    assert "Good news!" not in world.sent()
    assert page.thread(ticket_id=desk.ticket_id)["messages"][-1]["state"] == "held"


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("Hi {{first_name}}, …", "placeholder"),
        ("{{ ticket.id }}", "placeholder"),
        ("{% if x %}", "placeholder"),
        ("  \n ", "text"),
        ("x" * 4801, "text"),
        ("nul\0", "text"),
    ],
)
def test_what_no_buyer_should_read_is_not_sent(
    world: World, page: AgentsPage, thread: int, text: str, error: str
) -> None:
    answer = page.reply(thread, text)
    assert answer.get_json()["error"] == error
    assert answer.status_code == (409 if error == "placeholder" else 400)
    assert world.texts(author="agent") == []


@pytest.mark.parametrize("body", [None, [], {"text": "x"}, {"text": 1}, {"text": "x", "key": "1"}])
def test_reply_that_is_no_reply_is_a_fault_of_the_page(
    world: World, page: AgentsPage, thread: int, body: object
) -> None:
    answer = page.call("POST", f"/threads/{thread}/replies", json=body)
    assert answer.status_code == 400 and answer.get_json()["message"]
    assert world.texts(author="agent") == []


def test_opt_out_is_in_force_at_once_and_its_evidence_names_the_agent(
    world: World, desk: ZendeskAtHand, page: AgentsPage, thread: int
) -> None:
    page.reply(thread, "One moment")
    answer = page.call("POST", f"/threads/{thread}/opt-out", json={})
    assert answer.status_code == 200 and "START" in answer.get_json()["message"]
    world.settle()
    assert "One moment" not in world.sent()
    assert world.contact().opted_out_at is not None
    evidence = world.scalar("SELECT evidence FROM consent_events WHERE action = 'revoked'")
    assert evidence == {"by": ACTOR, "reason": "told to an agent in the helpdesk"}
    # Once is enough, and what was so stays so.
    assert page.call("POST", f"/threads/{thread}/opt-out", json={}).status_code == 200
    assert world.scalar("SELECT count(*) FROM consent_events WHERE action = 'revoked'") == 1


def test_thread_is_taken_handed_back_ended_and_opened_again_with_who_did_it(
    world: World, desk: ZendeskAtHand, page: AgentsPage, thread: int
) -> None:
    def do(what: str) -> tuple[str, str]:
        answer = page.call("POST", f"/threads/{thread}/{what}", json={})
        assert answer.status_code == 200
        shown = answer.get_json()
        assert shown["conversation_id"] == thread
        return shown["handled_by"], shown["state"]

    assert do("hand-back") == ("assistant", "open")
    assert do("take-over") == ("agent", "open")
    assert do("resolve") == ("assistant", "resolved")
    assert do("resolve") == ("assistant", "resolved")  # a second press is noted no second time
    world.settle()
    assert desk.link().state == "solved"
    assert do("reopen") == ("assistant", "open")
    world.settle()
    assert desk.link().state == "open"
    noted = world.all(AuditEntry, AuditEntry.action.like("thread.%"))
    assert [(one.action, one.actor, one.subject) for one in noted] == [
        (f"thread.{what}", ACTOR, f"conversation:{thread}")
        for what in ("handed_back", "taken_over", "resolved", "reopened")
    ]


def test_estimate_counts_what_will_be_billed(world: World, page: AgentsPage, thread: int) -> None:
    def asked(text: str) -> dict[str, object]:
        answer = page.call("POST", f"/threads/{thread}/estimate", json={"text": text})
        said: dict[str, object] = answer.get_json()
        return said

    assert asked("x" * 171) == {
        "segments": 2, "encoding": "GSM-7", "characters": 171, "texts": 1, "cost": None
    }  # fmt: skip
    world.redeploy(segment_price=Decimal("0.0079"))
    page = in_zendesk(world)
    assert asked("x" * 171)["cost"] == "0.0158 USD"
    assert asked("Süß 🙂")["encoding"] == "UCS-2"
    assert asked("") == {
        "segments": 0, "encoding": "GSM-7", "characters": 0, "texts": 0, "cost": "0.0000 USD"
    }  # fmt: skip
    assert asked("A sentence of some words. " * 80)["texts"] == 2
    too_long = page.call("POST", f"/threads/{thread}/estimate", json={"text": "x" * 4801})
    assert (too_long.status_code, too_long.get_json()["error"]) == (400, "text")


def test_session_that_calls_too_often_waits_and_others_go_on(
    world: World, desk: ZendeskAtHand, page: AgentsPage, thread: int
) -> None:
    for _ in range(int(REPLY_PACE.split()[0])):
        assert page.reply(thread, "Hello", key=KEY).status_code in (200, 201)
    refused = page.reply(thread, "Hello", key=KEY)
    assert (refused.status_code, refused.get_json()["error"]) == (429, "too_many")
    assert int(refused.headers["Retry-After"]) > 0
    page.thread(ticket_id=desk.ticket_id)  # only replies are spent
    for _ in range(int(PACE.split()[0])):
        last = page.call("POST", f"/threads/{thread}/estimate", json={"text": ""})
    assert last.status_code == 429
    assert in_zendesk(world).reply(thread, "Hello").status_code == 201


def test_buyer_is_never_told_by_a_log(
    world: World, page: AgentsPage, thread: int, capfd: pytest.CaptureFixture[str]
) -> None:
    page.reply(thread, "Dear secret friend")
    page.call("POST", f"/threads/{thread}/opt-out", json={})
    said = "".join(capfd.readouterr())
    assert "secret friend" not in said and BUYER not in said
