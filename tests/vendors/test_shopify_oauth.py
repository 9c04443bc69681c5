"""Tokens are exchanged and refreshed as Shopify documents it, and its refusals are understood."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from app.foundation.errors import Permanent, Refused, Temporary
from app.shops.ports import TokenDead
from app.vendors.shopify.oauth import ShopifyTokenSource
from app.vendors.shopify.session_token import StaleIdToken
from tests.vendors.shopify_stub import SHOP, Says, Stub, answering

AUTH = Path(__file__).parents[1] / "fixtures" / "shopify" / "auth"
NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


def sample(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((AUTH / name).read_text())
    return loaded


def source(stub: Stub) -> ShopifyTokenSource:
    return ShopifyTokenSource(base_url=stub.base_url, api_key="test-client-id", api_secret="hush")


def test_an_id_token_is_exchanged_for_an_expiring_pair() -> None:
    with answering(Says(sample("token_exchange.response.json"))) as stub:
        tokens = source(stub).exchange(SHOP, "<id token JWT>", now=NOW)
    wanted = sample("token_exchange.request.json")
    assert stub.asked[0].path == f"/{SHOP}/admin/oauth/access_token"
    assert stub.asked[0].body == {k: v for k, v in wanted.items() if not k.startswith("_")}
    assert stub.asked[0].headers["Content-Type"] == "application/json"
    assert tokens.access_token == "shpat_test_access_1"
    assert tokens.refresh_token == "shprt_test_refresh_1"
    assert tokens.expires_at == NOW + timedelta(hours=1)
    assert tokens.refresh_expires_at == NOW + timedelta(days=90)
    assert tokens.scopes == "read_orders,write_customers,read_fulfillments"


def test_a_refresh_token_gives_the_next_pair() -> None:
    with answering(Says(sample("refresh.response.json"))) as stub:
        tokens = source(stub).refresh(SHOP, "shprt_test_refresh_1", now=NOW)
    wanted = sample("refresh.request.json")
    assert stub.asked[0].body == {k: v for k, v in wanted.items() if not k.startswith("_")}
    assert (tokens.access_token, tokens.refresh_token) == (
        "shpat_test_access_2",
        "shprt_test_refresh_2",
    )


@pytest.mark.parametrize("expires_in", [None, 0, "soon", -1])
def test_an_answer_without_a_life_span_lives_an_hour(expires_in: object) -> None:
    body = sample("errors.json")["refresh_without_expires_in"]["body"]
    with answering(Says({**body, "expires_in": expires_in})) as stub:
        tokens = source(stub).refresh(SHOP, "shprt", now=NOW)
    assert tokens.expires_at == NOW + timedelta(seconds=3600)
    assert tokens.refresh_expires_at == NOW + timedelta(days=90)


def test_a_refused_id_token_is_stale() -> None:
    refusal = sample("errors.json")["expired_or_invalid_id_token"]
    with (
        answering(Says(refusal["body"], status=refusal["status"])) as stub,
        pytest.raises(StaleIdToken),
    ):
        source(stub).exchange(SHOP, "x", now=NOW)


@pytest.mark.parametrize("error", ["invalid_client", "invalid_grant", "unauthorized_client"])
def test_what_the_shop_no_longer_honours_is_dead(error: str) -> None:
    with answering(Says({"error": error}, status=400)) as stub, pytest.raises(TokenDead) as caught:
        source(stub).refresh(SHOP, "x", now=NOW)
    assert caught.value.code == error


@pytest.mark.parametrize("status", [401, 403])
def test_unauthorised_is_dead(status: int) -> None:
    with answering(Says("no", status=status)) as stub, pytest.raises(TokenDead):
        source(stub).refresh(SHOP, "x", now=NOW)


@pytest.mark.parametrize("status", [429, 500, 502, 503, 402])
def test_a_shop_or_server_in_trouble_may_be_asked_again(status: int) -> None:
    with answering(Says("<html>", status=status)) as stub, pytest.raises(Temporary) as caught:
        source(stub).refresh(SHOP, "x", now=NOW)
    assert caught.value.status == status


def test_a_cut_line_may_be_asked_again_since_the_old_pair_stays_usable() -> None:
    with answering(Says(cut=True)) as stub, pytest.raises(Temporary):
        source(stub).refresh(SHOP, "x", now=NOW)
    assert len(stub.asked) == 1


def test_a_page_load_does_not_wait_for_a_silent_shopify() -> None:
    with answering(Says({}, after=6.0)) as stub, pytest.raises(Temporary):
        began = datetime.now(UTC)
        try:
            source(stub).exchange(SHOP, "x", now=NOW)
        finally:
            assert timedelta(seconds=4) < datetime.now(UTC) - began < timedelta(seconds=5.8)


@pytest.mark.parametrize("body", [{}, {"access_token": "shpat"}, {"refresh_token": "shprt"}, []])
def test_an_answer_without_a_pair_is_refused(body: object) -> None:
    with answering(Says(body)) as stub, pytest.raises(Permanent) as caught:
        source(stub).exchange(SHOP, "x", now=NOW)
    assert not isinstance(caught.value, TokenDead)


@pytest.mark.parametrize(
    "domain", ["evil.example", "acme.myshopify.com.evil.example", "a/b.myshopify.com", "", "acme"]
)
def test_secrets_go_to_shops_only(domain: str) -> None:
    with answering(Says({})) as stub:
        with pytest.raises(Refused):
            source(stub).refresh(domain, "x", now=NOW)
        assert stub.asked == []


def test_tokens_and_secrets_stay_out_of_the_errors() -> None:
    with answering(Says({"error": "x"}, status=500)) as stub, pytest.raises(Temporary) as caught:
        source(stub).refresh(SHOP, "shprt_secret", now=NOW)
    assert "shprt_secret" not in str(caught.value)
    assert "hush" not in str(caught.value)
