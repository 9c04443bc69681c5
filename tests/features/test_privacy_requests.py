"""What buyers ask about their data: written down with a date, answered once, and then done."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from app.conversations.models import Conversation
from app.conversations.promise import promise_answer
from app.foundation.errors import Refused
from app.foundation.media import MediaGone
from app.messaging.models import Sender
from app.messaging.ports import MediaFile, SenderAccess
from app.privacy import commands, jobs
from app.privacy.answer import request_privacy
from app.privacy.keep_export import take_export
from app.privacy.models import PrivacyRequest
from app.privacy.redact import REDACTED
from tests.factories import payloads
from tests.factories.photos import jpeg_with_place
from tests.factories.world import ACCOUNT, BUYER, DOMAIN, ShopAtHand, World
from tests.factories.zendesk import talking

OTHER = "+14155550177"


def requests(world: World) -> list[PrivacyRequest]:
    return world.all(PrivacyRequest)


def take(world: World, shop: ShopAtHand, form: Any) -> str:
    with world.db.shop(shop.id) as session:
        key = take_export(
            session,
            now=world.clock.now(),
            request_id=requests(world)[-1].id,
            form=form,
            actor="staff:7",
        )
    return world.ports.media.get(key).decode()


def photo_at_provider(world: World) -> str:
    line: Sender = world.all(Sender)[0]
    access = SenderAccess(line.id, ACCOUNT, "", phone=line.phone)
    photo = MediaFile(jpeg_with_place(), "image/jpeg")
    return world.sms.receive(access, from_phone=BUYER, body="", photos=[photo]).media[0].url


def code_of(world: World) -> str:
    found = re.search(r"DELETE (\d{6})", world.sent()[-1])
    assert found
    return found[1]


def audited(world: World, action: str) -> Any:
    return world.scalar(
        "SELECT string_agg(actor || ' ' || subject, ', ' ORDER BY id) FROM audit_entries"
        " WHERE action = :action",
        action=action,
    )


# --- Exports


def test_data_request_of_shopify_becomes_an_export_of_everything(world: World) -> None:
    shop = world.shop()
    world.checked_in(shop)
    world.text(shop, "My dachshund ate the left shoe", photos=[photo_at_provider(world)])
    world.settle(patient=True)
    promised(world, shop)
    world.text(shop, "Somebody else's words", sender=OTHER)
    world.shopify("customers/data_request", payloads.load("customers_data_request"))
    world.settle()
    [request] = requests(world)
    assert (request.kind, request.source, request.state) == ("export", "shopify", "ready")
    assert request.due_at == world.clock.now() + timedelta(days=30)
    data = json.loads(take(world, shop, "data"))
    assert data["profile"][0]["phone"] == BUYER
    assert data["profile"][0]["first_name"] == "Maya"
    assert [text["direction"] for text in data["texts"]] == ["out", "in"]
    assert data["texts"][1]["photos"][0]["base64"]
    assert data["orders"][0]["items"][0]["title"]
    assert data["orders"][0]["parcels"][0]["delivered_at"]
    assert data["consents"] and data["check_ins"][0]["state"] == "answered"
    assert [one["kind"] for one in data["promises"]] == ["human_answer"]
    assert "The text was allowed to leave." in {one["in_words"] for one in data["verdicts"]}
    page = take(world, shop, "page")
    for said in ("dachshund", "Maya", "data:image/jpeg;base64,", "allowed to leave", "#5001"):
        assert said in page
    assert "Somebody else" not in page + json.dumps(data)
    assert not re.search(r'(?:src|href)="(?!data:)', page)


def promised(world: World, shop: ShopAtHand) -> None:
    with world.db.shop(shop.id) as session:
        [thread] = session.scalars(sa.select(Conversation))
        promise_answer(session, thread, now=world.clock.now(), due_at=world.clock.now())


def test_an_export_that_was_taken_is_fulfilled_and_the_reader_written_down(world: World) -> None:
    shop = world.shop()
    world.text(shop, "send me my data")
    world.settle()
    take(world, shop, "page")
    [request] = requests(world)
    assert (request.state, request.fulfilled_by) == ("fulfilled", "staff:7")
    assert audited(world, "data.read") == f"staff:7 contact:{world.contact().id}"


def test_a_page_shows_the_buyers_words_as_words(world: World) -> None:
    shop = world.shop()
    world.text(shop, "<script>alert(1)</script>")
    world.text(shop, "send me my data")
    world.settle()
    page = take(world, shop, "page")
    assert "<script>" not in page and "&lt;script&gt;" in page


def test_files_are_deleted_when_their_time_is_over_and_stay_away(world: World) -> None:
    shop = world.shop()
    world.text(shop, "send me my data")
    world.settle()
    take(world, shop, "page")
    keys = [requests(world)[0].page_key, requests(world)[0].data_key]
    world.clock.advance(days=31)
    world.duty("privacy")
    world.settle()
    for key in keys:
        with pytest.raises(MediaGone):
            world.ports.media.get(key or "")
    with pytest.raises(Refused, match="deleted"):
        take(world, shop, "page")


def test_an_export_that_nobody_took_is_made_anew(world: World) -> None:
    shop = world.shop()
    world.text(shop, "send me my data")
    world.settle()
    first = requests(world)[0].page_key
    world.clock.advance(days=31)
    world.duty("privacy")
    world.settle()
    [request] = requests(world)
    assert request.state == "ready" and request.page_key != first
    assert len(world.files()) == len({*world.files()})


def test_export_of_a_buyer_forgotten_meanwhile_leaves_no_files(world: World) -> None:
    shop = world.shop()
    world.checked_in(shop)
    world.shopify("customers/data_request", payloads.load("customers_data_request"))
    world.settle()
    world.shopify("customers/redact", payloads.load("customers_redact"))
    world.settle()
    [request] = requests(world)
    assert (request.state, request.page_key) == ("fulfilled", None)
    assert [path for path in world.files() if path.is_file()] == []


# --- By text


def test_buyer_who_asks_for_their_data_is_told_by_when(world: World) -> None:
    shop = world.shop()
    world.text(shop, "What do you know about me?")
    world.settle()
    assert world.sent() == [
        "Acme Outfitters: we have your request. The shop will send you what it holds about you"
        " by December 19. You need to do nothing more."
    ]
    assert audited(world, "privacy.data_requested") == (
        f"buyer privacy_request:{requests(world)[0].id}"
    )


def test_asking_again_adds_neither_a_request_nor_a_text(world: World) -> None:
    shop = world.shop()
    world.text(shop, "delete my data")
    world.settle()
    world.text(shop, "please delete my data!!")
    world.settle()
    assert len(requests(world)) == 1
    assert len(world.sent()) == 1


def test_spanish_is_answered_in_spanish(world: World) -> None:
    shop = world.shop()
    world.text(shop, "borren mis datos")
    world.settle()
    assert "responde BORRAR" in world.sent()[0]


def test_ordinary_texts_open_no_request(world: World) -> None:
    shop = world.shop()
    world.text(shop, "delete my order please")
    world.settle()
    assert requests(world) == [] and world.sent() == []


def test_first_word_deletes_nothing(world: World) -> None:
    shop = world.shop()
    world.text(shop, "My dog ate the shoe")
    world.text(shop, "delete my data")
    world.clock.advance(days=20)
    world.duty("privacy")
    world.settle()
    [request] = requests(world)
    assert (request.kind, request.state) == ("erase", "open")
    assert REDACTED not in [text.body for text in world.texts()]


def test_confirmed_erasure_is_carried_out_after_its_days_of_waiting(world: World) -> None:
    shop = world.shop()
    world.checked_in(shop)
    world.text(shop, "My dog ate the shoe")
    world.text(shop, "delete my data")
    world.settle()
    world.text(shop, f"DELETE {code_of(world)}")
    world.settle()
    assert world.sent()[-1] == (
        "Acme Outfitters: thank you. Your texts, photos and details here will be deleted on"
        " November 26, and we won't text you again."
    )
    assert world.contact().opted_out_at is not None
    world.clock.advance(days=6)
    world.duty("privacy")
    world.settle()
    assert REDACTED not in [text.body for text in world.texts()]
    world.clock.advance(days=1)
    world.duty("privacy")
    world.settle()
    assert {text.body for text in world.texts()} == {REDACTED}
    assert world.contact().first_name is None
    assert requests(world)[0].state == "fulfilled"
    assert audited(world, "privacy.redacted") == f"buyer contacts:[{world.contact().id}]"
    ledger = world.scalar("SELECT string_agg(action, ',' ORDER BY id) FROM consent_events")
    assert ledger.endswith("revoked")


def test_forged_text_cannot_confirm_without_the_code_nor_try_them_all(world: World) -> None:
    shop = world.shop()
    world.text(shop, "delete my data")
    world.settle()
    code = code_of(world)
    world.text(shop, f"DELETE {(int(code) + 1) % 10**6:06}")
    world.text(shop, f"DELETE {code}")
    assert requests(world)[0].state == "open"
    world.settle()
    assert code_of(world) != code, "one who has the phone is sent a new code"
    world.text(shop, f"DELETE {code_of(world)}")
    assert requests(world)[0].state == "ready"


def test_code_of_one_buyer_confirms_nothing_of_another(world: World) -> None:
    shop = world.shop()
    world.text(shop, "delete my data")
    world.settle()
    world.text(shop, f"DELETE {code_of(world)}", sender=OTHER)
    assert requests(world)[0].state == "open"


def test_code_that_came_too_late_is_replaced(world: World) -> None:
    shop = world.shop()
    world.text(shop, "delete my data")
    world.settle()
    late = code_of(world)
    world.clock.advance(hours=49)
    world.text(shop, f"DELETE {late}")
    world.settle()
    assert requests(world)[0].state == "open"
    assert len(world.sent()) == 2


def test_after_an_opt_out_the_request_stands_and_nothing_is_sent(world: World) -> None:
    shop = world.shop()
    world.text(shop, "STOP")
    world.settle()
    before = len(world.sent())
    world.text(shop, "delete my data")
    world.settle()
    assert len(requests(world)) == 1
    assert len(world.sent()) == before


def test_agent_may_open_a_request_for_a_buyer(world: World) -> None:
    shop = world.shop()
    world.text(shop, "can you remove my stuff?")
    with world.db.shop(shop.id) as session:
        request_privacy(
            session,
            now=world.clock.now(),
            shop_id=shop.id,
            contact_id=world.contact().id,
            kind="erase",
            source="agent",
            actor="agent:4",
        )
    world.settle()
    assert "reply DELETE" in world.sent()[-1]
    assert (audited(world, "privacy.erasure_requested") or "").startswith("agent:4")


# --- In the ticket


def test_agents_are_told_in_the_ticket_once_for_each_state(world: World) -> None:
    desk = talking(world)
    desk.text("delete my data")
    world.settle()
    desk.text(f"DELETE {code_of(world)}")
    world.settle(patient=True)
    jobs.tell_agents(world.ports, shop_id=desk.shop.id, request_id=requests(world)[0].id)
    notes = [note for note in desk.notes() if "customer" in note and "delete" in note]
    assert len(notes) == 2
    assert "confirmed" in notes[1] and "26 Nov 2026" in notes[1]


def test_agents_are_asked_once_to_remove_what_the_ticket_holds(world: World) -> None:
    desk = talking(world)
    world.shopify("customers/redact", payloads.load("customers_redact"))
    world.settle(patient=True)
    world.shopify("customers/redact", payloads.load("customers_redact") | {"again": 1})
    world.settle(patient=True)
    asked = [note for note in desk.notes() if "remove them here too" in note]
    assert len(asked) == 1
    assert "doorstep_privacy_erase" in world.helpdesk.tags_of(desk.ticket_id)
    assert desk.ticket_id in world.scalar(
        "SELECT detail ->> 'tickets' FROM audit_entries WHERE action = 'privacy.redacted' LIMIT 1"
    )


def test_request_is_written_down_where_there_is_no_helpdesk(world: World) -> None:
    shop = world.shop()
    world.text(shop, "send me my data")
    world.settle()
    assert world.scalar("SELECT count(*) FROM outbox") == 0


# --- The operator


def operator(world: World, *words: str) -> None:
    import argparse

    root = argparse.ArgumentParser()
    commands.add_to(root.add_subparsers())
    args = root.parse_args(["privacy", *words])
    args.run(world.ports, args)


def test_operator_exports_one_phone_into_two_files(world: World, tmp_path: Path) -> None:
    shop = world.shop()
    world.text(shop, "My dachshund ate it")
    out = tmp_path / "out"
    operator(world, "export", "--shop", DOMAIN, "--phone", "(415) 555-0142", "--out", str(out))
    assert sorted(path.suffix for path in out.iterdir()) == [".html", ".json"]
    assert all("dachshund" in path.read_text() for path in out.iterdir())
    assert audited(world, "data.read") == f"operator contact:{world.contact().id}"


def test_operator_erases_one_phone_at_once_but_not_unasked(world: World) -> None:
    shop = world.shop()
    world.text(shop, "My dachshund ate it")
    with pytest.raises(Refused, match="--yes"):
        operator(world, "erase", "--shop", DOMAIN, "--phone", BUYER)
    operator(world, "erase", "--shop", DOMAIN, "--phone", BUYER, "--yes")
    world.settle()
    assert [text.body for text in world.texts()] == [REDACTED]
    assert (audited(world, "privacy.redacted") or "").startswith("operator")
    assert requests(world)[0].fulfilled_by == "operator"
    assert requests(world)[0].state == "fulfilled"


def test_operator_reads_what_is_due(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    shop = world.shop()
    world.text(shop, "delete my data")
    world.clock.advance(days=31)
    operator(world, "requests", "--shop", DOMAIN)
    [request] = json.loads(capsys.readouterr().out)
    assert request["overdue"] and request["waits_for_confirmation"]
    assert BUYER not in json.dumps(request)
