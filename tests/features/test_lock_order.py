"""Rows are locked in one order: order, parcels, contact, conversation, promise, ticket, message,
check-in.

Each test holds a row and shows that whoever waits for it holds none that comes later.
"""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa

from app.conversations.models import Conversation, Promise
from app.conversations.promise import promise_answer
from app.conversations.reply import reply_as_agent
from app.conversations.save_hours import save_hours
from app.foundation.errors import Temporary
from app.helpdesk import jobs as helpdesk_jobs
from app.helpdesk.follow_state import follow_ticket
from app.helpdesk.ports import TicketState
from app.messaging.claim import Claimed
from app.messaging.models import Message
from app.messaging.settle import settle_accepted, settle_failure
from app.orders.models import Fulfillment
from app.privacy.redact import redact_contacts
from tests.factories import payloads
from tests.factories.claims import claim_text
from tests.factories.world import World
from tests.factories.zendesk import talking
from tests.features.test_helpdesk_reply import other_ticket
from tests.features.test_send import agent_replies
from tests.features.test_send_together import queued_check_ins

CONTACT = "SELECT FROM contacts FOR UPDATE"
THREAD = "SELECT FROM conversations FOR UPDATE"


def while_held(world: World, held: str, act: Callable[[], object], free: str) -> None:
    """`act` waits for the rows of `held`, and those of `free` can be locked meanwhile."""
    with ThreadPoolExecutor(1) as other:
        with world.db.across_shops("test: holds a row") as session:
            session.sql(held)
            acting = other.submit(act)
            while not world.scalar("SELECT count(*) FROM pg_locks WHERE NOT granted"):
                assert not acting.done(), "it did not wait"
            session.sql(f"{free} FOR UPDATE NOWAIT")
        acting.result()


def test_agents_reply_takes_the_contact_before_the_conversation(world: World) -> None:
    shop = world.shop()
    world.text(shop, "hi")
    world.settle()
    while_held(
        world,
        CONTACT,
        lambda: agent_replies(world, shop.id, "Hello!"),
        "SELECT FROM conversations",
    )
    world.settle()
    assert world.sent() == ["Hello!"]


def test_refused_call_takes_the_contact_before_the_message(world: World) -> None:
    shop = world.shop()
    world.text(shop, "hi")
    world.settle()
    agent_replies(world, shop.id, "Hello!")
    [message] = world.texts(author="agent")
    with world.db.shop(shop.id) as session:
        claimed = claim_text(
            session,
            now=world.clock.now(),
            shop_id=shop.id,
            message_id=message.id,
        )
    assert isinstance(claimed, Claimed)

    def settle() -> None:
        with world.db.shop(shop.id) as session:
            settle_failure(
                session,
                now=world.clock.now(),
                message_id=message.id,
                attempt=claimed.attempt,
                error=Temporary("twilio", "busy"),
            )

    while_held(world, CONTACT, settle, "SELECT FROM messages")
    assert world.all(Message, Message.id == message.id)[0].state == "queued"


def test_settlement_of_several_texts_takes_the_lowest_first(world: World) -> None:
    texts = queued_check_ins(world, 2)
    first, second = (text.id for text in texts)

    def settle() -> None:
        with world.db.shop(texts[0].shop_id) as session:
            # As in a table of some size, where each row is found by its key.
            for way in ("seqscan", "hashjoin", "mergejoin", "material"):
                session.sql(f"SET LOCAL enable_{way} = off")
            taken = {second: "SM" + "2" * 32, first: "SM" + "1" * 32}
            settle_accepted(session, now=world.clock.now(), shop_id=texts[0].shop_id, taken=taken)

    held = f"SELECT FROM messages WHERE id = {first} FOR UPDATE"
    while_held(world, held, settle, f"SELECT FROM messages WHERE id = {second}")
    assert {text.state for text in world.texts(purpose="check_in")} == {"accepted"}


def test_buyer_to_be_forgotten_is_taken_after_their_orders(world: World) -> None:
    shop = world.shop()
    world.order()
    world.settle()
    contact = world.contact()

    def forget() -> None:
        with world.db.shop(shop.id) as session:
            redact_contacts(
                session, now=world.clock.now(), shop_id=shop.id, contact_ids=[contact.id]
            )

    while_held(world, "SELECT FROM orders FOR UPDATE", forget, "SELECT FROM contacts")


def test_cancelled_order_takes_the_text_before_the_check_in(world: World) -> None:
    shop = world.shop()
    world.order()
    world.deliver()
    world.settle()
    world.clock.advance(hours=2, minutes=25)
    world.duty("check_ins")
    at = world.clock.now()
    world.shopify(
        "orders/cancelled",
        payloads.order_payload(5001, updated_at=at, cancelled_at=at.isoformat()),
    )
    world.execute("DELETE FROM outbox WHERE topic = 'messaging.send'")
    while_held(
        world,
        "SELECT FROM messages WHERE direction = 'out' FOR UPDATE",
        world.settle,
        "SELECT FROM check_ins",
    )
    assert [c.state for c in world.check_ins()] == ["cancelled"]
    assert world.texts(shop_id=shop.id)[0].state == "cancelled"


def test_assumed_arrival_leaves_a_parcel_whose_order_is_held(world: World) -> None:
    world.shop()
    world.order()
    world.shopify(
        "fulfillments/create",
        payloads.fulfillment_payload(5001, 9001, at=world.clock.now(), shipment_status=None),
    )
    world.settle()
    world.clock.advance(days=8)
    with world.db.across_shops("test: holds the order") as session:
        session.sql("SELECT FROM orders FOR UPDATE")
        world.duty("arrivals")
        assert [p.delivered_at for p in world.all(Fulfillment)] == [None]
    world.duty("arrivals")
    assert [p.delivered_by for p in world.all(Fulfillment)] == ["days_after_shipping"]


@pytest.mark.parametrize("news", ["solved", "merged"])
def test_tickets_news_takes_the_conversation_before_the_ticket(world: World, news: str) -> None:
    """As an agent's reply does, which often comes in the same moment."""
    desk = talking(world)
    link = desk.link()
    ticket = desk.ticket_id
    if news == "merged":
        ticket = other_ticket(world, desk)
        world.helpdesk.merge(desk.ticket_id, ticket)
    world.helpdesk.put_state(ticket, TicketState.SOLVED)
    while_held(
        world,
        THREAD,
        lambda: follow_ticket(world.ports, shop_id=desk.shop.id, link_id=link.id),
        "SELECT FROM ticket_links",
    )
    assert [thread.state for thread in world.all(Conversation)] == ["resolved"]


def test_mirror_takes_the_conversation_before_the_ticket_it_has_written_to(world: World) -> None:
    desk = talking(world)
    desk.text("And it is scratched")
    written, go_on = threading.Event(), threading.Event()

    class Waits:
        """The helpdesk takes the comment, and answers when it is told to."""

        def __getattr__(self, name: str) -> object:
            return getattr(world.helpdesk, name)

        def add_comment(self, *args: object, **kwargs: object) -> object:
            answer = world.helpdesk.add_comment(*args, **kwargs)  # type: ignore[arg-type]
            written.set()
            assert go_on.wait(10)
            return answer

    ports = dataclasses.replace(world.ports, helpdesks={"zendesk": Waits()})  # type: ignore[dict-item]
    thread = world.all(Conversation)[0].id
    with ThreadPoolExecutor(1) as other:
        mirroring = other.submit(
            helpdesk_jobs.mirror, ports, shop_id=desk.shop.id, conversation_id=thread
        )
        assert written.wait(10)

        def settle() -> None:
            world.clock.advance(seconds=1)  # so that there is something to write to the link
            go_on.set()
            mirroring.result()

        while_held(world, THREAD, settle, "SELECT FROM ticket_links")
    assert desk.said()[-1] == "And it is scratched"


def test_broken_promise_is_taken_after_the_contact_and_the_conversation(world: World) -> None:
    """As an agent's reply does, which keeps it."""
    desk = talking(world)
    with world.db.shop(desk.shop.id) as session:
        save_hours(
            session,
            now=world.clock.now(),
            shop_id=desk.shop.id,
            actor="test",
            changes={"agent_hours": {"mon_fri": "08:00-18:00"}},
        )
    desk.text("Can I talk to a person?")
    world.settle()
    world.clock.advance(minutes=11)
    while_held(world, THREAD, lambda: world.duty("promises"), "SELECT FROM promises")
    assert [one.state for one in world.all(Promise)] == ["broken", "open"]


def test_promise_is_not_broken_while_an_agent_is_answering(world: World) -> None:
    desk = talking(world)
    with world.db.shop(desk.shop.id) as session:
        thread = session.scalars(sa.select(Conversation)).one()
        promise_answer(session, thread, now=world.clock.now(), due_at=world.clock.now())
    world.clock.advance(minutes=1)

    with ThreadPoolExecutor(1) as other:
        with world.db.shop(desk.shop.id) as session:
            reply_as_agent(
                session,
                now=world.clock.now(),
                conversation_id=world.all(Conversation)[0].id,
                body="Here I am",
                agent_name="Priya",
                key="test:1",
            )
            breaking = other.submit(world.duty, "promises")
            while not world.scalar("SELECT count(*) FROM pg_locks WHERE NOT granted"):
                assert not breaking.done(), "it did not wait"
        breaking.result()
    assert [one.state for one in world.all(Promise)] == ["kept"]
