"""What every SmsProvider does, on the fake and on Twilio's adapter against the emulator."""

from __future__ import annotations

import base64
import threading
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol

import httpx
import pytest
from flask import Flask
from werkzeug.serving import make_server

import sandbox.twilio
from app.foundation.clock import SystemClock
from app.foundation.errors import Permanent, Temporary, Unknowable
from app.messaging.ports import (
    CodeAction,
    InboundText,
    MediaFile,
    OutboundText,
    Rejected,
    SenderAccess,
    SmsProvider,
)
from app.messaging.states import STATE_OF_STATUS
from app.vendors.fake.sms import FakeSms
from app.vendors.twilio.provider import TwilioProvider
from sandbox import faults
from sandbox.settings import Settings
from sandbox.world import World

LINE, OTHER_LINE = "+18885550188", "+18885550199"
BUYER, OTHER_BUYER = "+16175550142", "+14155550142"
PHOTO = MediaFile(content=b"\xff\xd8\xff" + bytes(5000), content_type="image/jpeg")


class Stage(Protocol):
    """A provider, and the world around it as a test arranges it."""

    provider: SmsProvider
    access: SenderAccess
    other_access: SenderAccess

    def opt_out(self, phone: str) -> None: ...
    def refuse_next(self) -> None:
        """The next send meets "too many requests"."""

    def lose_next_answer(self) -> None:
        """The next send is taken, and its answer never arrives."""

    def buyer_texts(
        self, access: SenderAccess, phone: str, body: str, photos: Sequence[MediaFile] = ()
    ) -> None: ...


class FakeStage:
    def __init__(self) -> None:
        self.provider = self._fake = FakeSms(SystemClock())
        self.access = SenderAccess(1, "AC" + "0" * 32, "token", "MG" + "0" * 32, LINE, "k3y")
        self.other_access = replace(
            self.access, sender_id=2, account_sid="AC" + "1" * 32, phone=OTHER_LINE
        )

    def opt_out(self, phone: str) -> None:
        self._fake.opt_out(self.access, phone)

    def refuse_next(self) -> None:
        self._fake.fail_next(Temporary("fake", "too many requests", code="20429", status=429))

    def lose_next_answer(self) -> None:
        self._fake.fail_next(Unknowable("fake", "the line broke"))

    def buyer_texts(
        self, access: SenderAccess, phone: str, body: str, photos: Sequence[MediaFile] = ()
    ) -> None:
        self._fake.receive(access, from_phone=phone, body=body, photos=photos)


class TwilioStage:
    def __init__(self, url: str, http: httpx.Client) -> None:
        self._http = http
        self.provider = TwilioProvider(base_url=url, public_url="http://127.0.0.1:9")
        self.access = self._line(LINE)
        self.other_access = self._line(OTHER_LINE)

    def _line(self, phone: str) -> SenderAccess:
        answer = self._http.post("/_actions/numbers", json={"phone": phone, "mps": 100})
        assert answer.status_code == 201, answer.text
        line = answer.json()
        return SenderAccess(
            1, line["account_sid"], line["auth_token"], line["service_sid"], phone, "k3y"
        )

    def opt_out(self, phone: str) -> None:
        answer = self._http.post("/_actions/opt-outs", json={"to": LINE, "from": phone})
        assert answer.json()["opted_out"] == 1

    def refuse_next(self) -> None:
        faults.add("twilio", "429", operation="messages.create", count=1)

    def lose_next_answer(self) -> None:
        faults.add(
            "twilio", "timeout_after_acting", operation="messages.create", seconds=0, count=1
        )

    def buyer_texts(
        self, access: SenderAccess, phone: str, body: str, photos: Sequence[MediaFile] = ()
    ) -> None:
        media = [
            {"content_type": one.content_type, "base64": base64.b64encode(one.content).decode()}
            for one in photos
        ]
        text = {
            "from": phone,
            "to": access.phone,
            "body": body,
            "media": media,
            "lose_webhook": True,
        }
        answer = self._http.post("/_actions/text", json=text)
        assert answer.status_code == 201, answer.text


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    clock_path: Path = tmp_path_factory.mktemp("twilio") / "clock"
    world = World(Settings(clock_path=clock_path))
    program = Flask("emulated-twilio")
    program.register_blueprint(sandbox.twilio.create_blueprint(world))
    server = make_server("127.0.0.1", 0, program, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/twilio"
    server.shutdown()
    thread.join(5)
    world.stop()


@pytest.fixture(params=["fake", "twilio"])
def stage(request: pytest.FixtureRequest) -> Iterator[Stage]:
    if request.param == "fake":
        yield FakeStage()
        return
    url = request.getfixturevalue("emulator")
    with httpx.Client(base_url=url, trust_env=False) as http:
        assert http.post("/_actions/reset").status_code == 204
        yield TwilioStage(url, http)
    faults.clear("twilio")


def a_text(body: str = "Did everything arrive okay?", to: str = BUYER) -> OutboundText:
    return OutboundText(message_id=7, to=to, body=body)


def a_minute_ago() -> datetime:
    return datetime.now(UTC) - timedelta(minutes=1)


def only_inbound(stage: Stage) -> InboundText:
    (text,) = stage.provider.list_inbound(stage.access, since=a_minute_ago())
    return text


def test_text_is_accepted_and_listed_under_its_sid(stage: Stage) -> None:
    accepted = stage.provider.send(stage.access, a_text("Hi, it's Ana — café? 🎉"))
    assert STATE_OF_STATUS[accepted.status] == "accepted"
    (sent,) = stage.provider.list_sent(stage.access, to=BUYER, since=a_minute_ago())
    assert sent.provider_sid == accepted.provider_sid
    assert sent.status in STATE_OF_STATUS
    assert (sent.to, sent.body, sent.error_code) == (BUYER, "Hi, it's Ana — café? 🎉", "")
    assert abs(sent.created_at - datetime.now(UTC)) < timedelta(seconds=30)


def test_same_text_twice_is_two_texts(stage: Stage) -> None:
    first = stage.provider.send(stage.access, a_text())
    second = stage.provider.send(stage.access, a_text())
    assert first.provider_sid != second.provider_sid


def test_opted_out_buyer_is_rejected_with_suppress_and_nothing_leaves(stage: Stage) -> None:
    stage.opt_out(BUYER)
    with pytest.raises(Rejected) as caught:
        stage.provider.send(stage.access, a_text())
    assert caught.value.action is CodeAction.SUPPRESS
    assert stage.provider.action_for(caught.value.code) is CodeAction.SUPPRESS
    assert stage.provider.list_sent(stage.access, to=BUYER, since=a_minute_ago()) == []


def test_too_many_requests_is_temporary_and_nothing_left(stage: Stage) -> None:
    stage.refuse_next()
    with pytest.raises(Temporary) as caught:
        stage.provider.send(stage.access, a_text())
    assert caught.value.code, "the merchant is told which limit it was"
    assert stage.provider.list_sent(stage.access, to=BUYER, since=a_minute_ago()) == []
    stage.provider.send(stage.access, a_text())


def test_lost_answer_is_unknowable_and_the_list_tells_that_it_left(stage: Stage) -> None:
    stage.lose_next_answer()
    with pytest.raises(Unknowable):
        stage.provider.send(stage.access, a_text("where did this go?"))
    (sent,) = stage.provider.list_sent(stage.access, to=BUYER, since=a_minute_ago())
    assert sent.body == "where did this go?"


def test_list_of_sent_holds_one_buyer_newest_first_since_then(stage: Stage) -> None:
    for body in ("one", "two"):
        stage.provider.send(stage.access, a_text(body))
    stage.provider.send(stage.access, a_text("else", to=OTHER_BUYER))
    stage.buyer_texts(stage.access, BUYER, "an answer")
    sent = stage.provider.list_sent(stage.access, to=BUYER, since=a_minute_ago())
    assert {one.body for one in sent} == {"one", "two"}
    assert [one.created_at for one in sent] == sorted(
        (one.created_at for one in sent), reverse=True
    )
    in_an_hour = datetime.now(UTC) + timedelta(hours=1)
    assert stage.provider.list_sent(stage.access, to=BUYER, since=in_an_hour) == []


def test_list_of_sent_includes_a_text_of_this_very_second(stage: Stage) -> None:
    since = datetime.now(UTC)
    stage.provider.send(stage.access, a_text())
    assert len(stage.provider.list_sent(stage.access, to=BUYER, since=since)) == 1


def test_missed_text_is_listed_with_words_phones_and_photos(stage: Stage) -> None:
    stage.buyer_texts(stage.access, BUYER, "it is cracked ", [PHOTO, PHOTO])
    text = only_inbound(stage)
    assert (text.from_phone, text.to_phone, text.body) == (BUYER, LINE, "it is cracked ")
    assert [one.content_type for one in text.media] == ["image/jpeg", "image/jpeg"]
    assert len({one.url for one in text.media}) == 2


def test_list_of_received_leaves_out_our_own_texts_and_older_ones(stage: Stage) -> None:
    stage.provider.send(stage.access, a_text())
    stage.buyer_texts(stage.access, BUYER, "yes")
    assert only_inbound(stage).body == "yes"
    in_an_hour = datetime.now(UTC) + timedelta(hours=1)
    assert stage.provider.list_inbound(stage.access, since=in_an_hour) == []


def test_two_shops_see_nothing_of_each_other(stage: Stage) -> None:
    stage.provider.send(stage.access, a_text())
    stage.buyer_texts(stage.access, BUYER, "yes")
    since = a_minute_ago()
    assert stage.provider.list_sent(stage.other_access, to=BUYER, since=since) == []
    assert stage.provider.list_inbound(stage.other_access, since=since) == []


def test_photo_arrives_whole_with_its_declared_type(stage: Stage) -> None:
    stage.buyer_texts(stage.access, BUYER, "", [PHOTO])
    (ref,) = only_inbound(stage).media
    file = stage.provider.fetch_media(stage.access, ref.url, max_bytes=len(PHOTO.content))
    assert (file.content, file.content_type) == (PHOTO.content, "image/jpeg")


def test_photo_over_the_cap_is_refused_for_good(stage: Stage) -> None:
    stage.buyer_texts(stage.access, BUYER, "", [PHOTO])
    (ref,) = only_inbound(stage).media
    with pytest.raises(Permanent) as caught:
        stage.provider.fetch_media(stage.access, ref.url, max_bytes=len(PHOTO.content) - 1)
    assert caught.value.code == "too_large"


def test_photo_of_another_shop_or_host_is_refused_for_good(stage: Stage) -> None:
    stage.buyer_texts(stage.access, BUYER, "", [PHOTO])
    (ref,) = only_inbound(stage).media
    for access, url in (
        (stage.other_access, ref.url),
        (stage.access, "http://169.254.169.254/latest/meta-data"),
    ):
        with pytest.raises(Permanent) as caught:
            stage.provider.fetch_media(access, url, max_bytes=10_000)
        assert caught.value.code == "foreign_media"


def test_deleted_photo_is_gone_and_deleting_it_again_is_fine(stage: Stage) -> None:
    stage.buyer_texts(stage.access, BUYER, "", [PHOTO])
    (ref,) = only_inbound(stage).media
    stage.provider.delete_media(stage.access, ref.url)
    stage.provider.delete_media(stage.access, ref.url)
    with pytest.raises(Temporary):
        stage.provider.fetch_media(stage.access, ref.url, max_bytes=10_000)


def test_settled_text_is_emptied_at_the_provider_and_again_is_fine(stage: Stage) -> None:
    stage.buyer_texts(stage.access, BUYER, "My dachshund ate it")
    text = only_inbound(stage)
    for _ in range(2):
        stage.provider.redact_text(stage.access, text.provider_sid)
    emptied = only_inbound(stage)
    assert (emptied.provider_sid, emptied.body) == (text.provider_sid, "")
    stage.provider.redact_text(stage.access, "SM" + "0" * 32)
