"""Connecting a Gorgias account, against the emulator."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from app.foundation.errors import Misconfigured, Permanent, Temporary
from app.helpdesk.ports import Disconnected, HelpdeskAccess
from app.vendors.gorgias.client import ACCESS_TOKEN_REFUSED, GorgiasClient
from app.vendors.gorgias.helpdesk import GorgiasHelpdesk
from app.vendors.gorgias.oauth import GorgiasAuthorisation, claims_of
from sandbox import clock
from tests.contracts.helpdesk_drivers import SandboxClock
from tests.vendors.gorgias_sandbox import SUBDOMAIN, EmulatedGorgias, running
from tests.vendors.test_zendesk_client import serving

CALLBACK = "https://app.doorstep.example/connect/gorgias/callback"
VERIFIER = "a-verifier-of-tests-that-is-long-enough-for-the-rfc"
CHALLENGE = (
    base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).decode().rstrip("=")
)
FIXTURES = Path(__file__).parents[1] / "fixtures" / "gorgias"


@pytest.fixture
def gorgias() -> Iterator[EmulatedGorgias]:
    with running() as emulated:
        yield emulated


def client(gorgias: EmulatedGorgias) -> GorgiasClient:
    template = gorgias.url.replace(SUBDOMAIN, "{subdomain}")
    return GorgiasClient(base_url=template, clock=SandboxClock())


def authorisation(gorgias: EmulatedGorgias, secret: str | None = None) -> GorgiasAuthorisation:
    return GorgiasAuthorisation(
        client(gorgias),
        client_id=gorgias.settings.gorgias_client_id,
        client_secret=secret or gorgias.settings.gorgias_client_secret,
        redirect_uri=CALLBACK,
        clock=SandboxClock(),
    )


def approve(url: str) -> dict[str, list[str]]:
    answer = httpx.post(url, data={"answer": "allow"}, trust_env=False)
    assert answer.status_code == 302, answer.text
    assert answer.headers["Location"].startswith(f"{CALLBACK}?account={SUBDOMAIN}&")
    return parse_qs(urlsplit(answer.headers["Location"]).query)


def test_connecting_yields_a_token_that_works_for_the_day_that_it_says(
    gorgias: EmulatedGorgias,
) -> None:
    oauth = authorisation(gorgias)
    back = approve(oauth.authorise_url(subdomain=SUBDOMAIN, state="ours", code_challenge=CHALLENGE))
    assert back["state"] == ["ours"]
    tokens = oauth.exchange(subdomain=SUBDOMAIN, code=back["code"][0], code_verifier=VERIFIER)
    assert timedelta(hours=23) < tokens.expires_at - clock.now() <= timedelta(hours=24)
    desk = GorgiasHelpdesk(client(gorgias), SandboxClock())
    at = HelpdeskAccess(1, SUBDOMAIN, tokens.access_token)
    assert desk.who_am_i(at) == "118"
    assert tokens.access_token not in repr(tokens)
    clock.advance(24 * 3600 + 1)
    with pytest.raises(Temporary) as refused:
        desk.who_am_i(at)
    assert (refused.value.code, refused.value.status) == (ACCESS_TOKEN_REFUSED, 401)
    fresh = oauth.refresh(subdomain=SUBDOMAIN, refresh_token=tokens.refresh_token)
    assert desk.who_am_i(HelpdeskAccess(1, SUBDOMAIN, fresh.access_token)) == "118"


def test_a_sign_in_of_another_is_refused(gorgias: EmulatedGorgias) -> None:
    oauth = authorisation(gorgias)
    url = oauth.authorise_url(subdomain=SUBDOMAIN, state="ours", code_challenge=CHALLENGE)
    with pytest.raises(Disconnected) as refused:
        oauth.exchange(subdomain=SUBDOMAIN, code=approve(url)["code"][0], code_verifier="guess")
    assert refused.value.code == "bad_nonce"


def test_a_revoked_refresh_token_disconnects(gorgias: EmulatedGorgias) -> None:
    gorgias.grant()
    with pytest.raises(Disconnected):
        authorisation(gorgias).refresh(subdomain=SUBDOMAIN, refresh_token="revoked")


def test_a_wrong_client_secret_is_our_installations_fault(gorgias: EmulatedGorgias) -> None:
    old = gorgias.grant()
    with pytest.raises(Misconfigured, match="GORGIAS_CLIENT_SECRET"):
        authorisation(gorgias, "wrong").refresh(
            subdomain=SUBDOMAIN, refresh_token=old["refresh_token"]
        )


def answering(said: Any) -> Any:
    from http.server import BaseHTTPRequestHandler

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            body = json.dumps(said).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            """Quiet."""

    return serving(Handler)


def exchange_at(address: str) -> Any:
    oauth = GorgiasAuthorisation(
        GorgiasClient(base_url=address, clock=SandboxClock()),
        client_id="id",
        client_secret="secret",
        redirect_uri=CALLBACK,
        clock=SandboxClock(),
    )
    return oauth.exchange(subdomain=SUBDOMAIN, code="code", code_verifier=VERIFIER)


def test_the_sample_answer_without_an_end_is_renewed_soon() -> None:
    sample = json.loads((FIXTURES / "oauth_token.json").read_text())["response"]["json"]
    with answering(sample) as address:
        tokens = exchange_at(address)
    assert tokens.refresh_token == "example-refresh-token"
    assert tokens.expires_at - datetime.now(UTC) <= timedelta(hours=1)


@pytest.mark.parametrize(
    "missing",
    [{}, [], None, {"access_token": "a.b.c"}, {"refresh_token": "r"}],
)
def test_an_answer_without_tokens_means_starting_again(missing: Any) -> None:
    with answering(missing) as address, pytest.raises(Disconnected):
        exchange_at(address)


@pytest.mark.parametrize(
    "token", [None, "", "a.b", "a.!!.c", "a.e30.c", "a.W10.c", "\u00e9.\u00e9.x"]
)
def test_what_is_no_token_claims_nothing(token: str | None) -> None:
    assert claims_of(token) == {}


@pytest.mark.parametrize(
    "subdomain", ["", "evil.example/", "a@b", "-acme", "acme.", "ACME", "a" * 64, "../x", "\u00e9"]
)
def test_what_is_no_subdomain_is_never_called(subdomain: str) -> None:
    line = GorgiasClient(base_url="https://{subdomain}.gorgias.com", clock=SandboxClock())
    with pytest.raises(Permanent) as raised:
        line.address(subdomain)
    assert raised.value.code == "bad_subdomain"
