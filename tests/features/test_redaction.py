"""After a buyer was forgotten nothing of them is left, wherever it lay or was on its way."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa

from app.foundation.errors import Temporary
from app.foundation.inbox import Receipt
from app.foundation.media import MediaGone
from app.foundation.outbox import Postponed
from app.messaging import jobs as messaging_jobs
from app.messaging import photos
from app.messaging import send as messaging_send
from app.messaging.models import Media, Message, Sender
from app.messaging.ports import MediaFile, SenderAccess
from app.privacy import jobs
from tests.factories import payloads
from tests.factories.photos import jpeg_with_place
from tests.factories.world import ACCOUNT, BUYER, DOMAIN, ShopAtHand, World
from tests.factories.zendesk import connected

CUSTOMER = 7012345678901
OTHER = "+14155550177"
WORDS = "My dachshund ate the left shoe"
LATER_WORDS = "The hound wants the other one"
SECRETS = (
    "Maya",
    "Okafor",
    "maya.okafor@example.com",
    "418 Alder",
    "Portland",
    "97205",
    "dachshund",
    "hound wants",
    "1Z999AA1",
    "0a1b2c3d4e5f",
    "media.fake.invalid",
)


def ask(world: World, **changes: Any) -> None:
    body = payloads.load("customers_redact") | changes
    assert world.shopify("customers/redact", body).status_code == 200
    world.settle()


def photo_at_provider(world: World, *, sender: str = BUYER) -> str:
    line: Sender = world.all(Sender)[0]
    access = SenderAccess(line.id, ACCOUNT, "", phone=line.phone)
    photo = MediaFile(jpeg_with_place(), "image/jpeg")
    return world.sms.receive(access, from_phone=sender, body="", photos=[photo]).media[0].url


def everything(world: World) -> Iterator[tuple[str, str]]:
    """Every value of every column of every table, as (where, what it says)."""
    with world.db.across_shops("test: what is left") as session:
        columns = session.execute(
            sa.text(
                "SELECT table_name, column_name FROM information_schema.columns"
                " WHERE table_schema = 'public' ORDER BY 1, 2"
            )
        ).all()
        for table, column in columns:
            values = session.execute(
                sa.text(f'SELECT "{column}" FROM "{table}" WHERE "{column}" IS NOT NULL')
            ).scalars()
            for value in values:
                said = value.decode(errors="replace") if isinstance(value, bytes) else str(value)
                yield f"{table}.{column}", said


def left_over(world: World, *secrets: str) -> list[str]:
    return [
        f"{where}: {secret}"
        for where, said in everything(world)
        for secret in secrets
        if secret.lower() in said.lower()
    ]


def lived_through(world: World) -> ShopAtHand:
    """A buyer of whom every table knows something."""
    desk = connected(world)
    order = payloads.order_payload(5001, updated_at=world.clock.now())
    world.shopify("orders/create", order)
    world.settle()
    parcel = payloads.fulfillment_payload(
        5001, 9001, at=world.clock.now(), shipment_status="delivered"
    )
    parcel.update(tracking_number="1Z999AA1", tracking_url="https://ups.example/1Z999AA1")
    world.shopify("fulfillments/update", parcel)
    world.settle()
    world.clock.advance(hours=2, minutes=25)
    world.settle()
    assert world.texts(purpose="check_in")[-1].state == "accepted"
    desk.text(WORDS, photos=[photo_at_provider(world)])
    world.settle(patient=True)
    reply = world.helpdesk.agent_replies(desk.ticket_id, "Oh no, Maya!")
    desk.tell_comment(reply)
    world.settle(patient=True)
    desk.text(LATER_WORDS)
    world.settle(patient=True)
    desk.text("STOP")
    world.settle(patient=True)
    return desk.shop


def test_no_table_and_no_column_holds_anything_of_a_redacted_buyer(world: World) -> None:
    lived_through(world)
    stored = world.scalar("SELECT storage_key FROM media WHERE state = 'stored'")
    found = left_over(world, *SECRETS, BUYER)
    assert {line.split(".")[0] for line in found} >= {
        "contacts", "messages", "media", "orders", "fulfillments", "receipts",
    }  # fmt: skip
    ask(world)
    assert left_over(world, *SECRETS) == []
    assert {line.partition(":")[0] for line in left_over(world, BUYER)} == {
        "contacts.phone",
        "consent_events.phone",
    }
    with pytest.raises(MediaGone):
        world.ports.media.get(stored)
    assert world.contact().opted_out_at is not None
    assert world.scalar("SELECT count(*) FROM consent_events WHERE action = 'revoked'") == 1
    assert world.scalar("SELECT count(*) FROM permissions WHERE verdict = 'allowed'") > 0
    assert world.scalar("SELECT count(*) FROM audit_entries WHERE action = 'privacy.redacted'") == 1


def test_provider_is_asked_to_empty_every_text_and_to_delete_every_photo(world: World) -> None:
    shop = world.shop()
    world.checked_in(shop)
    url = photo_at_provider(world)
    world.text(shop, WORDS, photos=[url], sid="SM" + "7" * 32)
    world.execute("DELETE FROM outbox WHERE topic = 'messaging.fetch_photos'")
    ask(world)
    known = {text.provider_sid for text in world.texts()}
    assert set(world.sms.redacted) == known and "SM" + "7" * 32 in known
    [photo] = world.all(Media)
    assert photo.provider_deleted_at is not None and photo.provider_url is None
    access = SenderAccess(1, ACCOUNT, "")
    with pytest.raises(Temporary):
        world.sms.fetch_media(access, url, max_bytes=10**6)


def test_queued_text_is_called_off_and_never_sent(world: World) -> None:
    shop = world.shop()
    world.checked_in(shop)
    world.text(shop, "HELP")
    world.execute("DELETE FROM outbox WHERE topic = 'messaging.send'")
    [queued] = world.texts(state="queued")
    before = world.sent()
    ask(world)
    messaging_send.send_texts(
        world.ports, shop_id=shop.id, message_ids=[queued.id], over=lambda ids: None
    )
    world.settle(patient=True)
    assert world.sent() == before
    [cancelled] = world.texts(state="cancelled")
    assert (cancelled.id, cancelled.reason) == (queued.id, "redacted")


def test_scheduled_check_in_of_a_redacted_buyer_is_called_off(world: World) -> None:
    world.shop()
    world.order(customer={"id": CUSTOMER})
    world.deliver()
    world.settle()
    ask(world)
    world.clock.advance(hours=3)
    world.settle()
    assert world.sent() == []
    assert [(one.state, one.reason) for one in world.check_ins()] == [("cancelled", "redacted")]


def test_text_that_is_just_leaving_is_waited_for_and_keeps_its_words(world: World) -> None:
    shop = world.shop()
    text = world.checked_in(shop)
    world.execute("UPDATE messages SET state = 'sending' WHERE id = :id", id=text.id)
    with pytest.raises(Postponed):
        jobs.redact_customer(world.ports, shop_id=shop.id, customer_id=CUSTOMER, order_ids=[])
    assert world.texts(id=text.id)[0].body == text.body
    world.execute("UPDATE messages SET state = 'accepted' WHERE id = :id", id=text.id)
    jobs.redact_customer(world.ports, shop_id=shop.id, customer_id=CUSTOMER, order_ids=[])
    assert "removed" in world.texts(id=text.id)[0].body


# --- Photos


def two_buyers_one_photo(world: World) -> tuple[ShopAtHand, str]:
    shop = world.shop()
    world.order()
    world.settle()
    for sender in (BUYER, OTHER):
        world.text(shop, "see", sender=sender, photos=[photo_at_provider(world, sender=sender)])
    world.settle(patient=True)
    [key] = {photo.storage_key for photo in world.all(Media)}
    assert key is not None
    return shop, key


def test_photo_that_another_buyer_sent_too_stays_until_both_are_forgotten(world: World) -> None:
    shop, key = two_buyers_one_photo(world)
    ask(world)
    assert world.ports.media.get(key)
    states = [photo.state for photo in world.all(Media)]
    assert sorted(states) == ["failed", "stored"]
    world.execute(
        "UPDATE contacts SET shopify_customer_id = 70001 WHERE phone = :phone", phone=OTHER
    )
    jobs.redact_customer(world.ports, shop_id=shop.id, customer_id=70001, order_ids=[])
    world.settle()
    with pytest.raises(MediaGone):
        world.ports.media.get(key)


def test_photo_is_deleted_though_the_worker_dies_right_after_the_commit(world: World) -> None:
    shop = world.shop()
    world.order()
    world.text(shop, "see", photos=[photo_at_provider(world)])
    world.settle(patient=True)
    key = world.scalar("SELECT storage_key FROM media")
    # The job's transaction is committed, and nothing else of it ever runs.
    jobs.redact_customer(world.ports, shop_id=shop.id, customer_id=CUSTOMER, order_ids=[])
    assert world.ports.media.get(key)
    world.settle()
    with pytest.raises(MediaGone):
        world.ports.media.get(key)


def test_equal_photo_that_arrives_while_one_is_deleted_is_put_there_again(world: World) -> None:
    shop, key = two_buyers_one_photo(world)
    world.execute("DELETE FROM media WHERE message_id = (SELECT max(message_id) FROM media)")
    jobs.redact_customer(world.ports, shop_id=shop.id, customer_id=CUSTOMER, order_ids=[])
    url = photo_at_provider(world, sender=OTHER)
    world.text(shop, "again", sender=OTHER, photos=[url])
    again: Message = world.texts(body="again")[0]
    with pytest.raises(Postponed):
        messaging_jobs.fetch_photos(world.ports, shop_id=shop.id, message_id=again.id)
    messaging_jobs.delete_photo(world.ports, shop_id=shop.id, storage_key=key)
    world.execute("DELETE FROM outbox WHERE topic = 'messaging.delete_photo'")
    messaging_jobs.fetch_photos(world.ports, shop_id=shop.id, message_id=again.id)
    assert world.ports.media.get(key)
    assert world.scalar("SELECT storage_key FROM media WHERE state = 'stored'") == key


def test_photo_that_was_on_its_way_is_not_kept(world: World) -> None:
    shop = world.shop()
    world.order()
    world.text(shop, "see", photos=[photo_at_provider(world)])
    world.execute("DELETE FROM outbox WHERE topic = 'messaging.fetch_photos'")
    world.settle()
    [pending] = [copy.copy(photo) for photo in world.all(Media)]
    ask(world)
    clean = photos.CleanPhoto(jpeg_with_place(), "image/jpeg", 64, 48)
    key = world.ports.media.put(shop.id, clean.content)
    with world.db.shop(shop.id) as session:
        assert not photos.store_photo(
            session, now=world.clock.now(), media_id=pending.id, photo=clean, storage_key=key
        )
    world.settle()
    assert [(one.state, one.storage_key) for one in world.all(Media)] == [("failed", None)]
    with pytest.raises(MediaGone):
        world.ports.media.get(key)


# --- Receipts


def test_failed_receipts_of_the_buyer_are_emptied_and_others_kept(world: World) -> None:
    world.shop()
    world.order(5001)
    world.order(5002, customer={"id": 70002, "first_name": "Noor"}, phone=OTHER)
    world.order(5003, customer={"id": 70003, "first_name": "Sam"}, phone="+14155550178")
    world.settle()
    world.execute("UPDATE receipts SET state = 'failed' WHERE topic = 'orders/create'")
    ask(world)
    kept = [receipt for receipt in world.all(Receipt) if receipt.body]
    assert [json.loads(receipt.body)["id"] for receipt in kept] == [5002, 5003]
    assert [receipt.state for receipt in kept] == ["failed", "failed"]
    emptied = world.all(Receipt, Receipt.body == b"")
    assert {(receipt.state, receipt.error) for receipt in emptied} == {("done", "redacted")}


def test_pending_receipt_is_worked_before_its_buyer_is_forgotten(world: World) -> None:
    shop = world.shop()
    world.order(5001)
    world.settle()
    later = payloads.order_payload(5001, updated_at=world.clock.now())
    world.shopify("orders/updated", later)
    with pytest.raises(Postponed):
        jobs.redact_customer(world.ports, shop_id=shop.id, customer_id=CUSTOMER, order_ids=[])
    world.settle()
    jobs.redact_customer(world.ports, shop_id=shop.id, customer_id=CUSTOMER, order_ids=[])
    assert left_over(world, "Okafor") == []


def test_emptied_receipt_that_is_delivered_again_brings_nothing_back(world: World) -> None:
    world.shop()
    order = payloads.order_payload(5001, updated_at=world.clock.now())
    world.shopify("orders/create", order, delivery="once")
    world.settle()
    ask(world)
    assert world.shopify("orders/create", order, delivery="once").status_code == 200
    assert world.shopify("orders/create", order, delivery="twice").status_code == 200
    world.settle()
    assert left_over(world, "Okafor") == []


# --- A whole shop


def test_redacted_shop_holds_nobody_however_many_there_were(world: World) -> None:
    shop = lived_through(world)
    world.execute(
        "INSERT INTO contacts (shop_id, phone, first_name) SELECT :shop, '+1415555' || n, 'Maya'"
        " FROM generate_series(1000, :last) n",
        shop=shop.id,
        last=1000 + 2 * jobs.CONTACTS_AT_ONCE,
    )
    world.order(5009, phone=None, customer=None)
    world.settle(patient=True)
    world.clock.advance(minutes=1)
    world.shopify("app/uninstalled", payloads.load("app_uninstalled"))
    world.settle()
    world.shopify("shop/redact", payloads.load("shop_redact"), domain=DOMAIN)
    world.settle(patient=True)
    assert left_over(world, *SECRETS) == []
    assert world.scalar("SELECT auth_token FROM senders") == ""
    assert not [one for one in world.files() if one.is_file()]
