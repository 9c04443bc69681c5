"""OAuth as an app for many customers meets it: an approve page, codes, tokens that rotate.

An admin opens `/oauth/authorizations/new`, approves (or `auto=1` does it at once), and the app
exchanges the code. A code lives 120 seconds and once; refreshing kills the old access token and
the old refresh token.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from datetime import datetime, timedelta
from urllib.parse import urlencode

from flask import Response, jsonify, redirect, render_template_string, request
from flask.typing import ResponseReturnValue

from sandbox import clock, faults
from sandbox.zendesk import refusals
from sandbox.zendesk.doors import Doors, json_body
from sandbox.zendesk.world import BOT_ID, Account, Record, ZendeskWorld

CODE_SECONDS = 120
TOKEN_FIELDS = frozenset(
    [
        "grant_type",
        "code",
        "client_id",
        "client_secret",
        "redirect_uri",
        "scope",
        "code_verifier",
        "refresh_token",
        "expires_in",
        "refresh_token_expires_in",
    ]
)
BROAD = {"read", "write", "impersonate"}
RESOURCES = {
    "tickets",
    "users",
    "organizations",
    "triggers",
    "automations",
    "targets",
    "webhooks",
    "apps",
    "hc",
    "auditlogs",
}

PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Allow Doorstep?</title>
<style>body{font:16px system-ui;background:#f3f4f2;color:#17301f;display:grid;place-items:center;
min-height:95vh}main{background:#fff;border-radius:12px;padding:2rem;max-width:26rem;
box-shadow:0 2px 12px #0002}button{font:inherit;padding:.6rem 1.2rem;border-radius:8px;border:0;
margin-right:.5rem;cursor:pointer}.yes{background:#03363d;color:#fff}select{font:inherit}</style>
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
        faults.apply("zendesk", "oauth.authorize")
        account = world.open_account(subdomain)
        wanted = _wanted(world)
        if request.args.get("auto") == "1":
            return _allow(world, account, wanted, BOT_ID)
        admins = [user for user in account.users.values() if user["role"] == "admin"]
        return render_template_string(
            PAGE,
            client=wanted["client_id"],
            subdomain=subdomain,
            scope=wanted["scope"],
            users=admins,
        )

    def decide(subdomain: str) -> ResponseReturnValue:
        account = world.open_account(subdomain)
        wanted = _wanted(world)
        if request.form.get("answer") != "allow":
            return _back(wanted, {"error": "access_denied", "state": wanted["state"]})
        return _allow(world, account, wanted, int(request.form.get("user_id", BOT_ID)))

    def tokens(subdomain: str) -> ResponseReturnValue:
        faults.apply("zendesk", "oauth.tokens")
        with world.changing():
            account = world.account(subdomain)
            answer = jsonify(_exchange(world, account, json_body(TOKEN_FIELDS)))
        faults.after("zendesk", "oauth.tokens")
        return answer, 201

    doors.page("GET", "/oauth/authorizations/new", ask)
    doors.page("POST", "/oauth/authorizations/new", decide)
    doors.page("POST", "/oauth/tokens", tokens)


def issue(
    account: Account, user_id: int, scope: str, *, seconds: int = 1800, refresh: int = 2_592_000
) -> Record:
    """A new pair of tokens. Returns what the token endpoint answers."""
    now = clock.now()
    grant = {
        "access_token": secrets.token_hex(32),
        "refresh_token": secrets.token_hex(32),
        "access_until": (now + timedelta(seconds=seconds)).isoformat(),
        "refresh_until": (now + timedelta(seconds=refresh)).isoformat(),
        "scope": scope,
        "user_id": user_id,
    }
    account.grants.append(grant)
    return {
        "access_token": grant["access_token"],
        "refresh_token": grant["refresh_token"],
        "token_type": "bearer",
        "scope": scope,
        "expires_in": seconds,
        "refresh_token_expires_in": refresh,
    }


def _wanted(world: ZendeskWorld) -> Record:
    given = request.args
    if given.get("client_id") != world.client.identifier:
        raise refusals.oauth("invalid_client", "No such client.", 401)
    if given.get("response_type") != "code":
        raise refusals.oauth("unsupported_response_type", "Only code is supported.")
    if not given.get("redirect_uri", "").startswith(
        ("https://", "http://127.0.0.1", "http://localhost")
    ):
        raise refusals.oauth("invalid_request", "redirect_uri must be https.")
    scope = given.get("scope", "")
    for one in scope.split():
        resource, _, verb = one.rpartition(":")
        if one not in BROAD and not (resource in RESOURCES and verb in ("read", "write")):
            raise refusals.oauth("invalid_scope", f"{one} is no scope.")
    if not scope:
        raise refusals.oauth("invalid_scope", "scope is required.")
    if given.get("code_challenge") and given.get("code_challenge_method") != "S256":
        raise refusals.oauth("invalid_request", "code_challenge_method must be S256.")
    return {
        "client_id": given["client_id"],
        "redirect_uri": given["redirect_uri"],
        "scope": scope,
        "state": given.get("state", ""),
        "challenge": given.get("code_challenge", ""),
    }


def _allow(world: ZendeskWorld, account: Account, wanted: Record, user_id: int) -> Response:
    user = account.user(user_id)
    if user is None or user["role"] != "admin":
        raise refusals.oauth("access_denied", "An admin must approve.", 403)
    code = secrets.token_hex(20)
    until = clock.now() + timedelta(seconds=CODE_SECONDS)
    with world.changing():
        account.codes[code] = {**wanted, "user_id": user_id, "until": until.isoformat()}
    return _back(wanted, {"code": code, "state": wanted["state"]})


def _back(wanted: Record, values: dict[str, str]) -> Response:
    joint = "&" if "?" in wanted["redirect_uri"] else "?"
    return redirect(wanted["redirect_uri"] + joint + urlencode(values))  # type: ignore[return-value]


def _exchange(world: ZendeskWorld, account: Account, given: Record) -> Record:
    known = given.get("client_id") == world.client.identifier and hmac.compare_digest(
        str(given.get("client_secret", "")).encode(), world.client.secret.encode()
    )
    if not known:
        raise refusals.oauth("invalid_client", "Client identifier or secret is wrong.", 401)
    seconds = _lifetime(given, "expires_in", 1800, 300, 172_800)
    refresh = _lifetime(given, "refresh_token_expires_in", 2_592_000, 604_800, 7_776_000)
    if given.get("grant_type") == "authorization_code":
        held = _spend_code(account, given)
    elif given.get("grant_type") == "refresh_token":
        held = _spend_refresh_token(account, given)
    else:
        raise refusals.oauth("unsupported_grant_type", "Not a grant type of this client.")
    return issue(account, held["user_id"], held["scope"], seconds=seconds, refresh=refresh)


def _lifetime(given: Record, name: str, default: int, least: int, most: int) -> int:
    value = given.get(name, default)
    if not isinstance(value, int) or not least <= value <= most:
        raise refusals.oauth("invalid_request", f"{name} must be {least} to {most} seconds.")
    return value


def _spend_code(account: Account, given: Record) -> Record:
    held = account.codes.pop(str(given.get("code")), None)
    if held is None or datetime.fromisoformat(held["until"]) <= clock.now():
        raise refusals.oauth("invalid_grant", "The code is spent, too old or never was.")
    if given.get("redirect_uri") != held["redirect_uri"]:
        raise refusals.oauth("invalid_grant", "redirect_uri is not the one of the code.")
    if held["challenge"]:
        digest = hashlib.sha256(str(given.get("code_verifier", "")).encode()).digest()
        proof = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        if not hmac.compare_digest(proof, held["challenge"]):
            raise refusals.oauth("invalid_grant", "code_verifier does not fit the challenge.")
    return held


def _spend_refresh_token(account: Account, given: Record) -> Record:
    token = given.get("refresh_token")
    held = next((one for one in account.grants if one["refresh_token"] == token), None)
    if held is None or datetime.fromisoformat(held["refresh_until"]) <= clock.now():
        raise refusals.oauth("invalid_grant", "The refresh token is spent, too old or never was.")
    account.grants.remove(held)
    return held
