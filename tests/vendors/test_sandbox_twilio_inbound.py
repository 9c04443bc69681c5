"""The emulated Twilio when a buyer texts: webhook, retries, keywords of the carrier, photos."""

from __future__ import annotations

import base64
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import requests
from flask import Flask, Response

import sandbox.twilio
from sandbox.settings import Settings
from sandbox.twilio.couriers import overrides_of
from sandbox.world import World
from tests.vendors.twilio_sandbox import (
    BUYER,
    LINE,
    PIXEL,
    Place,
    open_place,
    refused,
    signed_rightly,
)


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    with open_place(tmp_path) as opened:
        yield opened


def test_inbound_text_is_posted_with_the_fields_of_the_vendor(place: Place) -> None:
    sent = place.text("Hi, one mug is cracked ", wait=True)
    assert sent["webhook"] == {"http_status": 200, "problem": ""}
    (webhook,) = place.receiver.got
    assert signed_rightly(place, webhook)
    assert webhook.form["Body"] == "Hi, one mug is cracked "
    assert webhook.form["From"] == BUYER and webhook.form["To"] == LINE
    assert webhook.form["SmsSid"] == webhook.form["MessageSid"] == sent["sid"]
    assert webhook.form["NumMedia"] == "0" and "OptOutType" not in webhook.form
    assert {"FromZip", "ToCountry", "NumSegments", "ApiVersion", "SmsStatus"} <= set(webhook.form)


def test_failing_door_is_tried_again_as_its_address_asks_then_the_fallback(place: Place) -> None:
    inbound = f"{place.receiver.url}/inbound#rc=2&rp=ct,rt,5xx"
    place.act("/twilio/_actions/numbers", phone=LINE, inbound_url=inbound)
    place.receiver.answers = [Response("down", 503) for _ in range(3)]
    place.text("are you there?", wait=True)
    paths = [one.url.rsplit("/", 1)[1] for one in place.receiver.got]
    assert paths == ["inbound", "inbound", "inbound", "fallback"]
    tokens = {one.headers["I-Twilio-Idempotency-Token"] for one in place.receiver.got[:3]}
    assert len(tokens) == 1
    assert place.receiver.got[3].form["ErrorCode"] == "11200"
    assert all(signed_rightly(place, one) for one in place.receiver.got)


def test_without_overrides_a_5xx_is_not_tried_again(place: Place) -> None:
    place.receiver.answers = [Response("down", 500)]
    place.text("are you there?", wait=True)
    assert [one.url.rsplit("/", 1)[1] for one in place.receiver.got] == ["inbound", "fallback"]


def test_answer_that_is_no_twiml_goes_to_the_fallback(place: Place) -> None:
    place.receiver.answers = [Response('{"ok":true}', content_type="application/json")]
    place.text("hello", wait=True)
    assert place.receiver.got[-1].form["ErrorCode"] == "12300"


def test_lost_webhook_is_still_in_the_list(place: Place) -> None:
    sid = place.text("nobody was told", lose_webhook=True)["sid"]
    assert [one.sid for one in place.client.messages.list(to=LINE)] == [sid]
    time.sleep(0.1)
    assert place.receiver.got == []


@pytest.mark.parametrize(
    ("kind", "stop", "start"), [("long_code", "Quit", "START"), ("toll_free", "stop", "unstop")]
)
def test_stop_is_answered_by_the_carrier_and_blocks_until_start(
    place: Place, kind: str, stop: str, start: str
) -> None:
    place.act("/twilio/_actions/numbers", phone=LINE, kind=kind)
    place.text(stop, wait=True)
    assert place.receiver.got[0].form["Body"] == stop
    assert "OptOutType" not in place.receiver.got[0].form
    answers = [one for one in place.ledger()["messages"] if one["automatic"]]
    assert len(answers) == 1
    assert refused(place.send).code == 21610
    place.text(start, wait=True)
    assert place.send().status == "accepted"


def test_toll_free_network_knows_no_other_word_than_stop(place: Place) -> None:
    place.act("/twilio/_actions/numbers", phone=LINE, kind="toll_free")
    place.text("CANCEL", wait=True)
    assert place.send().status == "accepted"


def test_advanced_opt_out_says_so_in_the_webhook(place: Place) -> None:
    place.act("/twilio/_actions/numbers", phone=LINE, kind="long_code", advanced_opt_out=True)
    for body, expected in (("help", "HELP"), ("Stop", "STOP"), ("START", "START")):
        place.text(body, wait=True)
        assert place.receiver.got[-1].form["OptOutType"] == expected
    place.text("please stop", wait=True)
    assert "OptOutType" not in place.receiver.got[-1].form


def test_photo_needs_auth_and_redirects_to_a_host_that_refuses_it(place: Place) -> None:
    photo = {"content_type": "image/png", "base64": base64.b64encode(PIXEL).decode()}
    sid = place.text("see photo", media=[photo], wait=True)["sid"]
    form = place.receiver.got[0].form
    assert sid.startswith("MM") and form["NumMedia"] == "1"
    assert form["MediaContentType0"] == "image/png"
    url = form["MediaUrl0"]
    assert httpx.get(url).status_code == 401
    auth = (place.settings.twilio_account_sid, place.settings.twilio_auth_token)
    first = httpx.get(url, auth=auth)
    assert first.status_code == 307
    target = first.headers["Location"]
    assert httpx.URL(target).host != httpx.URL(url).host
    assert httpx.get(target, auth=auth).status_code == 400
    assert httpx.get(target).content == PIXEL
    assert requests.get(url, auth=auth, timeout=5).content == PIXEL  # drops auth across hosts
    (listed,) = place.client.messages(sid).media.list()
    assert place.client.messages(sid).media(listed.sid).delete()
    assert httpx.get(url, auth=auth).status_code == 404
    assert httpx.get(target).status_code == 404


def test_snapshot_brings_threads_and_opt_outs_back(tmp_path: Path) -> None:
    settings = Settings(clock_path=tmp_path / "clock", state_path=tmp_path / "state")
    first = World(settings)
    app = Flask("first")
    app.register_blueprint(sandbox.twilio.create_blueprint(first))
    body = {"from": BUYER, "to": LINE, "body": "STOP"}
    assert app.test_client().post("/twilio/_actions/text", json=body).status_code == 201
    first.stop()
    second = World(settings)
    again = Flask("second")
    again.register_blueprint(sandbox.twilio.create_blueprint(second))
    thread = again.test_client().get(f"/twilio/_ui/threads/{BUYER}").get_json()
    second.stop()
    assert thread["opted_out"] is True
    assert [one["mine"] for one in thread["messages"]] == [True, False]


def test_overrides_out_of_range_are_ignored() -> None:
    plain = overrides_of("")
    assert overrides_of("rc=9&rp=sometimes&ct=1") == plain
    asked = overrides_of("rc=3&rp=ct,rt,5xx&rt=2000")
    assert (asked.retries, asked.policy, asked.read) == (3, {"ct", "rt", "5xx"}, 2.0)
