"""Photos from Twilio: who is asked, who gets the credentials, and how much is read."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from app.foundation.errors import Permanent, Temporary, VendorFailure
from app.vendors.twilio.media import may_follow
from app.vendors.twilio.provider import TwilioProvider
from tests.vendors.twilio_wire import (
    ACCESS,
    ACCOUNT,
    Answer,
    Wire,
    answer,
    cut,
    half_a_photo,
    say_nothing,
    serve,
)


@pytest.fixture
def wire() -> Iterator[Wire]:
    with serve() as served:
        yield served


@pytest.fixture
def provider(wire: Wire) -> TwilioProvider:
    return TwilioProvider(base_url=wire.url, public_url="https://care.example", read_seconds=0.3)


MEDIUM = f"/2010-04-01/Accounts/{ACCOUNT}/Messages/MM{'0' * 32}/Media/ME{'1' * 32}"


def test_credentials_go_to_the_first_host_only(wire: Wire, provider: TwilioProvider) -> None:
    elsewhere = wire.url.replace("127.0.0.1", "localhost") + "/_cdn/x"
    picture = answer(200, b"jpeg", "Content-Type: image/JPEG; charset=x\r\n")
    wire.answers = [answer(307, b"", f"Location: {elsewhere}\r\n"), picture]
    file = provider.fetch_media(ACCESS, wire.url + MEDIUM, max_bytes=10)
    assert (file.content, file.content_type) == (b"jpeg", "image/jpeg")
    assert ["authorization" in one.headers for one in wire.asked] == [True, False]


@pytest.mark.parametrize(
    "where",
    [
        "http://169.254.169.254/latest",
        "https://evil.example/x",
        "https://mms.twiliocdn.com/x",
        "file:///etc/passwd",
        "//evil.example/x",
        "http://127.0.0.1:1/x",
        "http://[",
        "",
    ],
)
def test_redirect_to_a_stranger_is_refused_unasked(
    wire: Wire, provider: TwilioProvider, where: str
) -> None:
    wire.answers = [answer(307, b"", f"Location: {where}\r\n"), answer(400, b"")]
    with pytest.raises(Permanent):
        provider.fetch_media(ACCESS, wire.url + MEDIUM, max_bytes=10)
    assert all("authorization" not in one.headers for one in wire.asked[1:])


@pytest.mark.parametrize(
    ("url", "allowed"),
    [
        ("https://media.twiliocdn.com/AC/x", True),
        ("https://mms.twiliocdn.com/AC/x?Expires=1", True),
        ("https://api.twilio.com/x", True),
        ("https://s3-external-1.amazonaws.com/media.twiliocdn.com/AC/x", True),
        ("https://s3-external-1.amazonaws.com/evil-bucket/x", False),
        ("https://s3-external-1.amazonaws.com/media.twiliocdn.com/../evil/x", False),
        ("http://media.twiliocdn.com/x", False),
        ("https://media.twiliocdn.com:8443/x", False),
        ("https://media.twiliocdn.com@evil.example/x", False),
        ("https://user@media.twiliocdn.com/x", False),
        ("https://twiliocdn.com.evil.example/x", False),
        ("https://eviltwiliocdn.com/x", False),
        ("https://localhost/x", False),
        ("https://127.0.0.1/x", False),
    ],
)
def test_in_production_redirects_lead_only_to_twilios_hosts(url: str, allowed: bool) -> None:
    assert may_follow(url, urlsplit("https://api.twilio.com")) is allowed


@pytest.mark.parametrize(
    "path",
    [
        MEDIUM.replace(ACCOUNT, "AC" + "f" * 32),
        MEDIUM + "/../../../x",
        MEDIUM + "?x=1",
        MEDIUM.replace("/Media/", "/Media/%2e%2e/"),
        f"/2010-04-01/Accounts/{ACCOUNT}/Messages.json",
        ".evil.example" + MEDIUM,
        "@evil.example" + MEDIUM,
    ],
)
def test_address_that_is_not_a_medium_of_the_account_is_refused_unasked(
    wire: Wire, provider: TwilioProvider, path: str
) -> None:
    with pytest.raises(Permanent) as caught:
        provider.fetch_media(ACCESS, wire.url + path, max_bytes=10)
    assert caught.value.code == "foreign_media"
    assert wire.asked == []


def endless(line: socket.socket) -> None:
    """A body that promises nothing and never ends, until the reader hangs up."""
    line.sendall(b"HTTP/1.1 200 X\r\nTransfer-Encoding: chunked\r\n\r\n")
    for _ in range(10_000):
        try:
            line.sendall(b"10000\r\n" + b"x" * 0x10000 + b"\r\n")
        except OSError:
            return
    pytest.fail("the reader never hung up")


@pytest.mark.parametrize("told", [endless, answer(200, b"x" * 101)], ids=["endless", "declared"])
def test_body_over_the_cap_is_refused_without_reading_it_all(
    wire: Wire, provider: TwilioProvider, told: Answer
) -> None:
    wire.answers = [told]
    with pytest.raises(Permanent) as caught:
        provider.fetch_media(ACCESS, wire.url + MEDIUM, max_bytes=100)
    assert caught.value.code == "too_large"


@pytest.mark.parametrize(
    ("told", "failure"),
    [
        (answer(404, b""), Temporary),
        (answer(429, b""), Temporary),
        (answer(502, b""), Temporary),
        (cut, Temporary),
        (half_a_photo, Temporary),
        (say_nothing, Temporary),
        (answer(401, b""), Permanent),
        (answer(410, b""), Permanent),
        (answer(307, b"", f"Location: {MEDIUM}\r\n"), Permanent),
    ],
    ids=["404", "429", "502", "cut", "half", "slow", "401", "410", "redirects in a circle"],
)
def test_photo_that_cannot_be_had_is_temporary_or_permanent(
    wire: Wire, provider: TwilioProvider, told: Answer, failure: type[VendorFailure]
) -> None:
    wire.answers = [told]
    with pytest.raises(failure):
        provider.fetch_media(ACCESS, wire.url + MEDIUM, max_bytes=10_000)
    assert len(wire.asked) <= 4


def test_deleting_asks_for_this_medium_and_accepts_that_it_is_gone(
    wire: Wire, provider: TwilioProvider
) -> None:
    wire.answers = [b"HTTP/1.1 204 X\r\nContent-Length: 0\r\n\r\n", answer(404, {"code": 20404})]
    provider.delete_media(ACCESS, wire.url + MEDIUM)
    provider.delete_media(ACCESS, wire.url + MEDIUM)
    assert {one.line for one in wire.asked} == {f"DELETE /twilio{MEDIUM}.json HTTP/1.1"}


@pytest.mark.parametrize("told", [cut, say_nothing, answer(500, b""), answer(429, b"")])
def test_deleting_over_a_broken_line_is_temporary(
    wire: Wire, provider: TwilioProvider, told: Answer
) -> None:
    wire.answers = [told]
    with pytest.raises(Temporary):
        provider.delete_media(ACCESS, wire.url + MEDIUM)
