"""A shop's helpdesk is connected by OAuth: who may begin it, and what the answer changes.

Called by the doors in `api`; `connect_link` also by the app's page and the operator's command.
A shop's texts go wherever its helpdesk is, so three things must hold: the way begins with a link
that we signed for that shop, it ends in the browser where it began (cookie), and the state in
between is ours and young. The PKCE verifier never travels: it is derived from the state's nonce.

Bound by developer.zendesk.com, "Using OAuth", and developers.gorgias.com, "OAuth2 authentication":
a code lives two minutes; webhooks need an admin.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import sqlalchemy as sa
from itsdangerous import BadData, URLSafeSerializer

from app.foundation.errors import Refused
from app.helpdesk.kinds import KINDS
from app.helpdesk.needs import DoorNeeds, Needs
from app.helpdesk.tokens import authorisation_of
from app.shops.models import Shop

LINK_LIVES = timedelta(minutes=30)
STATE_LIVES = timedelta(minutes=10)

_SUBDOMAIN = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")


class ConnectRefused(Refused):
    """The way ends here. Reasons: bad_link, late_link, bad_subdomain, bad_state, late_state,
    other_browser."""


@dataclass(frozen=True)
class Permit:
    """What a link of ours allows."""

    shop_id: int
    shop_domain: str
    subdomain: str  # empty: the merchant types it


@dataclass(frozen=True)
class Departure:
    authorise_url: str
    nonce: str  # for the browser's cookie


@dataclass(frozen=True)
class Arrival:
    """What a state of ours says when the browser is back."""

    shop_id: int
    kind: str
    subdomain: str
    code_verifier: str


def connect_link(tools: DoorNeeds, *, shop_id: int, kind: str, subdomain: str | None = None) -> str:
    """An address that connects a helpdesk to this shop, good for half an hour."""
    with tools.db.shop(shop_id) as session:
        domain = session.scalars(sa.select(Shop.domain).where(Shop.id == shop_id)).one()
    until = int((tools.clock.now() + LINK_LIVES).timestamp())
    token = _sign(tools, "link").dumps([shop_id, kind, until])
    query = {"shop": domain, "link": token}
    if subdomain:
        query["subdomain"] = subdomain_of(kind, subdomain)
    return f"{tools.public_url}/connect/{kind}?{urlencode(query)}"


def read_link(tools: Needs, *, kind: str, shop: str, link: str, subdomain: str) -> Permit:
    """Raises ConnectRefused."""
    shop_id, _ = _read(
        tools,
        "link",
        link,
        kind,
        bad=("bad_link", "This address does not connect any shop. Ask for a new one in Doorstep."),
        late=(
            "late_link",
            "This address was good for half an hour; ask for a new one.",
        ),
    )
    with tools.db.shop(shop_id) as session:
        found = session.get(Shop, shop_id)
    if found is None or found.domain != shop or found.state != "installed":
        raise ConnectRefused("bad_link", "This address belongs to another shop.")
    chosen = subdomain_of(kind, subdomain) if subdomain.strip() else ""
    return Permit(shop_id, found.domain, chosen)


def subdomain_of(kind: str, typed: str) -> str:
    """What people type or paste, down to the subdomain. Raises ConnectRefused."""
    known = KINDS[kind]
    host = re.sub(r"^https?://", "", typed.strip().lower()).split("/")[0]
    name = host.removesuffix(known.host)
    if not _SUBDOMAIN.fullmatch(name):
        raise ConnectRefused(
            "bad_subdomain",
            f"That is not the address of a {known.name}. It is the part before {known.host}, for"
            f" example acme in acme{known.host}.",
        )
    return name


def depart(tools: Needs, *, kind: str, permit: Permit) -> Departure:
    """Where to send the admin. Raises Misconfigured without an OAuth client."""
    nonce = secrets.token_urlsafe(24)
    until = int((tools.clock.now() + STATE_LIVES).timestamp())
    state = _sign(tools, "state").dumps([permit.shop_id, kind, until, permit.subdomain, nonce])
    digest = hashlib.sha256(_verifier(tools, nonce).encode()).digest()
    return Departure(
        authorise_url=authorisation_of(tools, kind).authorise_url(
            subdomain=permit.subdomain, state=str(state), code_challenge=_base64(digest)
        ),
        nonce=nonce,
    )


def arrive(tools: Needs, *, kind: str, state: str, cookie: str) -> Arrival:
    """Read the state of a browser that came back. Raises ConnectRefused."""
    shop_id, rest = _read(
        tools,
        "state",
        state,
        kind,
        bad=("bad_state", "This sign-in was not begun here. Begin again in Doorstep."),
        late=("late_state", "This sign-in took longer than ten minutes. Begin again in Doorstep."),
    )
    subdomain, nonce = rest
    if not hmac.compare_digest(cookie.encode(), nonce.encode()):
        raise ConnectRefused(
            "other_browser",
            "This sign-in was begun in another browser, or cookies are switched off. Begin again"
            " in this one.",
        )
    return Arrival(shop_id, kind, subdomain, _verifier(tools, nonce))


def _read(
    tools: Needs, what: str, token: str, kind: str, *, bad: tuple[str, str], late: tuple[str, str]
) -> tuple[int, list[Any]]:
    try:
        shop_id, for_kind, until, *rest = _sign(tools, what).loads(token)
    except (BadData, ValueError, TypeError):
        raise ConnectRefused(*bad) from None
    if for_kind != kind:
        raise ConnectRefused(*bad)
    if _is_past(tools.clock.now(), until):
        raise ConnectRefused(*late)
    return shop_id, rest


def _is_past(now: datetime, until: int) -> bool:
    return now.timestamp() > until


def _sign(tools: Needs, what: str) -> URLSafeSerializer:
    return URLSafeSerializer(
        tools.keys.signing_key,
        salt=f"doorstep.helpdesk-{what}",
        signer_kwargs={"key_derivation": "hmac", "digest_method": hashlib.sha256},
    )


def _verifier(tools: Needs, nonce: str) -> str:
    key = tools.keys.signing_key.encode()
    return _base64(hmac.digest(key, b"helpdesk pkce:" + nonce.encode(), "sha256"))


def _base64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
