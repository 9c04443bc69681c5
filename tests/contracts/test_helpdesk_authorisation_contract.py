"""What every helpdesk's OAuth must do: one suite for the fake and for each adapter."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from app.foundation.errors import Temporary, Unknowable
from app.helpdesk.ports import Disconnected, HelpdeskAuthorisation, Tokens
from app.vendors.fake.helpdesk_oauth import FakeAuthorisation
from app.vendors.gorgias.client import GorgiasClient
from app.vendors.gorgias.oauth import GorgiasAuthorisation
from app.vendors.zendesk.client import MarketplaceApp, ZendeskClient
from app.vendors.zendesk.oauth import ZendeskAuthorisation
from sandbox import clock, faults
from tests.contracts.helpdesk_drivers import SandboxClock
from tests.vendors import gorgias_sandbox
from tests.vendors.zendesk_sandbox import SUBDOMAIN, running

VERIFIER = "a verifier that nobody guesses, with more than forty characters"
CHALLENGE = (
    base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
)


@dataclass
class Office:
    oauth: HelpdeskAuthorisation
    approve: Callable[[str], tuple[str, str]]  # address -> code, state
    lose_answer: Callable[[], object]
    refuse_once: Callable[[], object]
    rotates: bool = True  # whether refreshing kills the old refresh token

    def connect(self) -> Tokens:
        url = self.oauth.authorise_url(subdomain=SUBDOMAIN, state="s1", code_challenge=CHALLENGE)
        code, state = self.approve(url)
        assert state == "s1"
        return self.oauth.exchange(subdomain=SUBDOMAIN, code=code, code_verifier=VERIFIER)


def fake_office() -> Office:
    oauth = FakeAuthorisation(SandboxClock())
    return Office(
        oauth,
        oauth.approve,
        lambda: oauth.fail_next(Unknowable("fake", "the line broke")),
        lambda: oauth.fail_next(Temporary("fake", "busy", retry_after=7)),
    )


def approve_over_http(url: str) -> tuple[str, str]:
    answer = httpx.post(url, data={"answer": "allow"}, trust_env=False)
    query = parse_qs(urlsplit(answer.headers["Location"]).query)
    return query["code"][0], query["state"][0]


@pytest.fixture(params=["fake", "zendesk", "gorgias"])
def office(request: pytest.FixtureRequest) -> Iterator[Office]:
    if request.param == "fake":
        yield fake_office()
    elif request.param == "zendesk":
        yield from zendesk_office()
    else:
        yield from gorgias_office()


def gorgias_office() -> Iterator[Office]:
    with gorgias_sandbox.running() as emulated:
        oauth = GorgiasAuthorisation(
            GorgiasClient(
                base_url=emulated.url.replace(SUBDOMAIN, "{subdomain}"), clock=SandboxClock()
            ),
            client_id=emulated.settings.gorgias_client_id,
            client_secret=emulated.settings.gorgias_client_secret,
            redirect_uri="https://app.doorstep.example/connect/gorgias/callback",
            clock=SandboxClock(),
        )
        at = "oauth.token"
        yield Office(
            oauth,
            approve_over_http,
            lambda: faults.add("gorgias", "timeout_after_acting", operation=at, seconds=0, count=1),
            lambda: faults.add("gorgias", "429", operation=at, retry_after=7, count=1),
            rotates=False,
        )


def zendesk_office() -> Iterator[Office]:
    with running() as emulated:
        client = ZendeskClient(
            base_url=emulated.url.replace(SUBDOMAIN, "{subdomain}"),
            app=MarketplaceApp("12345", "99999"),
            clock=SandboxClock(),
        )
        oauth = ZendeskAuthorisation(
            client,
            client_id=emulated.settings.zendesk_client_id,
            client_secret=emulated.settings.zendesk_client_secret,
            redirect_uri="https://app.doorstep.example/connect/zendesk/callback",
            clock=SandboxClock(),
        )
        at = "oauth.tokens"
        yield Office(
            oauth,
            approve_over_http,
            lambda: faults.add("zendesk", "timeout_after_acting", operation=at, seconds=0, count=1),
            lambda: faults.add("zendesk", "429", operation=at, retry_after=7, count=1),
        )


def test_a_code_becomes_tokens_with_ends(office: Office) -> None:
    tokens = office.connect()
    assert timedelta(0) < tokens.expires_at - clock.now() <= timedelta(hours=48)
    assert tokens.refresh_expires_at is None or tokens.refresh_expires_at > tokens.expires_at
    assert (tokens.refresh_expires_at is None) is not office.rotates
    assert tokens.access_token != tokens.refresh_token


def test_a_code_is_spent_once(office: Office) -> None:
    url = office.oauth.authorise_url(subdomain=SUBDOMAIN, state="s1", code_challenge=CHALLENGE)
    code, _ = office.approve(url)
    office.oauth.exchange(subdomain=SUBDOMAIN, code=code, code_verifier=VERIFIER)
    with pytest.raises(Disconnected):
        office.oauth.exchange(subdomain=SUBDOMAIN, code=code, code_verifier=VERIFIER)


def test_a_code_needs_its_verifier(office: Office) -> None:
    url = office.oauth.authorise_url(subdomain=SUBDOMAIN, state="s1", code_challenge=CHALLENGE)
    with pytest.raises(Disconnected):
        office.oauth.exchange(
            subdomain=SUBDOMAIN, code=office.approve(url)[0], code_verifier="guess"
        )


def test_refreshing_gives_a_new_pair_that_can_be_refreshed(office: Office) -> None:
    old = office.connect()
    new = office.oauth.refresh(subdomain=SUBDOMAIN, refresh_token=old.refresh_token)
    assert new.access_token != old.access_token
    if office.rotates:
        with pytest.raises(Disconnected):
            office.oauth.refresh(subdomain=SUBDOMAIN, refresh_token=old.refresh_token)
    else:
        assert new.refresh_token == old.refresh_token
    assert office.oauth.refresh(subdomain=SUBDOMAIN, refresh_token=new.refresh_token)


def test_a_lost_answer_to_refreshing_is_unknowable_and_asking_again_tells(office: Office) -> None:
    old = office.connect()
    office.lose_answer()
    with pytest.raises(Unknowable):
        office.oauth.refresh(subdomain=SUBDOMAIN, refresh_token=old.refresh_token)
    if office.rotates:
        with pytest.raises(Disconnected):
            office.oauth.refresh(subdomain=SUBDOMAIN, refresh_token=old.refresh_token)
    else:
        assert office.oauth.refresh(subdomain=SUBDOMAIN, refresh_token=old.refresh_token)


def test_a_lost_answer_to_a_code_means_starting_again(office: Office) -> None:
    office.connect()
    office.lose_answer()
    with pytest.raises(Disconnected):
        office.connect()
    assert office.connect()


def test_a_busy_helpdesk_leaves_the_pair_alive(office: Office) -> None:
    old = office.connect()
    office.refuse_once()
    with pytest.raises(Temporary) as raised:
        office.oauth.refresh(subdomain=SUBDOMAIN, refresh_token=old.refresh_token)
    assert raised.value.retry_after == 7
    clock.advance(8)
    assert office.oauth.refresh(subdomain=SUBDOMAIN, refresh_token=old.refresh_token)
    clock.set_offset(0)
