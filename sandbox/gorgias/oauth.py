"""OAuth as a public app meets it: an approve page, codes, a token that lives a day.

The app's name and secret go as Basic credentials, the rest as a form. The access token is a JWT
whose `exp` says when it ends (`expires_in` comes back as 0, as in Gorgias's own sample). The
refresh token neither ends nor changes. Whether PKCE is understood is not documented: it is refused.
"""

from __future__ import annotations

import base64
import hmac
import json
import secrets
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from flask import Response, jsonify, redirect, render_template_string, request
from flask.typing import ResponseReturnValue

from sandbox import clock, faults
from sandbox.gorgias import refusals
from sandbox.gorgias.doors import Doors
from sandbox.gorgias.world import BOT_ID, Account, GorgiasWorld, Record

CODE_SECONDS = 120
ACCESS = timedelta(hours=24)
RESOURCES = ("account", "users", "customers", "tickets", "custom_fields", "events", "integrations")
SCOPES = frozenset(
    {"openid", "email", "profile", "offline"}
    | {f"{one}:{verb}" for one in RESOURCES for verb in ("read", "write")}
)
ASKED = frozenset(
    {"response_type", "client_id", "scope", "redirect_uri", "state", "nonce", "auto", "user_id"}
)
REQUIRED = ("response_type", "client_id", "scope", "redirect_uri", "state", "nonce")

PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Allow Doorstep?</title>
<style>body{font:16px system-ui;background:#f4f3f7;color:#1c1733;display:grid;place-items:center;
min-height:95vh}main{background:#fff;border-radius:12px;padding:2rem;max-width:26rem;
box-shadow:0 2px 12px #0002}button{font:inherit;padding:.6rem 1.2rem;border-radius:8px;border:0;
margin-right:.5rem;cursor:pointer}.yes{background:#161616;color:#fff}select{font:inherit}</style>
<main><h1>Allow {{ client }} to use {{ subdomain }}?</h1>
<p>It asks for: <strong>{{ scope }}</strong></p>
<form method="post"><p><label>Connect as <select name="user_id">
{% for user in users %}<option value="{{ user.id }}">{{ user.name }}</option>{% endfor %}
</select></label></p><button class="yes" name="answer" value="allow">Allow</button>
<button name="answer" value="deny">Deny</button></form></main></html>"""


def open_doors(doors: Doors) -> None:
    """The approve page and the token endpoint."""
    world = doors.world

    def ask(subdomain: str) -> ResponseReturnValue:
        faults.apply("gorgias", "oauth.authorize")
        account = world.open_account(subdomain)
        wanted = _wanted(world)
        if request.args.get("auto") == "1":
            return _allow(world, account, wanted, BOT_ID)
        return render_template_string(
            PAGE,
            client=wanted["client_id"],
            subdomain=subdomain,
            scope=wanted["scope"],
            users=list(account.users.values()),
        )

    def decide(subdomain: str) -> ResponseReturnValue:
        account = world.open_account(subdomain)
        wanted = _wanted(world)
        if request.form.get("answer") != "allow":
            return _back(wanted, {"error": "access_denied", "state": wanted["state"]})
        return _allow(world, account, wanted, int(request.form.get("user_id", BOT_ID)))

    def tokens(subdomain: str) -> ResponseReturnValue:
        faults.apply("gorgias", "oauth.token")
        with world.changing():
            account = world.account(subdomain)
            answer = jsonify(_exchange(world, account))
        faults.after("gorgias", "oauth.token")
        return answer

    doors.page("GET", "/oauth/authorize", ask)
    doors.page("POST", "/oauth/authorize", decide)
    doors.page("POST", "/oauth/token", tokens)


def issue(
    account: Account, base: str, user_id: int, scope: str, *, nonce: str = "", refresh: str = ""
) -> Record:
    """Tokens for a user. Returns what the token endpoint answers."""
    until = clock.now() + ACCESS
    access = _jwt(
        {"iss": base, "sub": str(user_id), "exp": int(until.timestamp()), "jti": _random()}
    )
    grant = {
        "access_token": access,
        "refresh_token": refresh or _random(),
        "access_until": until.isoformat(),
        "scope": scope,
        "user_id": user_id,
    }
    account.grants.append(grant)
    answer = {"access_token": access, "token_type": "Bearer", "expires_in": 0, "scope": scope}
    if refresh:
        return answer
    identity = _jwt({"iss": base, "sub": str(user_id), "nonce": nonce} if nonce else {})
    return {**answer, "refresh_token": grant["refresh_token"], "id_token": identity}


def _random() -> str:
    return secrets.token_urlsafe(24)


def _jwt(claims: Any) -> str:
    def part(value: Any) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()

    return f"{part({'alg': 'RS256', 'typ': 'JWT'})}.{part(claims)}.c2FuZGJveA"


def _wanted(world: GorgiasWorld) -> Record:
    given = request.args.to_dict()
    for name in given:
        if name not in ASKED:
            raise refusals.oauth("invalid_request", f"{name} is not understood.")
    for name in REQUIRED:
        if not given.get(name):
            raise refusals.oauth("invalid_request", f"{name} is required.")
    if given["client_id"] != world.client.identifier:
        raise refusals.oauth("invalid_client", "No such client.", 401)
    if given["response_type"] != "code":
        raise refusals.oauth("unsupported_response_type", "Only code is supported.")
    if not given["redirect_uri"].startswith(("https://", "http://127.0.0.1", "http://localhost")):
        raise refusals.oauth("invalid_request", "redirect_uri must be https.")
    unknown = set(given["scope"].split()) - SCOPES
    if unknown:
        raise refusals.oauth("invalid_scope", f"{', '.join(sorted(unknown))} is no scope.")
    return given


def _allow(world: GorgiasWorld, account: Account, wanted: Record, user_id: int) -> Response:
    if account.user(user_id) is None:
        raise refusals.oauth("access_denied", "No such user.", 403)
    code = secrets.token_hex(20)
    until = clock.now() + timedelta(seconds=CODE_SECONDS)
    with world.changing():
        account.codes[code] = {**wanted, "user_id": user_id, "until": until.isoformat()}
    return _back(wanted, {"code": code, "state": wanted["state"]})


def _back(wanted: Record, values: dict[str, str]) -> Response:
    joint = "&" if "?" in wanted["redirect_uri"] else "?"
    return redirect(wanted["redirect_uri"] + joint + urlencode(values))  # type: ignore[return-value]


def _exchange(world: GorgiasWorld, account: Account) -> Record:
    said, given = request.authorization, request.form
    known = (
        said is not None
        and said.type == "basic"
        and said.username == world.client.identifier
        and hmac.compare_digest(str(said.password).encode(), world.client.secret.encode())
    )
    if not known:
        raise refusals.oauth("invalid_client", "Client identifier or secret is wrong.", 401)
    base = world.base(account.subdomain)
    if given.get("grant_type") == "authorization_code":
        held = account.codes.pop(str(given.get("code")), None)
        if held is None or datetime.fromisoformat(held["until"]) <= clock.now():
            raise refusals.oauth("invalid_grant", "The code is spent, too old or never was.")
        if given.get("redirect_uri") != held["redirect_uri"]:
            raise refusals.oauth("invalid_grant", "redirect_uri is not the one of the code.")
        return issue(account, base, held["user_id"], held["scope"], nonce=held["nonce"])
    if given.get("grant_type") == "refresh_token":
        token = str(given.get("refresh_token"))
        held = next((one for one in account.grants if one["refresh_token"] == token), None)
        if held is None:
            raise refusals.oauth("invalid_grant", "The refresh token was revoked or never was.")
        return issue(account, base, held["user_id"], held["scope"], refresh=token)
    raise refusals.oauth("unsupported_grant_type", "Not a grant type of this client.")
