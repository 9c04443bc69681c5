"""Members of a shop's staff, as Shopify's admin vouches for them: ID tokens, forged ones too."""

from __future__ import annotations

from typing import Any

import jwt
from werkzeug.test import TestResponse

from tests.factories.world import DOMAIN, SECRET, ShopAtHand, World

OWNER, ADMIN, AGENT, ANALYST = 41, 42, 43, 44


def id_token(
    world: World,
    domain: str = DOMAIN,
    *,
    user: int = OWNER,
    secret: str = SECRET,
    age: int = 0,
    algorithm: str = "HS256",
    **claims: Any,
) -> str:
    """A token as Shopify makes it; `claims` replace parts of it, None leaves one out."""
    now = int(world.clock.now().timestamp()) - age
    said = {
        "iss": f"https://{domain}/admin",
        "dest": f"https://{domain}",
        "aud": "key-of-tests",
        "sub": str(user),
        "exp": now + 60,
        "nbf": now,
        "iat": now,
        "jti": "one",
        "sid": "two",
    } | claims
    return jwt.encode({k: v for k, v in said.items() if v is not None}, secret, algorithm)


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def open_page(world: World, domain: str = DOMAIN, *, user: int = OWNER) -> TestResponse:
    return world.client.get("/", query_string={"id_token": id_token(world, domain, user=user)})


def call(
    world: World,
    method: str,
    path: str,
    *,
    user: int = OWNER,
    domain: str = DOMAIN,
    json: Any = None,
) -> TestResponse:
    """One call of the merchant's API, as a member of staff makes it."""
    headers = bearer(id_token(world, domain, user=user))
    return world.client.open(f"/api{path}", method=method, json=json, headers=headers)


def staffed(world: World, shop: ShopAtHand) -> None:
    """Four people have opened the app; the owner gave each a role."""
    for user in (OWNER, ADMIN, AGENT, ANALYST):
        assert open_page(world, shop.domain, user=user).status_code == 200
    for user, role in ((ADMIN, "admin"), (AGENT, "agent")):
        answer = call(world, "PUT", f"/staff/{user}", domain=shop.domain, json={"role": role})
        assert answer.status_code == 200, answer.text
