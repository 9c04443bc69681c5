"""The proof packet of one number: whole, readable, checkable without us, and itself noted."""

from __future__ import annotations

import copy
import hashlib
import json
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from app import cli
from app.conversations.models import Conversation
from app.conversations.reply import reply_as_agent
from app.foundation.media import sign_media_token
from app.messaging.access import access_to
from app.messaging.models import Sender
from app.messaging.ports import MediaFile
from app.proof.make_packet import make_packet
from app.proof.proof_command import as_text
from app.proof.render_packet import render_packet
from app.shops.configure import save_preferences
from app.shops.models import Shop
from scripts.check_packet import Wrong, check
from tests.factories import payloads
from tests.factories.photos import jpeg_with_place
from tests.factories.staff import ADMIN, AGENT, OWNER, id_token, open_page, staffed
from tests.factories.world import BUYER, DOMAIN, ShopAtHand, World
from tests.house.source_files import ROOT

Packet = dict[str, Any]


@pytest.fixture
def story(world: World) -> ShopAtHand:
    """Checked in on, answered with a photo, replied to by an agent, opted out, and asked again."""
    shop = world.shop()
    with world.db.shop(shop.id) as session:
        save_preferences(
            session,
            now=world.clock.now(),
            shop_id=shop.id,
            actor="merchant",
            changes={"check_in_delay_minutes": 90},
        )
    message = world.checked_in(shop)
    world.report(shop, message, "sent")
    world.clock.advance(seconds=4)
    world.report(shop, message, "delivered")
    world.clock.advance(minutes=3)
    [line] = world.all(Sender)
    body = "The waist feels tight. My other phone is 415-555-0199"
    listed = world.sms.receive(
        access_to(world.ports, line),
        from_phone=BUYER,
        body=body,
        photos=[MediaFile(jpeg_with_place(), "image/jpeg")],
    )
    world.text(shop, body, sid=listed.provider_sid, photos=[listed.media[0].url])
    world.settle()
    [thread] = world.all(Conversation)
    world.clock.advance(minutes=2)
    with world.db.shop(shop.id) as session:
        reply_as_agent(
            session,
            now=world.clock.now(),
            conversation_id=thread.id,
            body="These run snug. We send the next size up!",
            agent_name="Priya",
            key="zendesk:1:7",
            written_by="agent:zendesk:8817",
        )
    world.settle()
    world.clock.advance(minutes=1)
    world.text(shop, "STOP")
    world.settle()
    world.order(5002)
    world.deliver(5002, 9002)
    world.settle()
    world.clock.advance(hours=2, minutes=25)
    world.settle()
    world.order(5003, cancelled_at=world.clock.now().isoformat())
    world.settle()
    return shop


def packet_of(world: World, phone: str = BUYER, domain: str = DOMAIN) -> Packet:
    [shop] = world.all(Shop, Shop.domain == domain)
    return make_packet(world.ports, shop=shop, phone=phone, asked_by="staff:42")


def test_packet_tells_the_whole_story(world: World, story: ShopAtHand) -> None:
    packet = packet_of(world)
    care = [row for row in packet["consents"] if row["purpose"] == "care"]
    assert {row["wording"] for row in care} == {payloads.WORDING}
    assert {row["source_words"] for row in care} == {"ticked at checkout"}
    assert [row["wording"] for row in packet["opt_outs"]] == ["STOP"]
    assert packet["standing"]["opted_out_since"] == packet["opt_outs"][0]["occurred_at"]
    assert packet["texts_after_an_opt_out"] == []
    told = [(text["direction"], text["who"]) for text in packet["texts"]]
    opener = packet["texts"][0]
    assert told[0][1].startswith("The shop's opener text, version ")
    assert told[1:4] == [
        ("in", "The buyer"),
        ("out", "Priya (zendesk user 8817)"),
        ("in", "The buyer"),
    ]
    assert [step["status"] for step in opener["history"]] == ["accepted", "sent", "delivered"]
    assert [step["at"] for step in opener["history"]] == sorted(
        step["at"] for step in opener["history"]
    )


def test_each_verdict_says_what_it_rests_on_and_how_things_stood(
    world: World, story: ShopAtHand
) -> None:
    [verdict] = packet_of(world)["texts"][0]["verdicts"]
    assert verdict["words"].startswith("Allowed, until Nov 20, 2026, 04:00:00 UTC")
    assert any("of the consent ledger" in line for line in verdict["evidence"])
    told = " / ".join(verdict["standing"])
    assert "wording " in told
    assert "13:2" in told
    assert "America/Los_Angeles" in told
    assert "0 of at most 3 texts that we began within 24 hours" in told
    assert "0 of at most 1 check-ins for the order" in told


def test_check_in_that_was_not_sent_has_its_reason(world: World, story: ShopAtHand) -> None:
    by_order = {row["order"]: row for row in packet_of(world)["check_ins"]}
    assert [v["words"] for v in by_order["#5002"]["verdicts"]] == [
        "Not sent. The buyer has opted out of texts from you."
    ]


def test_settings_are_told_with_their_old_and_new_values(world: World, story: ShopAtHand) -> None:
    saved = [e for e in packet_of(world)["settings"] if e["action"] == "preferences.saved"]
    assert saved[0]["detail"]["changes"] == {"check_in_delay_minutes": [120, 90]}


def test_making_a_packet_is_a_look_that_the_packet_itself_tells_of(
    world: World, story: ShopAtHand
) -> None:
    packet_of(world)
    looks = packet_of(world)["access"]
    assert [(look["who"], look["detail"]["what"]) for look in looks] == [
        ("staff:42", "proof packet")
    ] * 2
    assert all(look["seal"] for look in looks)


def test_packet_proves_itself_with_nothing_but_python(
    world: World, story: ShopAtHand, tmp_path: Path
) -> None:
    packet = packet_of(world)
    assert all("seal" in row for row in packet["chain"]["rows"])
    file = tmp_path / "packet.json"
    file.write_text(as_text(packet, ".json"))
    asked = subprocess.run(
        [sys.executable, "-I", str(ROOT / "scripts" / "check_packet.py"), str(file)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert asked.returncode == 0, asked.stdout
    assert asked.stdout.endswith(": whole\n")


def nicer_wording(packet: Packet) -> None:
    packet["consents"][0]["wording"] = "I want every text there is"


def other_words(packet: Packet) -> None:
    packet["texts"][0]["words"] += " 20 % off!"


def other_form(packet: Packet) -> None:
    row = next(r for r in packet["chain"]["rows"] if r["ledger"] == "permissions")
    row["form"] = row["form"].replace('"verdict":"allowed"', '"verdict":"denied"')


def other_time_of_sealing(packet: Packet) -> None:
    packet["chain"]["seals"][0]["sealed_at"] = "2020-01-01T00:00:00+00:00"


def other_anchor(packet: Packet) -> None:
    packet["chain"]["anchors"][0]["hash"] = "0" * 64


def no_anchor(packet: Packet) -> None:
    packet["chain"]["anchors"].pop()


@pytest.mark.parametrize(
    "forge",
    [nicer_wording, other_words, other_form, other_time_of_sealing, other_anchor, no_anchor],
)
def test_forged_packet_does_not_pass(
    world: World, story: ShopAtHand, forge: Callable[[Packet], None]
) -> None:
    packet = json.loads(as_text(packet_of(world), ".json"))
    packet["consents"].sort(key=lambda row: row["wording"] is None)
    assert check(copy.deepcopy(packet)).endswith("whole")
    forge(packet)
    with pytest.raises(Wrong):
        check(packet)


def test_redacted_buyers_packet_still_proves_with_hashes(world: World, story: ShopAtHand) -> None:
    before = packet_of(world)
    body = payloads.load("customers_redact")
    body["customer"] = {"id": 7012345678901, "phone": BUYER, "email": None}
    world.shopify("customers/redact", body)
    world.settle()
    after = packet_of(world)
    assert {text["words"] for text in after["texts"]} == {None}
    assert [t["words_hash"] for t in after["texts"]] == [t["words_hash"] for t in before["texts"]]
    assert check(json.loads(as_text(after, ".json"))).endswith("whole")
    assert "tight" not in as_text(after, ".json")
    page = render_packet(after)
    assert "The words were removed." in page
    assert "tight" not in page


def test_number_of_another_shops_buyer_gives_nothing(world: World, story: ShopAtHand) -> None:
    world.shop("other.myshopify.com", line="+12025550189")
    packet = packet_of(world, domain="other.myshopify.com")
    assert packet["standing"]["known"] is False
    for part in ("consents", "opt_outs", "texts", "check_ins", "acts", "access"):
        assert packet[part] == [], part
    assert "Nothing is stored about this number in this shop." in render_packet(packet)


def test_page_masks_every_number_but_the_one_asked_for(world: World, story: ShopAtHand) -> None:
    page = render_packet(packet_of(world))
    assert "415-555-0199" not in page
    assert BUYER in page
    assert story.line not in page


def test_page_is_whole_in_itself_and_runs_nothing(world: World, story: ShopAtHand) -> None:
    page = render_packet(packet_of(world))
    for word in ("<script", "http://", "https://", "<img", "<link", "url("):
        assert word not in page, word


def test_what_a_buyer_wrote_is_never_markup(world: World) -> None:
    shop = world.shop()
    world.text(shop, "<script>alert(1)</script>")
    world.settle()
    page = render_packet(packet_of(world))
    assert "<script>" not in page
    assert "&lt;script&gt;" in page


def ask(world: World, *, token: str | None = None, phone: str = BUYER, accept: str = "*/*") -> Any:
    headers = {"Doorstep-Phone": phone, "Accept": accept}
    if token is not None:
        headers["Authorization"] = f"Bearer {token}"
    return world.client.get("/api/proof", headers=headers)


def test_staff_gets_the_packet_as_json_or_page(world: World, story: ShopAtHand) -> None:
    staffed(world, story)
    answer = ask(world, token=id_token(world, user=ADMIN))
    assert answer.status_code == 200
    assert answer.json["made_for"] == f"staff:{ADMIN}"
    assert len(answer.json["texts"]) >= 4
    assert answer.headers["Cache-Control"] == "no-store"
    page = ask(world, token=id_token(world, user=ADMIN), accept="text/html")
    assert page.mimetype == "text/html"
    assert BUYER in page.get_data(as_text=True)
    assert "style-src 'unsafe-inline'" in page.headers["Content-Security-Policy"]


def test_colleague_who_may_not_take_data_out_gets_no_packet(
    world: World, story: ShopAtHand
) -> None:
    staffed(world, story)
    looks = "SELECT count(*) FROM audit_entries WHERE detail ->> 'what' = 'proof packet'"
    assert ask(world, token=id_token(world, user=AGENT)).status_code == 403
    assert world.scalar(looks) == 0
    assert ask(world, token=id_token(world, user=OWNER)).status_code == 200
    assert world.scalar(looks) == 1


@pytest.mark.parametrize("token", [None, "forged", "stale", "other secret"])
def test_stranger_gets_no_packet(world: World, story: ShopAtHand, token: str | None) -> None:
    given = {
        "stale": id_token(world, age=300),
        "other secret": id_token(world, secret="somebody-elses-secret"),
    }.get(token or "", token)
    answer = ask(world, token=given)
    assert answer.status_code == 401
    assert ("X-Shopify-Retry-Invalid-Session-Request" in answer.headers) == (token == "stale")
    assert world.scalar("SELECT count(*) FROM audit_entries WHERE action = 'data.read'") == 0


def test_staff_of_another_shop_gets_nothing_of_this_one(world: World, story: ShopAtHand) -> None:
    world.shop("other.myshopify.com", line="+12025550189")
    open_page(world, "other.myshopify.com")
    answer = ask(world, token=id_token(world, domain="other.myshopify.com"))
    assert answer.status_code == 200
    assert answer.json["texts"] == []


def test_what_is_no_number_is_refused(world: World, story: ShopAtHand) -> None:
    open_page(world)
    answer = ask(world, token=id_token(world), phone="555")
    assert (answer.status_code, answer.json["error"]) == (400, "invalid_phone")


def test_command_writes_both_files_for_their_owners_eyes(
    world: World, story: ShopAtHand, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["proof", "--shop", DOMAIN, "--phone", "(415) 555-0142", "--out", str(tmp_path)]
    args = cli.parser().parse_args(arguments)
    args.run(world.ports, args)
    said = capsys.readouterr().out.split("\n")
    written = [Path(line) for line in said if line.startswith(str(tmp_path))]
    assert [path.suffix for path in written] == [".json", ".html"]
    assert check(json.loads(written[0].read_text())).endswith("whole")
    assert all(path.stat().st_mode & 0o077 == 0 for path in written)
    assert all("0142" not in path.name for path in written)


def run_verify(world: World, *options: str) -> int:
    args = cli.parser().parse_args(["audit", "verify", *options])
    try:
        args.run(world.ports, args)
    except SystemExit as end:
        return int(str(end.code))
    return 0


def test_verify_command_says_what_was_checked_and_fails_on_a_break(
    world: World, story: ShopAtHand, capsys: pytest.CaptureFixture[str]
) -> None:
    packet_of(world)
    assert run_verify(world, "--shop", DOMAIN) == 0
    assert "✓ whole" in capsys.readouterr().out
    text = world.texts(purpose="check_in")[0]
    world.execute("UPDATE messages SET author = 'agent' WHERE id = :id", id=text.id)
    assert run_verify(world, "--json") == 1
    [result] = json.loads(capsys.readouterr().out)
    assert result["whole"] is False
    assert (result["broken"]["ledger"], result["broken"]["row_id"]) == ("messages", text.id)


def test_photo_that_was_shown_and_kept_is_told_of(world: World, story: ShopAtHand) -> None:
    media_id = world.scalar("SELECT id FROM media WHERE state = 'stored'")
    token = sign_media_token(
        [world.ports.keys.signing_key], media_id, story.id, world.clock.now() + timedelta(hours=1)
    )
    assert world.client.get(f"/media/{token}").status_code == 200
    packet = packet_of(world)
    assert packet["texts"][1]["photos"] == 1
    assert ("holder of a signed address", "photo") in [
        (look["who"], look["detail"]["what"]) for look in packet["access"]
    ]
    [kept] = [act for act in packet["acts"] if act["action"] == "photo.stored"]
    key = world.scalar("SELECT storage_key FROM media WHERE id = :id", id=media_id)
    content = world.ports.media.get(key)
    assert kept["detail"]["sha256"] == hashlib.sha256(content).hexdigest()
