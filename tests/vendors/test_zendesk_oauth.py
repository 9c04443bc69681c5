"""Connecting a Zendesk account, against the emulator."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from app.foundation.errors import Misconfigured, Permanent, Temporary, Unknowable
from app.helpdesk.ports import (
    Author,
    Comment,
    Disconnected,
    HelpdeskAccess,
)
from app.vendors.zendesk.client import ACCESS_TOKEN_REFUSED, MarketplaceApp, ZendeskClient
from app.vendors.zendesk.helpdesk import ZendeskHelpdesk
from app.vendors.zendesk.oauth import ZendeskAuthorisation
from sandbox import clock, faults
from tests.contracts.helpdesk_drivers import SandboxClock
from tests.vendors.zendesk_sandbox import SUBDOMAIN, EmulatedZendesk, running

CALLBACK = "https://app.doorstep.example/connect/zendesk/callback"
VERIFIER = "a-verifier-of-tests-that-is-long-enough-for-the-rfc"
CHALLENGE = (
    base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).decode().rstrip("=")
)
NOTE = Comment(Author.SYSTEM, ("Order #1042",), public=False)


@pytest.fixture
def zendesk() -> Iterator[EmulatedZendesk]:
    with running() as emulated:
        yield emulated


def client_of(base_url: str) -> ZendeskClient:
    return ZendeskClient(
        base_url=base_url, app=MarketplaceApp("12345", "99999"), clock=SandboxClock()
    )


def client(zendesk: EmulatedZendesk) -> ZendeskClient:
    return client_of(zendesk.url.replace(SUBDOMAIN, "{subdomain}"))


def access(zendesk: EmulatedZendesk, token: str | None = None) -> HelpdeskAccess:
    return HelpdeskAccess(1, SUBDOMAIN, token or zendesk.grant()["access_token"])


def authorisation(zendesk: EmulatedZendesk, secret: str | None = None) -> ZendeskAuthorisation:
    return ZendeskAuthorisation(
        client(zendesk),
        client_id=zendesk.settings.zendesk_client_id,
        client_secret=secret or zendesk.settings.zendesk_client_secret,
        redirect_uri=CALLBACK,
        clock=SandboxClock(),
    )


def approve(url: str) -> dict[str, list[str]]:
    answer = httpx.post(url, data={"answer": "allow"}, trust_env=False)
    assert answer.status_code == 302, answer.text
    assert answer.headers["Location"].startswith(f"{CALLBACK}?")
    return parse_qs(urlsplit(answer.headers["Location"]).query)


def test_connecting_yields_tokens_that_work(zendesk: EmulatedZendesk) -> None:
    oauth = authorisation(zendesk)
    back = approve(oauth.authorise_url(subdomain=SUBDOMAIN, state="ours", code_challenge=CHALLENGE))
    assert back["state"] == ["ours"]
    tokens = oauth.exchange(subdomain=SUBDOMAIN, code=back["code"][0], code_verifier=VERIFIER)
    assert tokens.expires_at - clock.now() <= timedelta(minutes=30)
    assert tokens.refresh_expires_at - clock.now() > timedelta(days=29)
    desk = ZendeskHelpdesk(client(zendesk))
    assert desk.who_am_i(access(zendesk, tokens.access_token)).isdigit()
    assert tokens.access_token not in repr(tokens)


def test_a_code_without_its_verifier_is_refused(zendesk: EmulatedZendesk) -> None:
    oauth = authorisation(zendesk)
    url = oauth.authorise_url(subdomain=SUBDOMAIN, state="ours", code_challenge=CHALLENGE)
    with pytest.raises(Disconnected):
        oauth.exchange(subdomain=SUBDOMAIN, code=approve(url)["code"][0], code_verifier="guess")


def test_refreshing_rotates_and_the_old_refresh_token_disconnects(
    zendesk: EmulatedZendesk,
) -> None:
    old, oauth = zendesk.grant(), authorisation(zendesk)
    new = oauth.refresh(subdomain=SUBDOMAIN, refresh_token=old["refresh_token"])
    desk = ZendeskHelpdesk(client(zendesk))
    assert desk.who_am_i(access(zendesk, new.access_token))
    with pytest.raises(Temporary) as refused:
        desk.who_am_i(access(zendesk, old["access_token"]))
    assert refused.value.code == ACCESS_TOKEN_REFUSED
    with pytest.raises(Disconnected):
        oauth.refresh(subdomain=SUBDOMAIN, refresh_token=old["refresh_token"])


def test_a_refresh_whose_answer_is_lost_is_unknowable(zendesk: EmulatedZendesk) -> None:
    old = zendesk.grant()
    faults.add("zendesk", "timeout_after_acting", operation="oauth.tokens", seconds=0, count=1)
    with pytest.raises(Unknowable):
        authorisation(zendesk).refresh(subdomain=SUBDOMAIN, refresh_token=old["refresh_token"])


def test_a_busy_token_endpoint_is_temporary(zendesk: EmulatedZendesk) -> None:
    old = zendesk.grant()
    faults.add("zendesk", "429", operation="oauth.tokens", retry_after=3, count=1)
    with pytest.raises(Temporary) as raised:
        authorisation(zendesk).refresh(subdomain=SUBDOMAIN, refresh_token=old["refresh_token"])
    assert raised.value.retry_after == 3


def test_a_wrong_client_secret_is_our_installations_fault(zendesk: EmulatedZendesk) -> None:
    old = zendesk.grant()
    with pytest.raises(Misconfigured, match="ZENDESK_CLIENT_SECRET"):
        authorisation(zendesk, "wrong").refresh(
            subdomain=SUBDOMAIN, refresh_token=old["refresh_token"]
        )


@pytest.mark.parametrize(
    "subdomain", ["", "evil.example/", "a@b", "-acme", "acme.", "ACME", "a" * 64, "../x", "é"]
)
def test_what_is_no_subdomain_is_never_called(subdomain: str) -> None:
    with pytest.raises(Permanent) as raised:
        client_of("https://{subdomain}.zendesk.com").address(subdomain)
    assert raised.value.code == "bad_subdomain"
