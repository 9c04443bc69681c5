"""Texts of one shop that wait together leave together, and each has a fate of its own."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from threading import Event

import pytest

from app.checkins.claim import PUT_OFF
from app.consent.models import PermissionRecord
from app.foundation.errors import Temporary, Unknowable
from app.foundation.outbox import OutboxRow
from app.messaging.models import Message
from app.messaging.ports import Accepted, CodeAction, OutboundText, Rejected, SenderAccess
from app.vendors.fake.sms import FakeSms
from app.workshop import Workshop
from tests.factories import payloads
from tests.factories.claims import send_now
from tests.factories.world import World

SHOPS = ("acme-outfitters.myshopify.com", "other-outfitters.myshopify.com")


def phone(number: int) -> str:
    return f"+1415555{number:04d}"


def queued_check_ins(world: World, count: int, *, mps: float = 1000.0) -> list[Message]:
    """Check-ins of one shop, due together, whose texts wait for a worker."""
    shop = world.shop(mps=mps)
    for number in range(count):
        world.order(5000 + number, phone=phone(100 + number))
        world.deliver(5000 + number, 9000 + number)
    world.settle()
    world.clock.advance(hours=2, minutes=25)
    world.duty("check_ins")
    world.execute("DELETE FROM outbox")
    texts = sorted(world.texts(purpose="check_in"), key=lambda text: text.id)
    assert [text.state for text in texts] == ["queued"] * count
    assert {text.shop_id for text in texts} == {shop.id}
    return texts


class Scripted(FakeSms):
    """The world's provider, but for some phones it does something else."""

    fates: Mapping[str, Exception | Event]

    def __init__(self, world: World) -> None:
        self.__dict__ = world.sms.__dict__

    def send(self, access: SenderAccess, text: OutboundText) -> Accepted:
        fate = self.fates.get(text.to)
        if isinstance(fate, Event):
            assert fate.wait(20)
        elif fate is not None:
            raise fate
        return super().send(access, text)


def send_all(world: World, texts: list[Message], sms: FakeSms | None = None) -> list[int]:
    ports = replace(world.ports, sms=sms or world.sms)
    return send_now(ports, texts[0].shop_id, *(text.id for text in texts))


def work_off(world: World, texts: list[Message], sms: FakeSms) -> None:
    """By a worker, from rows of the outbox that one job carries."""
    world.execute(
        "INSERT INTO outbox (shop_id, topic, queue, payload) SELECT shop_id, 'messaging.send',"
        " 'send', jsonb_build_object('message_id', id) FROM messages WHERE state = 'queued'"
    )
    ids = [row.id for row in world.all(OutboxRow)]
    assert len(ids) == len(texts)
    workshop = Workshop(replace(world.ports, sms=sms), threads=1)
    try:
        workshop.work_off({"messaging.send": ids})
    finally:
        workshop.close()


def states(world: World) -> list[tuple[str, str | None]]:
    texts = sorted(world.texts(purpose="check_in"), key=lambda text: text.id)
    return [(text.state, text.reason) for text in texts]


def test_each_text_is_handed_over_once_with_a_verdict_and_a_history_of_its_own(
    world: World,
) -> None:
    texts = queued_check_ins(world, 6)
    send_all(world, texts)
    assert states(world) == [("accepted", None)] * 6
    assert sorted(text.to for text in world.sms.handed_over) == [phone(100 + n) for n in range(6)]
    assert len({text.provider_sid for text in world.texts(purpose="check_in")}) == 6
    for text in texts:
        verdicts = world.all(PermissionRecord, PermissionRecord.message_id == text.id)
        assert [verdict.verdict for verdict in verdicts] == ["allowed"]
    assert [check_in.state for check_in in world.check_ins()] == ["sent"] * 6


def test_each_text_has_a_place_of_its_own_in_the_line(world: World) -> None:
    """Two segments a second, and a second's worth may leave ahead of its place."""
    texts = queued_check_ins(world, 6, mps=2.0)
    for text in texts:
        assert text.segments == 1
    send_all(world, texts)
    assert states(world) == [("accepted", None)] * 3 + [("queued", "in_line")] * 3
    now = world.clock.now()
    waiting = sorted(world.texts(purpose="check_in", state="queued"), key=lambda text: text.id)
    assert [(text.not_before - now).total_seconds() for text in waiting] == [1.5, 2.0, 2.5]


def test_what_the_provider_does_with_one_text_does_not_touch_the_others(world: World) -> None:
    texts = queued_check_ins(world, 6)
    sms = Scripted(world)
    sms.fates = {
        phone(101): Rejected("fake", "opted out", code="21610", action=CodeAction.SUPPRESS),
        phone(102): Temporary("fake", "busy", code="20429"),
        phone(103): Unknowable("fake", "the line broke"),
    }
    send_all(world, texts, sms)
    assert states(world) == [
        ("accepted", None),
        ("failed", "opted_out"),
        ("queued", "provider_busy"),
        ("unknown", "no_answer"),
        ("accepted", None),
        ("accepted", None),
    ]


def test_fault_of_ours_in_one_call_is_looked_up_and_the_text_leaves_once(world: World) -> None:
    texts = queued_check_ins(world, 3)
    sms = Scripted(world)
    sms.fates = {phone(101): RuntimeError("a fault of ours")}
    send_all(world, texts, sms)
    assert states(world) == [("accepted", None), ("sending", None), ("accepted", None)]
    world.execute("UPDATE messages SET claimed_at = claimed_at - interval '1 minute'")
    world.recover()
    assert states(world) == [("accepted", None)] * 3
    assert [text.to for text in world.sms.handed_over].count(phone(101)) == 1


def test_text_whose_call_takes_long_holds_up_no_other(world: World) -> None:
    """Nor what stands behind the others: their rows leave the outbox."""
    texts = queued_check_ins(world, 3)
    let_go = Event()
    sms = Scripted(world)
    sms.fates = {phone(100): let_go}
    with ThreadPoolExecutor(1) as other:
        working = other.submit(work_off, world, texts, sms)
        while len(world.all(OutboxRow)) != 1 or states(world)[1:] != [("accepted", None)] * 2:
            assert not working.done()
        assert states(world)[0] == ("sending", None)
        let_go.set()
        working.result()
    assert states(world)[0] == ("accepted", None)
    assert world.all(OutboxRow) == []


def test_text_that_cannot_be_claimed_fails_alone(world: World) -> None:
    texts = queued_check_ins(world, 3)
    world.execute(
        "UPDATE contacts SET line_kind = 'nonsense' WHERE id = :id", id=texts[1].contact_id
    )
    work_off(world, texts, world.sms)
    assert [state for state, _ in states(world)] == ["accepted", "queued", "accepted"]
    [left] = world.all(OutboxRow)
    assert left.payload == {"message_id": texts[1].id}
    assert (left.error, left.leased_until) == ("ValueError", None)


def test_settlement_that_fails_loses_no_other_answer(world: World) -> None:
    """What may have been taken must not be taken for a text that never left."""
    texts = queued_check_ins(world, 4)
    later = Event()
    sms = Scripted(world)
    sms.fates = {
        phone(100): Rejected("fake", "no", code="not\0storable", action=CodeAction.REVIEW),
        phone(101): Unknowable("fake", "the line broke"),
        phone(102): later,
    }
    with ThreadPoolExecutor(1) as other:
        working = other.submit(send_all, world, texts, sms)
        while states(world)[1] != ("unknown", "no_answer"):
            assert not working.done()
        later.set()
        with pytest.raises(Exception, match="NUL"):
            working.result()
    assert states(world) == [
        ("sending", None),
        ("unknown", "no_answer"),
        ("accepted", None),
        ("accepted", None),
    ]


def test_of_two_texts_to_one_buyer_the_second_sees_the_first(world: World) -> None:
    texts = queued_check_ins(world, 2)
    world.execute(
        "UPDATE messages SET contact_id = (SELECT contact_id FROM messages WHERE id = :first)"
        " WHERE id = :second",
        first=texts[0].id,
        second=texts[1].id,
    )
    send_all(world, texts)
    assert states(world) == [("accepted", None), ("blocked", "recently_texted")]


@pytest.mark.parametrize("gone", ["cancelled", "accepted"])
def test_text_that_waits_no_more_is_left_alone(world: World, gone: str) -> None:
    texts = queued_check_ins(world, 3)
    world.execute("UPDATE messages SET state = :gone WHERE id = :id", gone=gone, id=texts[1].id)
    send_all(world, texts)
    assert [state for state, _ in states(world)] == ["accepted", gone, "accepted"]
    assert len(world.sms.handed_over) == 2


def test_burst_of_two_shops_leaves_through_relay_and_worker(world: World) -> None:
    shops = [world.shop(domain, line=f"+1888555010{n}") for n, domain in enumerate(SHOPS)]
    for number, domain in enumerate(SHOPS * 3):
        at = world.clock.now() - timedelta(days=3)
        order = payloads.order_payload(5000 + number, updated_at=at, phone=phone(100 + number))
        world.shopify("orders/create", order, domain=domain)
        scan = payloads.scan_payload(5000 + number, 9000 + number, at=world.clock.now())
        world.shopify("fulfillment_events/create", scan, domain=domain)
    world.settle()
    world.clock.advance(hours=2, minutes=25)
    world.settle()
    assert states(world) == [("accepted", None)] * 6
    per_shop = {shop.id: len(world.texts(shop_id=shop.id)) for shop in shops}
    assert set(per_shop.values()) == {3}
    assert world.scalar("SELECT count(*) FROM outbox WHERE topic = 'messaging.send'") == 0
    # The ledger keeps its rows as they were written: one transaction planned, one claimed.
    written_by = "SELECT count(DISTINCT xmin::text) FROM permissions WHERE message_id IS {}"
    assert world.scalar(written_by.format("NULL")) == len(SHOPS)
    assert world.scalar(written_by.format("NOT NULL")) == len(SHOPS)


def test_check_in_that_cannot_be_sent_is_put_off_alone(world: World) -> None:
    world.shop()
    for number in range(3):
        world.order(5000 + number, phone=phone(100 + number))
        world.deliver(5000 + number, 9000 + number)
    world.settle()
    world.clock.advance(hours=2, minutes=25)
    world.execute("UPDATE contacts SET line_kind = 'nonsense' WHERE id = 2")
    world.duty("check_ins")
    first, second, third = sorted(world.check_ins(), key=lambda check_in: check_in.id)
    assert (first.state, third.state) == ("queued", "queued")
    assert second.state == "scheduled"
    assert second.due_at - world.clock.now() == PUT_OFF
