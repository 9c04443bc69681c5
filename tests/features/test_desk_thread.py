"""What an agent sees of a thread beside its ticket."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
import sqlalchemy as sa

from app.foundation.audit import AuditEntry, record_read_once
from app.foundation.db import Session
from app.messaging.models import Media
from tests.factories import payloads
from tests.factories.desk import AgentsPage, in_zendesk
from tests.factories.world import BUYER, World
from tests.factories.zaf import AGENT_ID
from tests.factories.zendesk import ZendeskAtHand, talking

ACTOR = f"agent:zendesk:{AGENT_ID}"


@pytest.fixture
def desk(world: World) -> ZendeskAtHand:
    return talking(world)


@pytest.fixture
def page(world: World, desk: ZendeskAtHand) -> AgentsPage:
    return in_zendesk(world)


def test_thread_is_found_by_its_ticket_and_told_whole(
    world: World, desk: ZendeskAtHand, page: AgentsPage
) -> None:
    shown = page.thread(ticket_id=desk.ticket_id)
    assert shown["conversation_id"] == desk.link().conversation_id
    assert (shown["state"], shown["handled_by"], shown["urgent"]) == ("open", "agent", False)
    assert shown["waiting_since"] == world.clock.now().isoformat()
    assert shown["buyer"] == {
        "name": "Maya Okafor",
        "first_name": "Maya",
        "phone": BUYER,
        "phone_shown": "(415) 555-0142",
        "shared_phone": False,
        "local_time": f"{world.clock.now() - timedelta(hours=8):%H:%M}",
        "local_zone": "PST",
        "place": "Oregon",
    }
    check_in, answer = shown["messages"]
    assert (check_in["author"], check_in["direction"], check_in["state"]) == (
        "system", "out", "accepted"
    )  # fmt: skip
    assert (answer["author"], answer["body"], answer["state"]) == (
        "contact", "The zip broke", "received"
    )  # fmt: skip
    assert (shown["more"], shown["promises"], shown["draft"]) == (False, [], None)
    assert shown["abilities"] == ["reply", "opt_out", "resolve"]


def test_order_is_shown_with_sizes_parcels_and_links_of_the_web_only(
    world: World, desk: ZendeskAtHand, page: AgentsPage
) -> None:
    world.execute("UPDATE order_lines SET image_url = 'javascript:alert(1)'")
    world.execute("UPDATE orders SET status_page_url = 'https://acme.example/o/1'")
    world.order(5002)
    world.settle()
    shown = page.thread(ticket_id=desk.ticket_id)
    order = shown["order"]
    assert (order["name"], order["status"]) == ("#5001", "paid")
    assert order["admin_url"].endswith("/store/acme-outfitters/orders/5001")
    assert order["status_page_url"] == "https://acme.example/o/1"
    [line] = order["lines"]
    assert line["quantity"] == 1 and line["image_url"] is None and line["title"]
    [parcel] = order["parcels"]
    assert parcel["state"] == "arrived" and parcel["words"].startswith("Arrived 19 Nov 2026")
    assert [one["name"] for one in shown["other_orders"]] == ["#5002"]


@pytest.mark.parametrize(
    ("said", "state"),
    [("in_transit", "on_the_way"), ("failure", "problem"), ("delayed", "problem")],
)
def test_parcel_that_has_not_arrived_is_on_its_way_or_a_problem(
    world: World, desk: ZendeskAtHand, page: AgentsPage, said: str, state: str
) -> None:
    world.execute(
        "UPDATE fulfillments SET delivered_at = NULL, shipment_status = :said,"
        " shipped_at = '2026-11-18T10:00Z'",
        said=said,
    )
    [parcel] = page.thread(ticket_id=desk.ticket_id)["order"]["parcels"]
    assert parcel["state"] == state


def test_consent_shows_its_wording_and_what_permission_says(
    world: World, desk: ZendeskAtHand, page: AgentsPage
) -> None:
    consent = page.thread(ticket_id=desk.ticket_id)["consent"]
    assert (consent["state"], consent["source"]) == ("granted", "checkout_attribute")
    assert consent["wording"] == payloads.WORDING
    assert consent["evidence_id"] == f"c-{world.scalar('SELECT max(id) FROM consent_events')}"
    assert consent["may_text"]["verdict"] == "yes"
    # Two days later nobody waits for an answer, and it is night in Portland.
    world.clock.advance(days=2, hours=9)
    page = in_zendesk(world)
    later = page.thread(ticket_id=desk.ticket_id)
    assert later["consent"]["may_text"]["verdict"] == "later"
    assert later["consent"]["may_text"]["words"].startswith("Held until Sun 12:00")
    assert later["clock"] == {
        "open": False,
        "opens_at": "2026-11-22T20:00:00+00:00",
        "closes_at": "2026-11-23T02:00:00+00:00",
        "words": "Check-ins may go from Sun 12:00 their time.",
    }


def test_buyers_latest_order_is_the_one_placed_last_whenever_we_heard_of_it(
    world: World, desk: ZendeskAtHand, page: AgentsPage
) -> None:
    shown = page.thread(ticket_id=desk.ticket_id)
    latest = shown["order"]["name"]
    world.execute("UPDATE conversations SET order_id = NULL")
    for order_id, placed in ((5002, "placed_at - interval '1 year'"), (5003, "NULL")):
        world.order(order_id)
        world.settle()
        world.execute(f"UPDATE orders SET placed_at = {placed} WHERE shopify_id = :id", id=order_id)
    shown = page.thread(ticket_id=desk.ticket_id)
    assert shown["order"]["name"] == latest
    assert len(shown["other_orders"]) == 2


def test_clock_says_until_when_check_ins_may_go(desk: ZendeskAtHand, page: AgentsPage) -> None:
    clock = page.thread(ticket_id=desk.ticket_id)["clock"]
    assert clock["open"] and clock["opens_at"] is None
    assert clock["words"] == "Check-ins may go until 20:00 their time."


def test_after_an_opt_out_it_is_told_and_nothing_can_be_sent(
    world: World, desk: ZendeskAtHand, page: AgentsPage
) -> None:
    desk.text("STOP")
    world.settle()
    shown = page.thread(ticket_id=desk.ticket_id)
    assert shown["consent"]["state"] == "opted_out"
    assert shown["consent"]["may_text"] == {
        "verdict": "no", "until": None, "words": "The buyer has opted out of texts from you."
    }  # fmt: skip
    assert shown["abilities"] == ["resolve"]


def test_shared_phone_is_nobodys_by_name(
    world: World, desk: ZendeskAtHand, page: AgentsPage
) -> None:
    world.execute("UPDATE contacts SET shared_phone = true")
    buyer = page.thread(ticket_id=desk.ticket_id)["buyer"]
    assert (buyer["shared_phone"], buyer["name"], buyer["first_name"]) == (True, None, None)


def test_text_that_failed_says_why_and_one_that_waits_until_when(
    world: World, desk: ZendeskAtHand, page: AgentsPage
) -> None:
    conversation = desk.link().conversation_id
    page.reply(conversation, "One")
    page.reply(conversation, "Two")
    world.execute(
        "UPDATE messages SET state = 'undelivered', error_code = '30003' WHERE body = 'One'"
    )
    world.execute(
        "UPDATE messages SET state = 'queued', not_before = '2026-11-20T18:00Z' WHERE body = 'Two'"
    )
    *_, one, two = page.thread(ticket_id=desk.ticket_id)["messages"]
    assert one["state"] == "undelivered" and "The handset is off" in one["reason"]
    assert (two["state"], two["reason"]) == ("held", "Waits until Fri 10:00 PST.")


def test_photo_is_shown_by_its_own_address_for_some_minutes(
    world: World, desk: ZendeskAtHand, page: AgentsPage
) -> None:
    text = world.texts(direction="in")[-1]
    key = world.ports.media.put(desk.shop.id, b"picture of a zip")
    with world.db.shop(desk.shop.id) as session:
        for ordinal, (state, stored) in enumerate(
            (("stored", key), ("pending", None), ("failed", None))
        ):
            session.add(
                Media(
                    shop_id=desk.shop.id,
                    message_id=text.id,
                    ordinal=ordinal,
                    state=state,
                    storage_key=stored,
                    content_type="image/jpeg",
                )
            )
    photos = page.thread(ticket_id=desk.ticket_id)["messages"][-1]["photos"]
    assert [photo["state"] for photo in photos] == ["stored", "loading", "missing"]
    assert [photo["url"] for photo in photos[1:]] == [None, None]
    url = photos[0]["url"]
    answer = world.client.get(url)
    assert (answer.data, answer.content_type) == (b"picture of a zip", "image/jpeg")
    assert answer.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert answer.headers["Cache-Control"] == "private, max-age=300"
    world.clock.advance(minutes=5)
    assert world.client.get(url).status_code == 200
    world.clock.advance(minutes=5)
    late = world.client.get(url)
    assert (late.status_code, late.get_json()["error"]) == (404, "late_photo")
    assert world.client.get(url + "x").get_json()["error"] == "unknown_photo"
    # An address for the provider's eyes is none for the desk, and the other way round.
    assert world.client.get(url.replace("/api/desk/photos/", "/media/")).status_code == 404


def test_agents_look_is_noted_once_in_ten_minutes(
    world: World, desk: ZendeskAtHand, page: AgentsPage
) -> None:
    def noted() -> int:
        return len(world.all(AuditEntry, AuditEntry.actor == ACTOR))

    for _ in range(3):
        page.thread(ticket_id=desk.ticket_id)
        world.clock.advance(minutes=3)
    [entry] = world.all(AuditEntry, AuditEntry.actor == ACTOR)
    assert (entry.action, entry.subject) == ("data.read", f"contact:{world.contact().id}")
    world.clock.advance(minutes=1, seconds=1)
    page.thread(ticket_id=desk.ticket_id)
    assert noted() == 2


def test_two_looks_in_one_moment_are_noted_once(world: World, desk: ZendeskAtHand) -> None:
    def look(session: Session) -> None:
        record_read_once(
            session,
            now=world.clock.now(),
            shop_id=desk.shop.id,
            actor=ACTOR,
            subject="contact:1",
            within=timedelta(minutes=10),
        )

    def look_too() -> None:
        with world.db.shop(desk.shop.id) as session:
            look(session)

    with ThreadPoolExecutor(1) as other:
        with world.db.shop(desk.shop.id) as first:
            look(first)
            first.flush()
            second = other.submit(look_too)
            while not world.scalar("SELECT count(*) FROM pg_locks WHERE NOT granted"):
                assert not second.done(), "it did not wait"
        second.result()
    assert len(world.all(AuditEntry, AuditEntry.actor == ACTOR)) == 1


def test_page_that_asks_again_gets_304_until_something_is_new(
    world: World, desk: ZendeskAtHand, page: AgentsPage
) -> None:
    path = f"/thread?ticket_id={desk.ticket_id}"
    first = page.call("GET", path)
    assert first.headers["Cache-Control"] == "no-store"
    again = page.call("GET", path, **{"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")
    desk.text("Hello?")
    new = page.call("GET", path, **{"If-None-Match": first.headers["ETag"]})
    assert new.status_code == 200
    assert new.get_json()["messages"][-1]["body"] == "Hello?"


def test_long_thread_shows_its_end_in_as_many_statements_as_a_short_one(
    world: World, desk: ZendeskAtHand, page: AgentsPage
) -> None:
    def statements() -> int:
        seen: list[str] = []
        listen = lambda *args: seen.append(args[2])  # noqa: E731
        sa.event.listen(world.db.engine, "before_cursor_execute", listen)
        page.thread(ticket_id=desk.ticket_id)
        sa.event.remove(world.db.engine, "before_cursor_execute", listen)
        return len(seen)

    page.thread(ticket_id=desk.ticket_id)  # the read is noted
    few = statements()
    for number in range(5002, 5008):
        world.order(number)
    world.settle()
    world.execute(
        "INSERT INTO messages (shop_id, contact_id, conversation_id, direction, author, body,"
        " state, created_at)"
        " SELECT shop_id, contact_id, conversation_id, 'in', 'contact', 'n' || n, 'received',"
        " created_at FROM messages, generate_series(1, 120) n"
        " WHERE id = (SELECT max(id) FROM messages)"
    )
    assert statements() == few <= 11
    shown = page.thread(ticket_id=desk.ticket_id)
    assert shown["more"] is True and len(shown["messages"]) == 100
    assert shown["messages"][-1]["body"] == "n120"


def test_ticket_without_a_thread_is_told(page: AgentsPage) -> None:
    for query in ("ticket_id=999999", "ticket_id=%27", "ticket_id=", "", "conversation_id=99999"):
        answer = page.call("GET", f"/thread?{query}")
        assert (answer.status_code, answer.get_json()["error"]) == (404, "no_thread")
