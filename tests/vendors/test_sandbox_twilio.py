"""The emulated Twilio, driven by twilio-python itself and by a receiver of its webhooks.

What Doorstep's tests believe of Twilio they learn from this emulator, so it has tests of its own:
signatures, statuses, retries, opt-outs, media, list filters, faults.
"""

from __future__ import annotations

import base64
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import requests
from flask import Flask, Response, request
from twilio.base.exceptions import TwilioException, TwilioRestException
from twilio.http.http_client import TwilioHttpClient
from twilio.request_validator import RequestValidator
from twilio.rest import Client
from werkzeug.serving import make_server

import sandbox.twilio
from sandbox import clock, faults, switches
from sandbox.settings import Settings
from sandbox.twilio import segments
from sandbox.twilio.couriers import overrides_of
from sandbox.world import World

BUYER = "+14155550142"
LINE = "+18885550188"
PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
)


@dataclass
class Serving:
    """A Flask program on a free port of this machine."""

    app: Flask
    url: str = ""
    _stop: Callable[[], None] = field(default=lambda: None)

    def start(self, port: int = 0) -> Serving:
        server = make_server("127.0.0.1", port, self.app, threaded=True)
        self.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        self._stop = server.shutdown
        return self

    def stop(self) -> None:
        self._stop()


@dataclass
class Received:
    url: str
    form: dict[str, str]
    headers: dict[str, str]


class Receiver:
    """Stands where Doorstep stands: records webhooks and answers as it is told."""

    def __init__(self) -> None:
        self.got: list[Received] = []
        self.answers: list[Response] = []
        app = Flask("receiver")
        app.add_url_rule("/<path:path>", view_func=self._take, methods=["GET", "POST"])
        self.serving = Serving(app).start()
        self.url = self.serving.url

    def _take(self, path: str) -> Response:
        if request.method == "GET":
            return Response(PIXEL, content_type="image/png")
        raw = request.environ["RAW_URI"]
        self.got.append(Received(self.url + raw, request.form.to_dict(), dict(request.headers)))
        answer = self.answers.pop(0) if self.answers else None
        return answer or Response("<Response/>", content_type="text/xml")

    def wait(self, count: int, kind: str = "") -> list[Received]:
        """The webhooks of a kind (part of the path), once there are so many."""
        wait_for(lambda: len([one for one in self.got if kind in one.url]) >= count)
        return [one for one in self.got if kind in one.url]


def wait_for(condition: Callable[[], object], seconds: float = 5.0) -> None:
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "it did not happen in time"
        time.sleep(0.01)


@dataclass
class Place:
    """A sandbox with only Twilio in it, a receiver, and a client of twilio-python."""

    url: str
    settings: Settings
    client: Client
    receiver: Receiver

    def send(self, body: str = "Hi Ana, did everything arrive okay?", **more: Any) -> Any:
        more.setdefault("to", BUYER)
        more.setdefault("messaging_service_sid", self.settings.twilio_service_sid)
        return self.client.messages.create(body=body, **more)

    def act(self, path: str, **body: Any) -> Any:
        response = httpx.post(f"{self.url}{path}", json=body)
        assert response.status_code < 300, response.text
        return response.json()

    def text(self, body: str, **more: Any) -> Any:
        return self.act(
            "/twilio/_actions/text", **{"from": BUYER, "to": LINE, "body": body, **more}
        )

    def ledger(self, to: str = BUYER) -> Any:
        return httpx.get(f"{self.url}/twilio/_ledger", params={"to": to}).json()

    def status_of(self, sid: str) -> str:
        return str(self.client.messages(sid).fetch().status)


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    port = free_port()
    settings = Settings(port=port, url=f"http://127.0.0.1:{port}", clock_path=tmp_path / "clock")
    clock.use_file(settings.clock_path)
    faults.clear()
    world = World(settings)
    app = Flask("sandbox")
    app.register_blueprint(switches.create_blueprint(world))
    app.register_blueprint(sandbox.twilio.create_blueprint(world))
    serving = Serving(app).start(port)
    receiver = Receiver()
    client = Client(
        settings.twilio_account_sid,
        settings.twilio_auth_token,
        http_client=TwilioHttpClient(timeout=5),
    )
    client.api.base_url = f"{serving.url}/twilio"
    place = Place(serving.url, settings, client, receiver)
    place.act("/twilio/_actions/pace", sent_after=0.01, delivered_after=0.01)
    place.act(
        "/twilio/_actions/numbers",
        phone=LINE,
        mps=1000,
        inbound_url=f"{receiver.url}/inbound",
        fallback_url=f"{receiver.url}/fallback",
    )
    yield place
    faults.clear()
    clock.set_offset(0)
    world.stop()
    serving.stop()
    receiver.serving.stop()


def refused(call: Callable[[], object]) -> TwilioRestException:
    with pytest.raises(TwilioRestException) as caught:
        call()
    return caught.value


def signed_rightly(place: Place, webhook: Received) -> bool:
    validator = RequestValidator(place.settings.twilio_auth_token)
    signature = webhook.headers["X-Twilio-Signature"]
    return bool(validator.validate(webhook.url, webhook.form, signature))


def test_text_passes_through_all_statuses_and_calls_back_signed(place: Place) -> None:
    sent = place.send(status_callback=f"{place.receiver.url}/status?m=7#rc=3&rp=ct,rt,5xx")
    assert sent.status == "accepted" and sent.from_ is None and sent.num_segments == "0"
    calls = place.receiver.wait(4, "/status")
    assert {one.form["MessageStatus"] for one in calls} == {
        "queued",
        "sending",
        "sent",
        "delivered",
    }
    for call in calls:
        assert call.url.endswith("/status?m=7")
        assert call.form["MessageSid"] == sent.sid
        assert call.form["MessagingServiceSid"] == place.settings.twilio_service_sid
        assert signed_rightly(place, call)
    final = place.client.messages(sent.sid).fetch()
    assert (final.status, final.from_, final.error_code) == ("delivered", LINE, None)
    assert final.date_sent is not None


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({"to": "4155550142"}, 21211),
        ({"to": "+15005550009"}, 21614),
        ({"body": ""}, 21602),
        ({"body": "x" * 1601}, 21617),
        ({"messaging_service_sid": "MG" + "f" * 32}, 21705),
        ({"validity_period": 0}, 21624),
        ({"validity_period": 36001}, 21624),
        ({"status_callback": "door"}, 21609),
        ({"media_url": ["http://127.0.0.1/x"] * 11}, 21623),
        ({"message_intent": "spam"}, 20001),
    ],
)
def test_bad_parameter_is_refused_with_its_code(
    place: Place, params: dict[str, Any], code: int
) -> None:
    error = refused(lambda: place.send(**params))
    assert error.code == code and error.status == 400
    assert place.ledger()["count"] == 0


def test_unknown_parameter_and_wrong_token_are_refused(place: Place) -> None:
    account = place.settings.twilio_account_sid
    url = f"{place.url}/twilio/2010-04-01/Accounts/{account}/Messages.json"
    form = {"To": BUYER, "Body": "hi", "MessagingServiceSid": place.settings.twilio_service_sid}
    right = (account, place.settings.twilio_auth_token)
    assert httpx.post(url, data={**form, "Tone": "kind"}, auth=right).json()["code"] == 20001
    wrong = httpx.post(url, data=form, auth=(account, "guess"))
    assert wrong.status_code == 401 and wrong.json()["code"] == 20003
    assert httpx.post(url, data=form).status_code == 401
    assert place.ledger()["count"] == 0


def test_list_filters_by_phone_and_date_and_pages(place: Place) -> None:
    sids = [place.send(f"text {number}").sid for number in range(5)]
    place.send("to somebody else", to="+14155550143")
    place.text("hello")
    listed = place.client.messages.list(to=BUYER, page_size=2)
    assert [one.sid for one in listed] == sids[::-1]
    assert [one.direction for one in place.client.messages.list(from_=BUYER)] == ["inbound"]
    here = datetime.now(UTC)
    early, late = here - timedelta(minutes=1), here + timedelta(minutes=1)
    assert len(place.client.messages.list(to=BUYER, date_sent_after=early)) == 5
    assert place.client.messages.list(to=BUYER, date_sent_after=late) == []
    assert place.client.messages.list(to=BUYER, date_sent_before=early) == []
    assert len(place.client.messages.list(to=LINE)) == 1


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


def test_outbound_photo_is_fetched_and_a_bad_one_fails_the_text(place: Place) -> None:
    good = place.send(media_url=[f"{place.receiver.url}/photo.png"])
    assert good.sid.startswith("MM")
    bad = place.send(media_url=["http://127.0.0.1:9/none.png"])
    wait_for(lambda: place.status_of(good.sid) == "delivered")
    wait_for(lambda: place.status_of(bad.sid) == "failed")
    assert place.client.messages(bad.sid).fetch().error_code == 11200


@pytest.mark.parametrize(
    ("code", "status"),
    [(30003, "undelivered"), (30007, "undelivered"), (30034, "undelivered"), (30001, "failed")],
)
def test_phone_with_a_carrier_error_fails_after_acceptance(
    place: Place, code: int, status: str
) -> None:
    place.act("/twilio/_actions/phones", phone=BUYER, code=code)
    place.send(status_callback=f"{place.receiver.url}/status")
    wait_for(lambda: any("ErrorCode" in one.form for one in place.receiver.got))
    last = next(one for one in place.receiver.got if "ErrorCode" in one.form)
    assert (last.form["MessageStatus"], last.form["ErrorCode"]) == (status, str(code))


@pytest.mark.parametrize("code", [21211, 21610, 21614])
def test_phone_refused_at_the_door(place: Place, code: int) -> None:
    place.act("/twilio/_actions/phones", phone=BUYER, code=code)
    assert refused(place.send).code == code
    assert place.ledger()["count"] == 0


def test_backlog_longer_than_the_validity_fails_with_30036(place: Place) -> None:
    place.act("/sandbox/faults", vendor="twilio", kind="carrier_backlog")
    short = place.send(validity_period=3600)
    long = place.send(validity_period=36000)
    wait_for(lambda: place.status_of(short.sid) == "queued")
    place.act("/sandbox/clock", advance_seconds=7200)
    wait_for(lambda: place.status_of(short.sid) == "failed")
    assert place.client.messages(short.sid).fetch().error_code == 30036
    assert place.status_of(long.sid) == "queued"
    faults.clear()
    wait_for(lambda: place.status_of(long.sid) == "delivered")


def test_number_takes_only_its_segments_a_second(place: Place) -> None:
    place.act("/twilio/_actions/numbers", phone=LINE, mps=10)
    started = time.monotonic()
    sids = [place.send(f"text {number}").sid for number in range(6)]
    wait_for(lambda: all(place.status_of(sid) == "delivered" for sid in sids))
    assert time.monotonic() - started >= 0.5


def test_scheduled_text_waits_for_its_time_and_can_be_canceled(place: Place) -> None:
    when = clock.now() + timedelta(hours=1)
    kept = place.send(send_at=when, schedule_type="fixed")
    dropped = place.send(send_at=when, schedule_type="fixed")
    assert kept.status == "scheduled"
    place.client.messages(dropped.sid).update(status="canceled")
    place.act("/sandbox/clock", advance_seconds=3700)
    wait_for(lambda: place.status_of(kept.sid) == "delivered")
    assert place.status_of(dropped.sid) == "canceled"
    assert refused(lambda: place.client.messages(kept.sid).update(status="canceled")).code == 20009


def test_redaction_empties_the_body_and_nothing_else_may_be_written(place: Place) -> None:
    sent = place.send()
    wait_for(lambda: place.status_of(sent.sid) == "delivered")
    assert refused(lambda: place.client.messages(sent.sid).update(body="other")).code == 20001
    assert place.client.messages(sent.sid).update(body="").body == ""


def test_time_out_after_acting_leaves_an_accepted_text(place: Place) -> None:
    place.act(
        "/sandbox/faults",
        vendor="twilio",
        operation="messages.create",
        kind="timeout_after_acting",
        seconds=0.2,
        count=1,
    )
    with pytest.raises((requests.RequestException, TwilioException)):
        place.send()
    assert place.ledger()["count"] == 1
    assert place.send().status == "accepted"


def test_refusing_faults_do_not_act(place: Place) -> None:
    for kind, status in (("429", 429), ("5xx", 503)):
        place.act("/sandbox/faults", vendor="twilio", kind=kind, count=1)
        assert refused(place.send).status == status
    place.act("/sandbox/faults", vendor="twilio", kind="cut_connection", count=1)
    with pytest.raises(requests.RequestException):
        place.send()
    assert place.ledger()["count"] == 0


def test_callbacks_can_be_doubled_and_dropped(place: Place) -> None:
    callback = f"{place.receiver.url}/status"
    place.act("/sandbox/faults", vendor="twilio", operation="status", kind="duplicate")
    place.send(status_callback=callback)
    assert len(place.receiver.wait(8, "/status")) == 8
    faults.clear()
    place.act("/sandbox/faults", vendor="twilio", operation="status", kind="drop")
    sent = place.send(status_callback=callback)
    wait_for(lambda: place.status_of(sent.sid) == "delivered")
    time.sleep(0.1)
    assert len(place.receiver.got) == 8


def test_two_accounts_do_not_see_each_other(place: Place) -> None:
    other = place.act("/twilio/_actions/numbers", phone="+18885550199")
    mine = place.send()
    stranger = Client(other["account_sid"], other["auth_token"])
    stranger.api.base_url = f"{place.url}/twilio"
    assert stranger.messages.list() == []
    assert refused(lambda: stranger.messages(mine.sid).fetch()).status == 404
    service = place.settings.twilio_service_sid
    error = refused(
        lambda: stranger.messages.create(to=BUYER, body="hi", messaging_service_sid=service)
    )
    assert error.code == 21705


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


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("a" * 160, 1),
        ("a" * 161, 2),
        ("a" * 307, 3),
        ("€" * 80, 1),
        ("€" * 81, 2),
        ("😀" * 35, 1),
        ("😀" * 36, 2),
        ("a" * 152 + "€" + "a" * 152, 3),
        ("it’s here", 1),
    ],
)
def test_segments_are_counted_as_the_carriers_do(text: str, count: int) -> None:
    assert segments.count(text) == count


def test_overrides_out_of_range_are_ignored() -> None:
    plain = overrides_of("")
    assert overrides_of("rc=9&rp=sometimes&ct=1") == plain
    asked = overrides_of("rc=3&rp=ct,rt,5xx&rt=2000")
    assert (asked.retries, asked.policy, asked.read) == (3, {"ct", "rt", "5xx"}, 2.0)
