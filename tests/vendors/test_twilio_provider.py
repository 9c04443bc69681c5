"""TwilioProvider on the wire: what it posts, and what it makes of every answer and broken line.

The port's contract suite covers what works; here a server of plain sockets answers as told.
"""

from __future__ import annotations

import logging
import os
import socket
import threading
import traceback
from base64 import b64decode
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from app.foundation.errors import Temporary, Unknowable, VendorFailure
from app.messaging.ports import CodeAction, Rejected
from app.vendors.twilio.provider import TwilioProvider
from tests.vendors.twilio_wire import (
    ACCESS,
    ACCOUNT,
    BUYER,
    SERVICE,
    SID,
    TAKEN,
    TEXT,
    Answer,
    Wire,
    answer,
    cut,
    half,
    say_nothing,
    serve,
)

SINCE = datetime(2026, 11, 23, tzinfo=UTC)


@pytest.fixture
def wire() -> Iterator[Wire]:
    with serve() as served:
        yield served


@pytest.fixture
def provider(wire: Wire) -> TwilioProvider:
    return TwilioProvider(base_url=wire.url, public_url="https://care.example", read_seconds=0.3)


def refusal(wire: Wire, provider: TwilioProvider, told: Answer) -> VendorFailure:
    wire.answers = [told]
    with pytest.raises(VendorFailure) as caught:
        provider.send(ACCESS, TEXT)
    assert len(wire.asked) == 1, "a send is never repeated"
    return caught.value


# --- What is posted


def test_send_posts_service_status_address_and_validity(
    wire: Wire, provider: TwilioProvider
) -> None:
    wire.answers = [answer(201, TAKEN)]
    body = "Hi — “it's” 🎉 50% & more"
    accepted = provider.send(ACCESS, replace(TEXT, body=body, validity_seconds=3600))
    assert (accepted.provider_sid, accepted.status) == (SID, "accepted")
    (asked,) = wire.asked
    assert asked.line == f"POST /twilio/2010-04-01/Accounts/{ACCOUNT}/Messages.json HTTP/1.1"
    assert dict(asked.form) == {
        "To": BUYER,
        "MessagingServiceSid": SERVICE,
        "Body": body,
        "StatusCallback": (
            "https://care.example/webhooks/twilio/k3y/status?m=42#rc=3&rp=ct,rt,5xx"
        ),
        "ValidityPeriod": "3600",
        "SmartEncoded": "false",
        "MessageIntent": "customercare",
    }
    kind, _, proof = asked.headers["authorization"].partition(" ")
    assert (kind, b64decode(proof).decode()) == ("Basic", f"{ACCOUNT}:s3cret-token")


def test_pictures_are_posted_one_field_each_and_an_empty_body_not_at_all(
    wire: Wire, provider: TwilioProvider
) -> None:
    wire.answers = [answer(201, TAKEN)]
    urls = ("https://care.example/media/a", "https://care.example/media/b")
    provider.send(ACCESS, replace(TEXT, body="", media_urls=urls))
    form = wire.asked[0].form
    assert [value for name, value in form if name == "MediaUrl"] == list(urls)
    assert "Body" not in dict(form)


def test_sender_without_a_messaging_service_is_paused_and_nothing_is_posted(
    wire: Wire, provider: TwilioProvider
) -> None:
    with pytest.raises(Rejected) as caught:
        provider.send(replace(ACCESS, messaging_service_sid=""), TEXT)
    assert caught.value.action is CodeAction.PAUSE_SENDER
    assert wire.asked == []


def test_one_thread_keeps_one_connection_for_all_accounts(
    wire: Wire, provider: TwilioProvider
) -> None:
    wire.answers = [answer(201, TAKEN)]
    other = replace(ACCESS, account_sid="AC" + "f" * 32, auth_token="other")
    for access in (ACCESS, other, ACCESS):
        provider.send(access, TEXT)
    assert wire.connections == 1
    proofs = [b64decode(one.headers["authorization"][6:]).decode() for one in wire.asked]
    assert proofs == [f"{ACCOUNT}:s3cret-token", f"AC{'f' * 32}:other", f"{ACCOUNT}:s3cret-token"]


def test_threads_do_not_share_a_connection(wire: Wire, provider: TwilioProvider) -> None:
    wire.answers = [answer(201, TAKEN)]
    provider.send(ACCESS, TEXT)
    thread = threading.Thread(target=provider.send, args=(ACCESS, TEXT))
    thread.start()
    thread.join(5)
    assert [one.connection for one in wire.asked] == [1, 2]


def test_forked_worker_does_not_share_its_parents_connection(
    wire: Wire, provider: TwilioProvider
) -> None:
    wire.answers = [answer(201, TAKEN)]
    provider.send(ACCESS, TEXT)
    child = os.fork()
    if child == 0:
        try:
            provider.send(ACCESS, TEXT)
            os._exit(0)
        finally:
            os._exit(1)
    assert os.waitpid(child, 0)[1] == 0
    provider.send(ACCESS, TEXT)
    assert [one.connection for one in wire.asked] == [1, 2, 1]


def test_environment_does_not_move_requests_to_another_edge(
    wire: Wire, provider: TwilioProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TWILIO_EDGE", "sydney")
    monkeypatch.setenv("TWILIO_REGION", "au1")
    wire.answers = [answer(201, TAKEN)]
    assert provider.send(ACCESS, TEXT).provider_sid == SID


# --- What becomes of answers


@pytest.mark.parametrize(
    ("status", "code", "action"),
    [
        (400, 21610, CodeAction.SUPPRESS),
        (400, 21211, CodeAction.FIX_DATA),
        (400, 21614, CodeAction.NOT_TEXTABLE),
        (400, 21612, CodeAction.RETRY_ONCE),
        (400, 21705, CodeAction.PAUSE_SENDER),
        (400, 30034, CodeAction.PAUSE_SENDER),
        (401, 20003, CodeAction.PAUSE_SENDER),
        (403, 99998, CodeAction.PAUSE_SENDER),
        (400, 99998, CodeAction.REVIEW),
        (404, 20404, CodeAction.PAUSE_SENDER),
        (307, 0, CodeAction.REVIEW),
    ],
)
def test_refusal_is_rejected_with_what_its_code_asks(
    wire: Wire, provider: TwilioProvider, status: int, code: int, action: CodeAction
) -> None:
    told = {"code": code or status, "message": "no", "more_info": "", "status": status}
    failure = refusal(wire, provider, answer(status, told))
    assert isinstance(failure, Rejected)
    assert (failure.code, failure.action) == (str(code or status), action)


def test_refusal_in_the_newer_problem_format_is_rejected_too(
    wire: Wire, provider: TwilioProvider
) -> None:
    problem = {"type": "https://t.example/21610", "title": "no", "status": 400, "code": 21610}
    failure = refusal(wire, provider, answer(400, problem))
    assert isinstance(failure, Rejected)
    assert (failure.code, failure.action) == ("21610", CodeAction.SUPPRESS)


@pytest.mark.parametrize("body", [b"<html>no</html>", b"", b"[]"])
def test_unreadable_refusal_is_rejected_for_review(
    wire: Wire, provider: TwilioProvider, body: bytes
) -> None:
    failure = refusal(wire, provider, answer(400, body))
    assert isinstance(failure, Rejected)
    assert (failure.code, failure.action) == ("400", CodeAction.REVIEW)


@pytest.mark.parametrize("status", [400, 429])
def test_full_queue_is_temporary_whatever_the_http_status(
    wire: Wire, provider: TwilioProvider, status: int
) -> None:
    failure = refusal(wire, provider, answer(status, {"code": 21611, "message": "full"}))
    assert isinstance(failure, Temporary)
    assert (failure.code, failure.status) == ("21611", status)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("Retry-After: 7\r\n", 7.0), ("", None), ("Retry-After: tomorrow\r\n", None)],
)
def test_too_many_requests_tells_how_long_to_wait_if_twilio_does(
    wire: Wire, provider: TwilioProvider, header: str, seconds: float | None
) -> None:
    failure = refusal(wire, provider, answer(429, {"code": 20429}, header))
    assert isinstance(failure, Temporary)
    assert (failure.code, failure.retry_after) == ("20429", seconds)


@pytest.mark.parametrize(
    "told",
    [
        answer(500, {"code": 20500, "message": "oops"}),
        answer(503, b"<html>busy</html>"),
        answer(408, b""),
        answer(201, b"<html>fine</html>"),
        answer(201, b"null"),
        answer(201, b""),
        answer(201, {"status": "accepted"}),
        answer(201, b"\xff\xfe"),
        cut,
        half,
        say_nothing,
    ],
    ids=["500", "503", "408", "html", "null", "empty", "no sid", "binary", "cut", "half", "slow"],
)
def test_answer_that_does_not_settle_the_matter_is_unknowable(
    wire: Wire, provider: TwilioProvider, told: Answer
) -> None:
    assert isinstance(refusal(wire, provider, told), Unknowable)


def test_refused_connection_is_temporary() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    provider = TwilioProvider(base_url=f"http://127.0.0.1:{port}", public_url="https://c.example")
    with pytest.raises(Temporary) as caught:
        provider.send(ACCESS, TEXT)
    assert caught.value.code == "no_connection"


def test_host_that_does_not_exist_is_temporary() -> None:
    provider = TwilioProvider(base_url="http://nowhere.invalid", public_url="https://c.example")
    with pytest.raises(Temporary):
        provider.send(ACCESS, TEXT)


@pytest.mark.parametrize("told", [cut, say_nothing, answer(503, b""), answer(200, b"<html>")])
def test_broken_line_while_reading_is_temporary(
    wire: Wire, provider: TwilioProvider, told: Answer
) -> None:
    wire.answers = [told]
    with pytest.raises(Temporary):
        provider.list_sent(ACCESS, to=BUYER, since=SINCE)
    with pytest.raises(Temporary):
        provider.list_inbound(ACCESS, since=SINCE)


def test_list_with_a_wrong_token_pauses_the_sender(wire: Wire, provider: TwilioProvider) -> None:
    wire.answers = [answer(401, {"code": 20003, "message": "Authenticate"})]
    with pytest.raises(Rejected) as caught:
        provider.list_inbound(ACCESS, since=SINCE)
    assert caught.value.action is CodeAction.PAUSE_SENDER


def test_list_of_received_follows_all_pages(wire: Wire, provider: TwilioProvider) -> None:
    def page(sid: str, following: str | None) -> bytes:
        record = {
            "sid": sid, "direction": "inbound", "from": "rcs:" + BUYER, "to": ACCESS.phone,
            "body": "hi", "num_media": "0", "status": "received",
            "date_created": "Mon, 23 Nov 2026 10:00:00 +0000",
        }  # fmt: skip
        return answer(200, {"messages": [record], "next_page_uri": following, "page": 0})

    where = f"/2010-04-01/Accounts/{ACCOUNT}/Messages.json?PageToken=PA1"
    wire.answers = [page("SM1", where), page("SM2", None)]
    texts = provider.list_inbound(ACCESS, since=SINCE)
    assert [(one.provider_sid, one.from_phone) for one in texts] == [("SM1", BUYER), ("SM2", BUYER)]
    assert wire.asked[1].line == f"GET /twilio{where} HTTP/1.1"


def test_sender_known_only_by_its_service_gets_only_that_services_texts(
    wire: Wire, provider: TwilioProvider
) -> None:
    records = [
        {"sid": f"SM{n}", "direction": "inbound", "from": BUYER, "to": "+12025550177",
         "body": "hi", "num_media": "0", "messaging_service_sid": service}
        for n, service in enumerate([SERVICE, "MG" + "f" * 32, None])
    ]  # fmt: skip
    wire.answers = [answer(200, {"messages": records, "next_page_uri": None})]
    texts = provider.list_inbound(replace(ACCESS, phone=""), since=SINCE)
    assert [one.provider_sid for one in texts] == ["SM0"]


# --- Nothing private leaks


def test_neither_log_nor_error_holds_a_phone_a_body_or_the_token(
    wire: Wire, provider: TwilioProvider, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    message = f"The 'To' number {BUYER} is not valid: {TEXT.body}"
    told = []
    for step in (answer(400, {"code": 21211, "message": message}), cut, answer(500, b""), half):
        wire.answers = [step]
        for call in (
            lambda: provider.send(ACCESS, TEXT),
            lambda: provider.list_sent(ACCESS, to=BUYER, since=SINCE),
        ):
            with pytest.raises(VendorFailure) as caught:
                call()
            told.append("".join(traceback.format_exception(caught.value)))
    told += [f"{record.name} {record.getMessage()}" for record in caplog.records]
    told += [repr(ACCESS), repr(TEXT)]
    for secret in ("4155550142", TEXT.body, ACCESS.auth_token):
        assert not [text for text in told if secret in text]


def test_text_still_on_its_way_is_emptied_later(wire: Wire, provider: TwilioProvider) -> None:
    wire.answers = [answer(400, {"code": 20009, "message": "not yet", "status": 400})]
    with pytest.raises(Temporary):
        provider.redact_text(ACCESS, SID)
    assert wire.asked[0].body == b"Body="
