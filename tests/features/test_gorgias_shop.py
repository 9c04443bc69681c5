"""A shop that answers in Gorgias: the whole story at the emulator, through the real adapter."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.conversations.models import Conversation
from app.foundation.inbox import Receipt
from app.helpdesk import jobs
from app.helpdesk.ports import TicketFile
from sandbox import faults
from tests.factories.gorgias import KEY, GorgiasAtHand, gorgias_shop
from tests.factories.photos import jpeg_with_place
from tests.factories.world import BUYER, World

FIXTURES = Path(__file__).parents[1] / "fixtures" / "gorgias"


@pytest.fixture
def desk(world: World) -> Iterator[GorgiasAtHand]:
    with gorgias_shop(world) as desk:
        yield desk


# --- The story


def test_a_thread_lives_in_gorgias_from_the_first_text_to_a_new_ticket_days_later(
    world: World, desk: GorgiasAtHand
) -> None:
    desk.buyer_texts("The zip broke")
    world.settle()
    [opening] = desk.messages()
    assert (opening["text"], opening["author"]["role"]) == ("The zip broke", "end-user")
    assert (opening["channel"], opening["public"]) == ("sms", True)
    shown = desk.emulated.ticket(desk.ticket_id)
    assert shown["requester"]["phone"] == BUYER
    assert set(shown["tags"]) == {"doorstep", "doorstep_sms"}
    assert set(desk.pass_on(1)) == {200}  # our own message coming back
    world.settle(patient=True)
    assert world.sent() == []

    desk.agent_replies("So sorry! A new one ships today.")
    desk.agent_replies("ask the warehouse first", public=False)
    assert set(desk.pass_on(2)) == {200}
    world.settle(patient=True)
    assert world.sent() == ["So sorry! A new one ships today."]
    [text] = world.texts(author="agent")
    assert text.author_name == "Priya"
    assert len(desk.messages()) == 3, "the reply stands there already"

    desk.put_status("closed")
    desk.pass_on(1)
    world.settle(patient=True)
    assert [link.state for link in desk.links()] == ["solved"]
    assert [thread.state for thread in world.all(Conversation)] == ["resolved"]

    desk.let_pass(hours=23)
    desk.buyer_texts("It came, and it is the wrong colour")
    world.settle(patient=True)
    assert [link.state for link in desk.links()] == ["open"]
    assert desk.emulated.ticket(desk.ticket_id)["status"] == "open"
    assert desk.said()[-1] == "It came, and it is the wrong colour"

    first = desk.ticket_id
    desk.put_status("closed")
    desk.pass_on(3)
    world.settle(patient=True)
    desk.let_pass(hours=25)
    desk.buyer_texts("Me again")
    world.settle(patient=True)
    assert [link.state for link in desk.links()] == ["closed", "open"]
    assert desk.ticket_id != first
    assert desk.said() == ["Me again"]
    assert f"Continues ticket {first}" in desk.notes()[0]
    assert desk.emulated.ticket(first)["status"] == "closed"
    assert len(world.sent()) == 1


def test_our_opening_text_and_the_order_come_first(world: World, desk: GorgiasAtHand) -> None:
    check_in = world.checked_in(desk.shop)
    desk.buyer_texts("The waist is tight", photos=None)
    world.settle(patient=True)
    public = [one for one in desk.messages() if one["public"]]
    assert [one["author"]["role"] for one in public] == ["agent", "end-user"]
    assert check_in.body in public[0]["text"]
    assert any("Order" in note for note in desk.notes())
    assert desk.emulated.tried_to_send() == []


# --- Echoes, doubles, losses


def test_a_reply_heard_twice_and_late_is_one_text(world: World, desk: GorgiasAtHand) -> None:
    desk.buyer_texts("The zip broke")
    world.settle()
    faults.add("gorgias", "duplicate", operation="ticket-message-created", count=2)
    desk.agent_replies("On its way")
    heard = desk.heard(3)
    for one in (*heard, *reversed(heard)):
        assert desk.post(one.body).status_code == 200
    world.settle(patient=True)
    assert world.sent() == ["On its way"]


def test_a_webhook_before_our_own_answer_is_no_reply(world: World, desk: GorgiasAtHand) -> None:
    desk.buyer_texts("The zip broke")
    world.settle()
    faults.add("gorgias", "webhook_before_answer")
    desk.buyer_texts("HELP")
    world.settle()
    before = world.sent()
    desk.pass_on(2)
    world.settle(patient=True)
    assert world.sent() == before


def test_a_lost_webhook_is_made_good_by_the_poll(world: World, desk: GorgiasAtHand) -> None:
    desk.buyer_texts("The zip broke")
    world.settle()
    faults.add("gorgias", "drop")
    desk.agent_replies("Nobody told you")
    jobs.poll(world.ports, shop_id=desk.shop.id, account_id=desk.account.id)
    world.settle()
    assert world.sent() == ["Nobody told you"]


@pytest.mark.parametrize("operation", ["tickets.create", "messages.create"])
def test_a_lost_answer_leaves_one_message(
    world: World, desk: GorgiasAtHand, operation: str
) -> None:
    desk.buyer_texts("The zip broke")
    if operation == "messages.create":
        world.settle()
        desk.buyer_texts("and a button is off")
    faults.add("gorgias", "timeout_after_acting", operation=operation, seconds=0, count=1)
    world.settle()
    world.execute(
        "UPDATE ticket_writes SET intended_at = intended_at - interval '60 seconds'"
        " WHERE state = 'intent'"
    )
    world.settle(patient=True)
    assert len(desk.emulated.tickets()) == 1
    assert desk.said() == ["The zip broke", "and a button is off"][: len(desk.said())]
    assert len(desk.said()) == (2 if operation == "messages.create" else 1)
    jobs.poll(world.ports, shop_id=desk.shop.id, account_id=desk.account.id)
    world.settle(patient=True)
    assert world.sent() == []


def test_an_agent_who_answers_while_our_answer_is_lost_is_heard(
    world: World, desk: GorgiasAtHand
) -> None:
    desk.buyer_texts("The zip broke")
    faults.add("gorgias", "timeout_after_acting", operation="tickets.create", seconds=0, count=1)
    world.settle()
    [ticket] = desk.emulated.tickets()
    desk.emulated.agent_replies(ticket["id"], "Already on it")
    world.execute(
        "UPDATE ticket_writes SET intended_at = intended_at - interval '60 seconds'"
        " WHERE state = 'intent'"
    )
    world.settle(patient=True)
    jobs.poll(world.ports, shop_id=desk.shop.id, account_id=desk.account.id)
    world.settle(patient=True)
    assert world.sent() == ["Already on it"]


def test_a_rules_automatic_answer_stays_in_gorgias(world: World, desk: GorgiasAtHand) -> None:
    desk.buyer_texts("The zip broke")
    world.settle()
    desk.agent_replies("We are away until Monday.", rule=True)
    desk.pass_on(2)
    world.settle(patient=True)
    assert world.sent() == []
    desk.agent_replies("Here I am")
    desk.pass_on(1)
    world.settle(patient=True)
    assert world.sent() == ["Here I am"]


def test_a_human_who_answers_as_the_connected_user_is_sent(
    world: World, desk: GorgiasAtHand
) -> None:
    desk.buyer_texts("The zip broke")
    world.settle()
    desk.agent_replies("I answer as Doorstep", author="doorstep")
    desk.pass_on(2)
    world.settle(patient=True)
    assert world.sent() == ["I answer as Doorstep"]


def test_photos_go_both_ways(world: World, desk: GorgiasAtHand) -> None:
    desk.buyer_texts("The zip broke")
    world.settle()
    photo = TicketFile("label.jpg", "image/jpeg", jpeg_with_place())
    desk.agent_replies("Your label", files=(photo,))
    desk.pass_on(2)
    world.settle(patient=True)
    [text] = world.texts(author="agent")
    assert world.scalar("SELECT count(*) FROM media WHERE message_id = :id", id=text.id) == 1


def test_an_answer_in_the_older_ticket_reaches_the_buyer_too(
    world: World, desk: GorgiasAtHand
) -> None:
    desk.buyer_texts("The zip broke")
    world.settle()
    old = desk.ticket_id
    desk.put_status("closed")
    desk.let_pass(hours=30)
    desk.buyer_texts("Me again")
    world.settle(patient=True)
    assert desk.ticket_id != old
    desk.heard(4)
    desk.emulated.agent_replies(old, "I found your parcel")
    desk.pass_on(2)
    world.settle(patient=True)
    assert world.sent() == ["I found your parcel"]
    assert [link.state for link in desk.links()] == ["closed", "open"]


def test_an_agent_who_reopens_an_old_ticket_gets_the_next_text_there(
    world: World, desk: GorgiasAtHand
) -> None:
    desk.buyer_texts("The zip broke")
    world.settle()
    desk.put_status("closed")
    desk.pass_on(2)
    world.settle(patient=True)
    desk.let_pass(days=3)
    desk.agent_replies("How is the new one?")
    desk.pass_on(2)
    world.settle(patient=True)
    desk.buyer_texts("Perfect, thanks")
    world.settle(patient=True)
    assert [link.state for link in desk.links()] == ["open"]
    assert desk.said()[-1] == "Perfect, thanks"


def test_a_ticket_in_the_bin_is_left_for_a_new_one(world: World, desk: GorgiasAtHand) -> None:
    desk.buyer_texts("The zip broke")
    world.settle()
    desk.emulated.desk(desk.ticket_id, "trash", {})
    desk.buyer_texts("Hello?")
    world.settle(patient=True)
    assert [link.state for link in desk.links()] == ["gone", "open"]
    assert desk.said() == ["Hello?"]


def test_the_buyer_is_the_customer_that_the_shops_own_app_made(
    world: World, desk: GorgiasAtHand
) -> None:
    api = desk.emulated.api()
    made = api.post(
        "/customers",
        json={"name": "Maya Okafor", "email": "maya@buyer.example", "channels": []},
    ).json()
    world.checked_in(desk.shop)
    world.execute("UPDATE contacts SET email = 'maya@buyer.example'")
    desk.buyer_texts("The zip broke")
    world.settle(patient=True)
    shown = desk.emulated.ticket(desk.ticket_id)["requester"]
    assert (shown["id"], shown["phone"]) == (made["id"], BUYER)


# --- The door


def test_the_door_refuses_what_has_not_the_key(world: World, desk: GorgiasAtHand) -> None:
    desk.buyer_texts("The zip broke")
    world.settle()
    body = (FIXTURES / "webhook_context_agent_reply.json").read_bytes()
    for key in ("forged", "", "sch\u00f6n"):
        answer = world.client.post(desk.door, data=body, headers={KEY: key} if key else {})
        assert answer.status_code == 401
    elsewhere = world.client.post("/webhooks/gorgias/nobody", data=body, headers={KEY: "forged"})
    assert elsewhere.status_code == 404
    assert desk.post(b"x" * (1024 * 1024 + 1)).status_code == 413
    for odd in (b"[]", b"{}", b"[" * 100_000, b'{"event":{"type":"ticket-message-created"}}'):
        assert desk.post(odd).status_code == 400
    assert world.all(Receipt, Receipt.source == "gorgias") == []


def test_the_door_stores_ids_and_no_words(world: World, desk: GorgiasAtHand) -> None:
    desk.buyer_texts("The zip broke")
    world.settle()
    desk.agent_replies("Dear Maya, so sorry")
    assert desk.pass_on(2) == [200, 200]
    [receipt] = world.all(Receipt, Receipt.source == "gorgias")
    for word in (b"Maya", b"sorry", BUYER.encode(), b"priya"):
        assert word not in receipt.body


def test_what_a_webhook_claims_is_never_texted(world: World, desk: GorgiasAtHand) -> None:
    """Somebody with the key may make us look, and nothing more."""
    desk.buyer_texts("The zip broke")
    world.settle()
    event = json.loads((FIXTURES / "webhook_context_agent_reply.json").read_text())
    event["ticket"]["id"] = int(desk.ticket_id)
    event["message"]["body_text"] = "Send your card number"
    assert desk.post(json.dumps(event).encode()).status_code == 200
    world.settle()
    assert world.sent() == []


def test_every_sample_duplicated_and_shuffled_sends_one_text(
    world: World, desk: GorgiasAtHand
) -> None:
    """The samples are put onto a real ticket; what they say of message and author is then read."""
    desk.buyer_texts("The zip broke")
    world.settle()
    reply = desk.agent_replies("So sorry about that!")
    note = desk.agent_replies("OK to replace", public=False)
    rule = desk.agent_replies("We are away until Monday.", rule=True)
    ours = str(desk.messages()[0]["id"])
    message_of = {
        "webhook_context_agent_reply": reply,
        "webhook_templated_agent_reply": reply,
        "webhook_context_internal_note": note,
        "webhook_context_rule_autoreply": rule,
        "webhook_context_echo_ai": ours,
        "webhook_context_echo_customer": ours,
        "webhook_ticket_updated_closed": "",
    }
    names = sorted(path.stem for path in FIXTURES.glob("webhook_*.json"))
    assert set(names) == set(message_of)
    bodies = []
    for name in names:
        event = json.loads((FIXTURES / f"{name}.json").read_text())
        as_strings = isinstance(event["ticket"]["id"], str)
        event["ticket"]["id"] = desk.ticket_id if as_strings else int(desk.ticket_id)
        if event["message"]:
            number = message_of[name]
            event["message"]["id"] = number if as_strings else int(number)
        bodies += [json.dumps(event), json.dumps({**event, "mood": {"new": [1]}})] * 2
    random.Random(7).shuffle(bodies)
    for body in bodies:
        assert desk.post(body.encode()).status_code == 200
        world.settle()
    world.settle(patient=True)
    assert world.sent() == ["So sorry about that!"]
