"""Is this Zendesk speaking? Checks the token with which it opens an app's page in a ticket.

With `signedUrls` in the app's manifest, Zendesk loads the page by a POST whose form field `token`
is a JWT, RS256 with the app's own key (developer.zendesk.com, "Building a server-side app", part
5). Called by the door in `sidebar`; the page then works with a session of ours (`desk.sessions`).

    {"iss": "acme.zendesk.com",
     "aud": "https://acme.zendesk.com/api/v2/apps/installations/4412345678.json",
     "sub": "https://acme.zendesk.com/api/v2/users/27182818284590.json", "role": "agent",
     "qsh": "<hash of the query string>", "iat": 1795194600, "exp": 1795194900, …}

`iss`, `aud`, `iat`, `exp` and `qsh` must be there. `sub` and `role` may be missing; a `role` that
says "end-user" is refused. Times are compared here, with the time passed in: PyJWT would read the
clock.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal
from urllib.parse import parse_qsl, quote

import jwt
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from app.foundation.errors import Misconfigured, Refused

ALGORITHM = "RS256"
LEEWAY_SECONDS = 10
UNKNOWN_AGENT = "unknown"
ANY = "*"

# How the claim `qsh` is made is not documented. See ADR 0029.
QueryHash = Literal["query", "canonical", "unchecked"]

_MAX_BYTES = 8192
_REQUIRED = ["iss", "aud", "iat", "exp"]
_ISSUER = re.compile(r"([a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)\.zendesk\.com")
_NUMBER = r"[0-9]{1,20}"
_OPTIONS: Any = {
    "require": _REQUIRED,
    "verify_aud": False,  # the installation is not known before; see `_installation_of`
    "verify_exp": False,
    "verify_nbf": False,
    "verify_iat": False,
}


class BadSignedUrl(Refused):
    """Not Zendesk's word, or not for now. Reasons: forged, late, too_early, not_an_agent."""


@dataclass(frozen=True)
class Visit:
    """Who opens the app, where."""

    subdomain: str
    installation_id: str
    agent_id: str  # Zendesk's, or UNKNOWN_AGENT


@dataclass(frozen=True)
class AppKeys:
    """Public keys of our app: one for all installations, or one for each.

    Whether Zendesk has one key for all of an app's installations is not documented, so the setting
    may map a subdomain or an installation's id to a key, "*" to that of all others.
    """

    keys: Mapping[str, RSAPublicKey] = field(repr=False)

    @classmethod
    def read(cls, said: str | None) -> AppKeys:
        """From the setting ZENDESK_APP_PUBLIC_KEY: a PEM, or JSON of PEMs. Raises Misconfigured."""
        if not said:
            return cls({})
        try:
            pems = json.loads(said, strict=False) if said.lstrip().startswith("{") else {ANY: said}
            return cls({name: _public_key(pem) for name, pem in pems.items()})
        except (ValueError, AttributeError, TypeError, UnsupportedAlgorithm) as error:
            raise Misconfigured(
                "ZENDESK_APP_PUBLIC_KEY must be the app's RSA public key as PEM, or JSON that maps"
                ' subdomains or installations (and "*") to PEMs'
            ) from error

    def key_for(self, subdomain: str, installation_id: str) -> RSAPublicKey | None:
        for name in (installation_id, subdomain, ANY):
            if name in self.keys:
                return self.keys[name]
        return None


def read_signed_url(
    token: str, *, keys: AppKeys, path: str, query: str, now: datetime, query_hash: QueryHash
) -> Visit:
    """Who opens the page `path`?`query` (as requested, not decoded). Raises BadSignedUrl."""
    if not token or len(token) > _MAX_BYTES:
        raise BadSignedUrl("forged", "no token was sent")
    # What it says of itself only chooses the key; nothing is believed before that key has spoken.
    subdomain, installation_id = _origin_of(_claims(token, None))
    key = keys.key_for(subdomain, installation_id)
    if key is None:
        raise BadSignedUrl("forged", "there is no key for this installation")
    claims = _claims(token, key)
    if _origin_of(claims) != (subdomain, installation_id):
        raise BadSignedUrl("forged", "the token says two things")
    _check_times(claims, now)
    _check_query(claims, path, query, query_hash)
    if claims.get("role") == "end-user":
        raise BadSignedUrl("not_an_agent", "only agents may open this")
    return Visit(subdomain, installation_id, _agent_of(claims, subdomain))


def hash_of_query(path: str, query: str, how: QueryHash) -> str:
    """`query`: of the query string as it was sent. `canonical`: of method, path and the parameters
    in order, as other vendors define the claim of this name."""
    if how == "canonical":
        pairs = sorted(parse_qsl(query, keep_blank_values=True))
        said = "&".join(
            f"{quote(name, safe='~')}={quote(value, safe='~')}" for name, value in pairs
        )
        query = f"POST&{path}&{said}"
    return hashlib.sha256(query.encode()).hexdigest()


def _public_key(pem: str) -> RSAPublicKey:
    key = load_pem_public_key(pem.replace("\\n", "\n").encode())
    if not isinstance(key, RSAPublicKey):
        raise ValueError("no RSA key")
    return key


def _claims(token: str, key: RSAPublicKey | None) -> Mapping[str, Any]:
    """With `key` of a verified token; without one just what it says."""
    try:
        if key is None:
            return dict(jwt.decode(token, options={"verify_signature": False}))
        return dict(jwt.decode(token, key, algorithms=[ALGORITHM], options=_OPTIONS))
    # A bare ValueError is what half a surrogate pair in the token ends in.
    except (jwt.PyJWTError, ValueError, RecursionError) as error:
        raise BadSignedUrl(
            "forged", f"the token cannot be accepted ({type(error).__name__})"
        ) from None


def _origin_of(claims: Mapping[str, Any]) -> tuple[str, str]:
    """Subdomain and installation, which issuer and audience must agree on to the letter."""
    issuer, audience = claims.get("iss"), claims.get("aud")
    named = _ISSUER.fullmatch(issuer) if isinstance(issuer, str) else None
    if named is None or not isinstance(audience, str):
        raise BadSignedUrl("forged", "the token is of no Zendesk")
    place = rf"https://{re.escape(named[0])}/api/v2/apps/installations/({_NUMBER})\.json"
    installation = re.fullmatch(place, audience)
    if installation is None:
        raise BadSignedUrl("forged", "the token is for somebody else")
    return named[1], installation[1]


def _check_times(claims: Mapping[str, Any], now: datetime) -> None:
    times = {"nbf": claims.get("nbf", claims["iat"]), "iat": claims["iat"], "exp": claims["exp"]}
    for name, value in times.items():
        if isinstance(value, bool) or not isinstance(value, int) or not 0 < value < 2**34:
            raise BadSignedUrl("forged", f"{name} is not a time")
    at = now.timestamp()
    if at >= times["exp"] + LEEWAY_SECONDS:
        raise BadSignedUrl("late", "the token has expired")
    if at < max(times["nbf"], times["iat"]) - LEEWAY_SECONDS:
        raise BadSignedUrl("too_early", "the token is not valid yet: a clock may be wrong")


def _check_query(claims: Mapping[str, Any], path: str, query: str, how: QueryHash) -> None:
    if how == "unchecked":
        return
    said = claims.get("qsh")
    expected = hash_of_query(path, query, how)
    if not isinstance(said, str) or not hmac.compare_digest(said.encode(), expected.encode()):
        raise BadSignedUrl("forged", "the token is for another address")


def _agent_of(claims: Mapping[str, Any], subdomain: str) -> str:
    user = claims.get("sub")
    if user is None:
        return UNKNOWN_AGENT
    address = rf"https://{re.escape(subdomain)}\.zendesk\.com/api/v2/users/({_NUMBER})\.json"
    found = re.fullmatch(address, user) if isinstance(user, str) else None
    if found is None:
        raise BadSignedUrl("forged", "the token names somebody of another Zendesk")
    return found[1]
