"""Only the admin's own, fresh token opens the admin's doors."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jwt
import pytest

from app.vendors.shopify.session_token import (
    BadIdToken,
    IdToken,
    StaleIdToken,
    bearer_of,
    read_id_token,
)

AUTH = Path(__file__).parents[1] / "fixtures" / "shopify" / "auth"
CLAIMS: dict[str, Any] = json.loads((AUTH / "id_token_claims.admin.json").read_text())
CHECKOUT: dict[str, Any] = json.loads((AUTH / "session_token_claims.checkout.json").read_text())
KEY = "test-client-id"
SECRET = "a-secret-that-is-long-enough-for-hs256"
OLD_SECRET = "the-secret-from-before-the-rotation-xx"
EXPIRES = datetime.fromtimestamp(CLAIMS["exp"], UTC)
NOW = EXPIRES - timedelta(seconds=30)


def token(secret: str = SECRET, algorithm: str = "HS256", **changes: Any) -> str:
    claims = {**CLAIMS, **changes}
    kept = {name: value for name, value in claims.items() if value is not ...}
    return sign(kept, secret, algorithm)


def sign(claims: dict[str, Any], secret: str = SECRET, algorithm: str = "HS256") -> str:
    """Whatever the claims are: `jwt.encode` would refuse the odd ones itself."""
    return jwt.PyJWS().encode(json.dumps(claims).encode(), secret, algorithm=algorithm)


def read(text: str | None, *, now: datetime = NOW, secrets: tuple[str, ...] = (SECRET,)) -> IdToken:
    return read_id_token(text, api_key=KEY, secrets=secrets, now=now)


def test_a_good_token_tells_shop_user_session_and_end() -> None:
    assert read(token()) == IdToken(
        shop_domain="acme-outfitters.myshopify.com",
        user_id=71200000001,
        session_id="a" * 64,
        expires_at=EXPIRES,
    )


def test_a_token_signed_before_the_rotation_is_accepted() -> None:
    assert read(token(OLD_SECRET), secrets=(SECRET, OLD_SECRET)).user_id == 71200000001


def test_time_is_what_the_caller_says_it_is() -> None:
    # The token's minute lies in 2026; the machine's clock has no say in it.
    with pytest.raises(StaleIdToken):
        read(token(), now=EXPIRES + timedelta(days=400))
    assert read(token(), now=NOW).expires_at == EXPIRES


@pytest.mark.parametrize("seconds", [0, 9, 10])
def test_ten_seconds_of_skew_are_forgiven(seconds: int) -> None:
    read(token(), now=EXPIRES + timedelta(seconds=seconds))
    read(token(), now=datetime.fromtimestamp(CLAIMS["nbf"] - seconds, UTC))


def test_an_expired_token_is_stale_so_that_a_fresh_one_is_fetched() -> None:
    with pytest.raises(StaleIdToken) as caught:
        read(token(), now=EXPIRES + timedelta(seconds=11))
    assert caught.value.reason == "stale_id_token"


def test_a_token_of_the_future_is_bad_and_not_merely_stale() -> None:
    with pytest.raises(BadIdToken) as caught:
        read(token(), now=datetime.fromtimestamp(CLAIMS["nbf"] - 11, UTC))
    assert not isinstance(caught.value, StaleIdToken)


@pytest.mark.parametrize("claim", ["exp", "nbf", "iat", "iss", "dest", "aud", "sub", "sid", "jti"])
def test_no_claim_may_be_missing(claim: str) -> None:
    with pytest.raises(BadIdToken) as caught:
        read(token(**{claim: ...}))
    assert not isinstance(caught.value, StaleIdToken)


@pytest.mark.parametrize(
    "changes",
    [
        {"aud": "another-app"},
        {"iss": "https://evil.example/admin", "dest": "https://evil.example"},
        {"dest": "https://other-shop.myshopify.com"},
        {"iss": "https://other-shop.myshopify.com/admin"},
        {"iss": "http://acme-outfitters.myshopify.com/admin"},
        {"dest": "https://acme-outfitters.myshopify.com:8443"},
        {"dest": "https://x@acme-outfitters.myshopify.com"},
        {
            "iss": "https://acme.myshopify.com.evil.example/admin",
            "dest": "https://acme.myshopify.com.evil.example",
        },
        {"iss": "https://[::1/admin"},
        {"iss": 7},
        {"dest": None},
        {"sub": "gid://shopify/Customer/7012345678901"},
        {"sub": ""},
        {"sub": "9" * 30},
        {"sid": ""},
        {"exp": "soon"},
        {"exp": True},
        {"exp": 10**30},
        {"nbf": -5},
        {"iat": [1]},
    ],
)
def test_wrong_claims_are_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(BadIdToken):
        read(token(**changes))


def test_a_checkout_token_does_not_open_the_admin() -> None:
    now = datetime.fromtimestamp(CHECKOUT["exp"] - 5, UTC)
    with pytest.raises(BadIdToken):
        read(sign(CHECKOUT), now=now)


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "a.b.c",
        "no token",
        "\ud800.\ud800.x",
        "é.é.é",
        "x" * 9000,
        token(SECRET * 2, algorithm="HS512"),
        sign(CLAIMS, "", "none"),
        token("somebody-elses-secret-somebody-elses"),
    ],
)
def test_anything_else_is_refused_politely(text: str | None) -> None:
    with pytest.raises(BadIdToken) as caught:
        read(text)
    assert not isinstance(caught.value, StaleIdToken)


def test_without_a_secret_nothing_is_accepted() -> None:
    with pytest.raises(BadIdToken):
        read(token(), secrets=("",))


@pytest.mark.parametrize("header", [None, "", "Basic abc", "bearer abc"])
def test_a_header_without_a_bearer_token_is_refused(header: str | None) -> None:
    with pytest.raises(BadIdToken):
        bearer_of(header)


def test_the_bearer_token_is_taken_from_its_header() -> None:
    assert bearer_of("Bearer abc.def.ghi") == "abc.def.ghi"
