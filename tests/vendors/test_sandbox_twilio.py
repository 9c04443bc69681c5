"""The emulated Twilio, driven by twilio-python itself and by a receiver of its webhooks.

What Doorstep's tests believe of Twilio they learn from this emulator, so it has tests of its own:
statuses, list filters, faults, what is refused. Buyers' texts have a file of their own.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import requests
from twilio.base.exceptions import TwilioException
from twilio.rest import Client

from sandbox import clock, faults
from sandbox.twilio import segments
from tests.vendors.twilio_sandbox import (
    BUYER,
    LINE,
    Place,
    open_place,
    refused,
    signed_rightly,
    wait_for,
)


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    with open_place(tmp_path) as opened:
        yield opened


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
