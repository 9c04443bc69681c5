"""Texts of one shop that wait together leave together, and each has a fate of its own."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from threading import Event

import pytest

from app.consent.models import PermissionRecord
from app.foundation.errors import Temporary, Unknowable, VendorFailure
from app.messaging.models import Message
from app.messaging.ports import Accepted, CodeAction, OutboundText, Rejected, SenderAccess
from app.messaging.send import send
from app.vendors.fake.sms import FakeSms
from tests.factories import payloads
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
    """Does something else for some phones."""

    def __init__(self, world: World, **fates: VendorFailure | Exception | Event) -> None:
        super().__init__(world.clock)
        self.fates = fates

    def send(self, access: SenderAccess, text: OutboundText) -> Accepted:
        fate = self.fates.get(text.to)
        if isinstance(fate, Event):
            assert fate.wait(20)
        elif fate is not None:
            raise fate
        return super().send(access, text)


def send_all(world: World, texts: list[Message], sms: FakeSms | None = None) -> None:
    ports = replace(world.ports, sms=sms or world.sms)
    send(ports, shop_id=texts[0].shop_id, message_ids=[text.id for text in texts])


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
        phone(104): RuntimeError("a fault of ours"),
    }
    send_all(world, texts, sms)
    assert states(world) == [
        ("accepted", None),
        ("failed", "opted_out"),
        ("queued", "provider_busy"),
        ("unknown", "no_answer"),
        ("unknown", "no_answer"),
        ("accepted", None),
    ]


def test_text_whose_call_takes_long_holds_up_no_other(world: World) -> None:
    texts = queued_check_ins(world, 3)
    let_go = Event()
    sms = Scripted(world)
    sms.fates = {phone(100): let_go}
    with ThreadPoolExecutor(1) as other:
        working = other.submit(send_all, world, texts, sms)
        while states(world)[1:] != [("accepted", None)] * 2:
            assert not working.done()
        assert states(world)[0] == ("sending", None)
        let_go.set()
        working.result()
    assert states(world)[0] == ("accepted", None)


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
