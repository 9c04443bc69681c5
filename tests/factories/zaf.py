"""Zendesk opening our app in a ticket: signed tokens, and how they are brought to the door."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from app.vendors.zendesk.signed_url import hash_of_query

FIXTURE = Path(__file__).parents[1] / "fixtures" / "zendesk" / "zaf_signed_url_claims.json"
PATH = "/desk/zendesk"
QUERY = "origin=https%3A%2F%2Facme.zendesk.com&app_guid=4cb3fe5b-0a3d-4a4b-9d1f-3f5c2c1d0e11"
INSTALLATION = "4412345678"
AGENT_ID = "27182818284590"


@cache
def private_key(which: str = "ours") -> rsa.RSAPrivateKey:
    """One for each name, the same in the whole process."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def public_pem(which: str = "ours") -> str:
    pem = (
        private_key(which)
        .public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    )
    return pem.decode()


def claims(
    now: float, *, subdomain: str = "acme", query: str = QUERY, **said: Any
) -> dict[str, Any]:
    """As Zendesk makes them at `now`; `said` replaces some, None leaves one out."""
    made: dict[str, Any] = json.loads(FIXTURE.read_text())["claims"]
    host = f"{subdomain}.zendesk.com"
    made |= {
        "iss": host,
        "aud": f"https://{host}/api/v2/apps/installations/{INSTALLATION}.json",
        "sub": f"https://{host}/api/v2/users/{AGENT_ID}.json",
        "qsh": hash_of_query(PATH, query, "query"),
        "iat": int(now),
        "nbf": int(now),
        "exp": int(now) + 300,
    }
    return {name: value for name, value in (made | said).items() if value is not None}


def signed(said: dict[str, Any], *, key: str = "ours") -> str:
    return jwt.encode(said, private_key(key), "RS256")
