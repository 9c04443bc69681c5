"""Installing, opening and uninstalling the app, and the tokens that come and go with it.

Managed install: the scopes of the toml are granted without a call to the app; its first contact is
the page load, with an ID token to exchange (https://shopify.dev/docs/apps/build/
authentication-authorization). All tokens live in the sandbox's time, as the app does.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import uuid
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import jwt

from sandbox import clock
from sandbox.shopify import payloads
from sandbox.shopify.notation import gid
from sandbox.shopify.store import Record
from sandbox.shopify.world import ActionRefused, ShopifyWorld

ID_TOKEN_SECONDS = 60
ID_TOKEN_LEEWAY = 10
ACCESS_SECONDS = 3600
REFRESH_SECONDS = 90 * 24 * 3600
REUSE_SECONDS = 30 * 24 * 3600
REDACT_AFTER = timedelta(hours=48)

EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
ID_TOKEN_TYPE = "urn:ietf:params:oauth:token-type:id_token"
OFFLINE = "urn:shopify:params:oauth:token-type:offline-access-token"


class TokenRefused(Exception):
    """The OAuth door says no: HTTP 400 with this `error`."""

    def __init__(self, error: str, description: str = "") -> None:
        super().__init__(error)
        self.error = error
        self.description = description


def install(world: ShopifyWorld, shop: Record, scopes: list[str] | None = None) -> Record:
    """Grant the toml's scopes, or just `scopes`; a shop that comes back is not redacted."""
    if shop["installed"]:
        raise ActionRefused("the app is installed already")
    with world.store.changing():
        shop["installed"] = True
        shop["scopes"] = sorted(world.app.scopes if scopes is None else scopes)
        shop["redact_due"] = None
        world.put_shop(shop)
        world.tell_page("shop", {"shop": shop["domain"], "installed": True})
    return shop


def uninstall(world: ShopifyWorld, shop: Record) -> Record:
    """All tokens die at once; `shop/redact` follows 48 hours later."""
    if not shop["installed"]:
        raise ActionRefused("the app is not installed")
    with world.store.changing():
        shop["installed"] = False
        shop["scopes"] = []
        shop["redact_due"] = world.stamp(clock.now() + REDACT_AFTER)
        world.put_shop(shop)
        _forget_tokens(world, shop, "access", "refresh")
        world.announce(shop, "app/uninstalled", payloads.shop(shop))
        world.tell_page("shop", {"shop": shop["domain"], "installed": False})
    return shop


def change_scopes(world: ShopifyWorld, shop: Record, scopes: list[str]) -> Record:
    """The merchant grants or takes back optional scopes; the required ones stay."""
    if not shop["installed"]:
        raise ActionRefused("the app is not installed")
    unknown = set(scopes) - world.app.scopes - world.app.optional_scopes
    if unknown:
        raise ActionRefused(f"shopify.app.toml does not ask for {', '.join(sorted(unknown))}")
    with world.store.changing():
        before = shop["scopes"]
        shop["scopes"] = sorted(world.app.scopes | set(scopes))
        world.put_shop(shop)
        body = {
            "id": 1,
            "shop_id": gid("Shop", shop["id"]),
            "previous": before,
            "current": shop["scopes"],
            "updated_at": clock.now().strftime("%Y-%m-%dT%H:%M:%S.000Z"),
        }
        world.announce(shop, "app/scopes_update", body)
    return shop


def redact_due_shops(world: ShopifyWorld) -> None:
    """Send `shop/redact` where the 48 hours are over."""
    for shop in world.store.all("shop"):
        if shop["redact_due"] and shop["redact_due"] <= world.stamp():
            redact_shop(world, shop)


def redact_shop(world: ShopifyWorld, shop: Record) -> None:
    with world.store.changing():
        shop["redact_due"] = None
        world.put_shop(shop)
        body = {"shop_id": shop["id"], "shop_domain": shop["domain"]}
        world.announce(shop, "shop/redact", body)


def mint_id_token(world: ShopifyWorld, shop: Record, *, at: float | None = None) -> str:
    """An ID token as App Bridge hands it out: HS256, nine claims, good for a minute from `at`."""
    now = int(clock.now().timestamp() if at is None else at)
    claims = {
        "iss": f"https://{shop['domain']}/admin",
        "dest": f"https://{shop['domain']}",
        "aud": world.settings.shopify_api_key,
        "sub": str(71_200_000_001),
        "exp": now + ID_TOKEN_SECONDS,
        "nbf": now,
        "iat": now,
        "jti": str(uuid.uuid4()),
        "sid": secrets.token_hex(32),
    }
    return jwt.encode(claims, world.settings.shopify_api_secret, algorithm="HS256")


def app_address(world: ShopifyWorld, shop: Record) -> str:
    """The address that the admin puts into its frame when a merchant opens the app."""
    handle = shop["domain"].removesuffix(".myshopify.com")
    host = base64.b64encode(f"admin.shopify.com/store/{handle}".encode()).decode().rstrip("=")
    query = {
        "embedded": "1",
        "host": host,
        "id_token": mint_id_token(world, shop),
        "locale": "en",
        "session": secrets.token_hex(16),
        "shop": shop["domain"],
        "timestamp": str(int(clock.now().timestamp())),
    }
    text = "&".join(f"{key}={value}" for key, value in sorted(query.items()))
    secret = world.settings.shopify_api_secret.encode()
    query["hmac"] = hmac.new(secret, text.encode(), hashlib.sha256).hexdigest()
    return f"{world.settings.app_url}/?{urlencode(query)}"


def answer_token_request(world: ShopifyWorld, shop: Record, asked: dict[str, Any]) -> Record:
    """`POST /admin/oauth/access_token`. Raises TokenRefused."""
    known = hmac.compare_digest(
        str(asked.get("client_secret", "")).encode(), world.settings.shopify_api_secret.encode()
    )
    if asked.get("client_id") != world.settings.shopify_api_key or not known:
        raise TokenRefused("invalid_client")
    if not shop["installed"]:
        raise TokenRefused("invalid_client", "The app is not installed on this shop.")
    if asked.get("grant_type") == EXCHANGE:
        return _exchange(world, shop, asked)
    if asked.get("grant_type") == "refresh_token":
        return _refresh(world, shop, str(asked.get("refresh_token", "")))
    raise TokenRefused("unsupported_grant_type")


def _exchange(world: ShopifyWorld, shop: Record, asked: dict[str, Any]) -> Record:
    if asked.get("subject_token_type") != ID_TOKEN_TYPE:
        raise TokenRefused("invalid_request", "subject_token_type must be an id_token.")
    if asked.get("requested_token_type") != OFFLINE:
        raise TokenRefused("invalid_request", "The sandbox hands out offline tokens only.")
    if str(asked.get("expiring")) != "1":
        # Public apps made since 2026-04-01 get expiring offline tokens only.
        raise TokenRefused("invalid_request", "Non-expiring offline tokens are not available.")
    _check_id_token(world, shop, str(asked.get("subject_token", "")))
    with world.store.changing():
        _forget_tokens(world, shop, "refresh")  # one refreshable token per app and shop
        return _hand_out(world, shop)


def _check_id_token(world: ShopifyWorld, shop: Record, token: str) -> None:
    wanted = ["iss", "dest", "aud", "sub", "exp", "nbf", "iat", "jti", "sid"]
    try:
        claims = jwt.decode(
            token,
            world.settings.shopify_api_secret,
            algorithms=["HS256"],
            audience=world.settings.shopify_api_key,
            # Times are checked below, against the sandbox's clock.
            options={
                "require": wanted,
                "verify_exp": False,
                "verify_nbf": False,
                "verify_iat": False,
            },
        )
    except jwt.PyJWTError:
        raise TokenRefused("invalid_subject_token") from None
    now = clock.now().timestamp()
    if not claims["nbf"] - ID_TOKEN_LEEWAY <= now < claims["exp"] + ID_TOKEN_LEEWAY:
        raise TokenRefused("invalid_subject_token")
    if claims["dest"] != f"https://{shop['domain']}":
        raise TokenRefused("invalid_subject_token")


def _refresh(world: ShopifyWorld, shop: Record, token: str) -> Record:
    with world.store.changing():
        known = world.store.get("refresh", token)
        now = clock.now()
        if known is None or known["shop"] != shop["domain"] or _past(known["expires_at"], now):
            raise TokenRefused("invalid_grant")
        first_used = datetime.fromisoformat(known["first_used_at"] or now.isoformat())
        if (now - first_used).total_seconds() > REUSE_SECONDS:
            raise TokenRefused("invalid_grant")
        # Its use proves that the answer which carried it arrived: the one before it may go. And a
        # replacement that was handed out and evidently lost goes too.
        for stale in (known["replaces"], known["replaced_by"]):
            if stale:
                world.store.remove("refresh", stale)
        answer = _hand_out(world, shop, replaces=token)
        known["first_used_at"] = first_used.isoformat()
        known["replaces"] = None
        known["replaced_by"] = answer["refresh_token"]
        world.store.put("refresh", token, known)
    return answer


def _hand_out(world: ShopifyWorld, shop: Record, *, replaces: str | None = None) -> Record:
    access, refresh = f"shpat_{secrets.token_hex(16)}", f"shprt_{secrets.token_hex(16)}"
    now = clock.now()
    world.store.put("access", access, _token(shop, access, now, ACCESS_SECONDS))
    kept = _token(shop, refresh, now, REFRESH_SECONDS)
    kept |= {"first_used_at": None, "replaces": replaces, "replaced_by": None}
    world.store.put("refresh", refresh, kept)
    return {
        "access_token": access,
        "scope": ",".join(shop["scopes"]),
        "expires_in": ACCESS_SECONDS,
        "refresh_token": refresh,
        "refresh_token_expires_in": REFRESH_SECONDS,
    }


def _token(shop: Record, token: str, now: datetime, seconds: int) -> Record:
    expires_at = (now + timedelta(seconds=seconds)).isoformat()
    return {"shop": shop["domain"], "token": token, "expires_at": expires_at}


def shop_of_access_token(world: ShopifyWorld, domain: str, token: str) -> Record | None:
    """The shop, if this token opens it now."""
    known = world.store.get("access", token)
    if known is None or known["shop"] != domain or _past(known["expires_at"], clock.now()):
        return None
    return world.store.get("shop", domain)


def _forget_tokens(world: ShopifyWorld, shop: Record, *kinds: str) -> None:
    for kind in kinds:
        for known in world.store.all(kind):
            if known["shop"] == shop["domain"]:
                world.store.remove(kind, known["token"])


def _past(moment: str, now: datetime) -> bool:
    return datetime.fromisoformat(moment) <= now
