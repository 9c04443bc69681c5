"""Connecting a Zendesk account, against the emulator."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from app.foundation.errors import Misconfigured, Permanent, Refused, Temporary, Unknowable
from app.helpdesk.ports import (
    Author,
    Comment,
    Disconnected,
    HelpdeskAccess,
)
from app.vendors.zendesk.client import ACCESS_TOKEN_REFUSED, MarketplaceApp, ZendeskClient
from app.vendors.zendesk.helpdesk import ZendeskHelpdesk
from app.vendors.zendesk.oauth import ConnectStates, ZendeskAuthorisation
from sandbox import clock, faults
from tests.contracts.helpdesk_drivers import SandboxClock
from tests.vendors.zendesk_sandbox import SUBDOMAIN, EmulatedZendesk, running

CALLBACK = "https://app.doorstep.example/connect/zendesk/callback"
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
    states, oauth = ConnectStates("signing key"), authorisation(zendesk)
    begun = states.issue(shop_id=7, subdomain=SUBDOMAIN, now=clock.now())
    back = approve(
        oauth.authorise_url(
            subdomain=SUBDOMAIN, state=begun.state, code_challenge=begun.code_challenge
        )
    )
    held = states.read(back["state"][0], now=clock.now())
    assert (held.shop_id, held.subdomain, held.nonce) == (7, SUBDOMAIN, begun.nonce)
    tokens = oauth.exchange(
        subdomain=SUBDOMAIN, code=back["code"][0], code_verifier=held.code_verifier
    )
    assert tokens.expires_at - clock.now() <= timedelta(minutes=30)
    assert tokens.refresh_expires_at - clock.now() > timedelta(days=29)
    desk = ZendeskHelpdesk(client(zendesk))
    assert desk.who_am_i(access(zendesk, tokens.access_token)).isdigit()
    assert tokens.access_token not in repr(tokens)


def test_a_code_without_its_verifier_is_refused(zendesk: EmulatedZendesk) -> None:
    begun = ConnectStates("key").issue(shop_id=7, subdomain=SUBDOMAIN, now=clock.now())
    oauth = authorisation(zendesk)
    url = oauth.authorise_url(
        subdomain=SUBDOMAIN, state=begun.state, code_challenge=begun.code_challenge
    )
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


def test_states_of_others_and_late_ones_are_refused() -> None:
    states, now = ConnectStates("key"), clock.now()
    state = states.issue(shop_id=7, subdomain=SUBDOMAIN, now=now).state
    for forged in (
        ConnectStates("other").issue(shop_id=7, subdomain=SUBDOMAIN, now=now).state,
        state[:-2],
        "",
        "é",
    ):
        with pytest.raises(Refused) as raised:
            states.read(forged, now=now)
        assert raised.value.reason == "forged_state"
    with pytest.raises(Refused) as late:
        states.read(state, now=now + timedelta(minutes=11))
    assert late.value.reason == "late_state"


@pytest.mark.parametrize(
    "subdomain", ["", "evil.example/", "a@b", "-acme", "acme.", "ACME", "a" * 64, "../x", "é"]
)
def test_what_is_no_subdomain_is_never_called(subdomain: str) -> None:
    with pytest.raises(Permanent) as raised:
        client_of("https://{subdomain}.zendesk.com").address(subdomain)
    assert raised.value.code == "bad_subdomain"
