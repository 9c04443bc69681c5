"""The token with which Zendesk opens our app: what passes, and every way to forge one."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest

from app.foundation.errors import Misconfigured
from app.vendors.zendesk.signed_url import (
    UNKNOWN_AGENT,
    AppKeys,
    BadSignedUrl,
    QueryHash,
    Visit,
    hash_of_query,
    read_signed_url,
)
from tests.factories.zaf import (
    AGENT_ID,
    INSTALLATION,
    PATH,
    QUERY,
    claims,
    private_key,
    public_pem,
    signed,
)

NOW = datetime(2026, 11, 19, 19, 0, tzinfo=UTC)
AT = NOW.timestamp()
OURS = AppKeys.read(public_pem())


def read(
    token: str,
    *,
    keys: AppKeys = OURS,
    query: str = QUERY,
    now: datetime = NOW,
    query_hash: QueryHash = "query",
) -> Visit:
    return read_signed_url(token, keys=keys, path=PATH, query=query, now=now, query_hash=query_hash)


def b64(said: bytes) -> str:
    return base64.urlsafe_b64encode(said).rstrip(b"=").decode()


def with_header(header: dict[str, Any], said: dict[str, Any], sign: bytes | None = None) -> str:
    """A token put together by hand; `sign`: a secret for HMAC."""
    head = f"{b64(json.dumps(header).encode())}.{b64(json.dumps(said).encode())}"
    return f"{head}.{b64(hmac.digest(sign, head.encode(), hashlib.sha256)) if sign else ''}"


def test_genuine_token_says_which_zendesk_and_which_agent() -> None:
    assert read(signed(claims(AT))) == Visit("acme", INSTALLATION, AGENT_ID)


def test_token_may_be_brought_again_until_it_expires_and_not_after() -> None:
    token = signed(claims(AT))
    assert read(token) == read(token, now=NOW + timedelta(seconds=300))
    with pytest.raises(BadSignedUrl) as refused:
        read(token, now=NOW + timedelta(seconds=311))
    assert refused.value.reason == "late"


def test_token_of_a_clock_ahead_of_ours_is_too_early() -> None:
    assert read(signed(claims(AT + 9)))
    for said in (claims(AT + 60), claims(AT, nbf=int(AT) + 60)):
        with pytest.raises(BadSignedUrl) as refused:
            read(signed(said))
        assert refused.value.reason == "too_early"


FORGERIES: dict[str, str] = {
    "signed by another key": signed(claims(AT), key="theirs"),
    "alg none": jwt.encode(claims(AT), None, "none"),
    "alg None, by hand": with_header({"alg": "None", "typ": "JWT"}, claims(AT)),
    "HMAC with our public key": with_header(
        {"alg": "HS256", "typ": "JWT"}, claims(AT), public_pem().encode()
    ),
    "HMAC with our public key, said to be RSA": with_header(
        {"alg": "RS256", "typ": "JWT"}, claims(AT), public_pem().encode()
    ),
    "RSA of another size of hash": jwt.encode(claims(AT), private_key(), "RS512"),
    "signature cut off": signed(claims(AT)).rpartition(".")[0] + ".",
    "claims of another token": ".".join(
        (
            signed(claims(AT)).split(".")[0],
            signed(claims(AT, subdomain="rich")).split(".")[1],
            signed(claims(AT)).split(".")[2],
        )
    ),
    "empty": "",
    "garbage": "a.b.c",
    "half a surrogate pair": "\ud800.\ud800.\ud800",
    "endless": "a" * 9000,
}


@pytest.mark.parametrize("kind", FORGERIES)
def test_forged_token_opens_nothing(kind: str) -> None:
    with pytest.raises(BadSignedUrl) as refused:
        read(FORGERIES[kind])
    assert refused.value.reason == "forged"


@pytest.mark.parametrize(
    "said",
    [
        {"iss": "rich.zendesk.com"},
        {"iss": "acme.zendesk.com.evil.example"},
        {"iss": "evil.example"},
        {"iss": "https://acme.zendesk.com"},
        {"iss": "ACME.zendesk.com"},
        {"iss": None},
        {"iss": ["acme.zendesk.com"]},
        {"aud": f"https://rich.zendesk.com/api/v2/apps/installations/{INSTALLATION}.json"},
        {"aud": f"http://acme.zendesk.com/api/v2/apps/installations/{INSTALLATION}.json"},
        {"aud": f"https://acme.zendesk.com/api/v2/apps/installations/{INSTALLATION}.json/"},
        {"aud": f"https://acme.zendesk.com/api/v2/apps/installations/{INSTALLATION}.json\n"},
        {"aud": "https://acme.zendesk.com/api/v2/apps/installations/one.json"},
        {"aud": "https://acme.zendesk.com/api/v2/apps/installations/١٢.json"},
        {"aud": [f"https://acme.zendesk.com/api/v2/apps/installations/{INSTALLATION}.json"]},
        {"aud": None},
        {"sub": f"https://rich.zendesk.com/api/v2/users/{AGENT_ID}.json"},
        {"sub": AGENT_ID},
        {"sub": 7},
        {"exp": None},
        {"exp": True},
        {"exp": 2**60},
        {"iat": None},
        {"iat": 1.5},
        {"nbf": True},
        {"qsh": None},
        {"qsh": "0" * 64},
        {"qsh": 12},
        {"qsh": hash_of_query(PATH, QUERY + "&x=1", "query")},
    ],
)  # fmt: skip
def test_token_signed_by_zendesk_for_anything_else_opens_nothing(said: dict[str, Any]) -> None:
    made = claims(AT) | said
    with pytest.raises(BadSignedUrl) as refused:
        read(signed_raw({name: value for name, value in made.items() if value is not None}))
    assert refused.value.reason == "forged"


def signed_raw(said: dict[str, Any]) -> str:
    """Past PyJWT's own checks of what it signs."""
    return jwt.PyJWS().encode(
        json.dumps(said).encode(),
        private_key(),
        "RS256",
    )


def test_token_holds_for_the_address_it_was_made_for_and_no_other() -> None:
    token = signed(claims(AT))
    for query in (
        "",
        QUERY.replace("acme", "rich"),
        QUERY + "&more=1",
        "&".join(QUERY.split("&")[::-1]),
    ):
        with pytest.raises(BadSignedUrl):
            read(token, query=query)


def test_query_is_hashed_as_the_setting_says() -> None:
    canonical = signed(claims(AT, qsh=hash_of_query(PATH, QUERY, "canonical")))
    assert read(canonical, query_hash="canonical")
    with pytest.raises(BadSignedUrl):
        read(canonical, query_hash="query")
    with pytest.raises(BadSignedUrl):
        read(signed(claims(AT)), query_hash="canonical")
    assert read(signed(claims(AT, qsh=None)), query_hash="unchecked")


def test_canonical_hash_puts_parameters_in_order() -> None:
    one, other = hash_of_query("/x", "b=2&a=1%20", "canonical"), "POST&/x&a=1%20&b=2"
    assert one == hashlib.sha256(other.encode()).hexdigest()


def test_end_users_are_refused_and_a_missing_agent_is_unknown() -> None:
    with pytest.raises(BadSignedUrl) as refused:
        read(signed(claims(AT, role="end-user")))
    assert refused.value.reason == "not_an_agent"
    assert read(signed(claims(AT, role=None, sub=None))).agent_id == UNKNOWN_AGENT


def test_key_may_be_one_for_all_or_one_for_each_installation() -> None:
    theirs, ours = public_pem("theirs"), public_pem()
    for setting in (
        {"acme": ours, "*": theirs},
        {INSTALLATION: ours, "acme": theirs},
        {"*": ours, "rich": theirs},
    ):
        assert read(signed(claims(AT)), keys=AppKeys.read(json.dumps(setting)))
    assert read(signed(claims(AT)), keys=AppKeys.read(ours.replace("\n", "\\n")))
    for setting in ({"acme": theirs, "*": ours}, {"rich": ours}, {}):
        with pytest.raises(BadSignedUrl):
            read(signed(claims(AT)), keys=AppKeys.read(json.dumps(setting)))
    with pytest.raises(BadSignedUrl):
        read(signed(claims(AT)), keys=AppKeys.read(None))


@pytest.mark.parametrize("setting", ["secret", '{"acme": 7}', "{", '["x"]', '{"acme": "x"}'])
def test_setting_that_is_no_key_is_named_at_the_start(setting: str) -> None:
    with pytest.raises(Misconfigured, match="ZENDESK_APP_PUBLIC_KEY"):
        AppKeys.read(setting)
