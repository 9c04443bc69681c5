"""The key with which this Zendesk signs an app's addresses, and the token that it signs.

`make run` makes a pair once and gives the public half to Doorstep. Without a key of its own a
sandbox makes one at its first use. Claims as Zendesk's part-5 tutorial of server-side apps shows
them; how it makes `qsh` is not documented: here it is the SHA-256 of the query string as sent.
"""

from __future__ import annotations

import hashlib
import uuid
from datetime import datetime, timedelta

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

TOKEN_LIFE = timedelta(minutes=5)
INSTALLATION_ID = 4412345678


def make_key() -> str:
    """A private key as PEM."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()


def public_half(private_pem: str) -> str:
    key = serialization.load_pem_private_key(private_pem.encode(), password=None)
    return (
        key.public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        .decode()
    )


def sign_visit(
    private_pem: str, *, subdomain: str, agent_id: int, query: str, now: datetime
) -> str:
    """The form field `token` of the POST that opens the app's page at `?query`."""
    base = f"https://{subdomain}.zendesk.com/api/v2"
    claims = {
        "iss": f"{subdomain}.zendesk.com",
        "aud": f"{base}/apps/installations/{INSTALLATION_ID}.json",
        "sub": f"{base}/users/{agent_id}.json",
        "role": "agent",
        "context": {"product": "support", "location": "ticket_sidebar"},
        "qsh": hashlib.sha256(query.encode()).hexdigest(),
        "iat": int(now.timestamp()),
        "nbf": int(now.timestamp()),
        "exp": int((now + TOKEN_LIFE).timestamp()),
        "jti": uuid.uuid4().hex,
    }
    return jwt.encode(claims, private_pem, algorithm="RS256")
