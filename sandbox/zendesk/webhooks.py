"""Endpoints under `/api/v2/webhooks`. Only an admin may use them.

An address must be https, or loopback, where the sandbox lives. The signing secret has an endpoint
of its own, and the last invocations can be read.
"""

from __future__ import annotations

import secrets
from urllib.parse import urlsplit

from sandbox.zendesk import refusals
from sandbox.zendesk.doors import Answer, Call, Doors
from sandbox.zendesk.events import CONDITIONAL, TICKET_EVENTS
from sandbox.zendesk.world import Account, Record, stamp

FIELDS = frozenset(
    [
        "name",
        "endpoint",
        "http_method",
        "request_format",
        "status",
        "subscriptions",
        "authentication",
        "custom_headers",
        "description",
    ]
)
HIDDEN = ("secret", "invocations")
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


def open_doors(doors: Doors) -> None:
    """Create, list, show, change, delete, signing secret, invocations."""
    one = "/webhooks/<webhook_id>"
    doors.api("POST", "/webhooks", "webhooks.create", _create, scope="webhooks:write")
    doors.api("GET", "/webhooks", "webhooks.list", _list, scope="webhooks:read")
    doors.api("GET", one, "webhooks.show", _show, scope="webhooks:read")
    doors.api("PATCH", one, "webhooks.change", _change, scope="webhooks:write")
    doors.api("DELETE", one, "webhooks.delete", _delete, scope="webhooks:write")
    secret = f"{one}/signing_secret"
    doors.api("GET", secret, "webhooks.secret", _secret, scope="webhooks:read")
    doors.api("POST", secret, "webhooks.new_secret", _new_secret, scope="webhooks:write")
    doors.api(
        "GET", f"{one}/invocations", "webhooks.invocations", _invocations, scope="webhooks:read"
    )


def _admin(call: Call) -> None:
    if call.actor["role"] != "admin":
        raise refusals.forbidden("Only an admin may see or change webhooks.")


def _found(call: Call, webhook_id: str) -> Record:
    _admin(call)
    hook = call.account.webhooks.get(webhook_id)
    if hook is None:
        raise refusals.not_found()
    return hook


def _shown(hook: Record) -> Record:
    shown = {key: value for key, value in hook.items() if key not in HIDDEN}
    if shown["authentication"] is not None:
        shown["authentication"] = {
            key: value for key, value in shown["authentication"].items() if key != "data"
        }
    return shown


def _create(call: Call) -> Answer:
    _admin(call)
    given = call.body("webhook", FIELDS)
    for name in ("name", "endpoint", "http_method", "request_format", "status"):
        if not given.get(name):
            raise refusals.invalid_attribute(name, "is required")
    _check(call.account, given)
    user, moment = str(call.actor["id"]), stamp()
    hook = {
        "subscriptions": [],
        "authentication": None,
        "custom_headers": {},
        **given,
        "id": "01" + secrets.token_hex(12).upper(),
        "created_at": moment,
        "created_by": user,
        "updated_at": moment,
        "updated_by": user,
        "secret": secrets.token_urlsafe(32),
        "invocations": [],
    }
    call.account.webhooks[hook["id"]] = hook
    return 201, {"webhook": _shown(hook)}


def _check(account: Account, given: Record) -> None:
    if "endpoint" in given:
        address = urlsplit(str(given["endpoint"]))
        if address.scheme != "https" and address.hostname not in LOOPBACK:
            raise refusals.invalid_attribute("endpoint", "must be https")
    for name, allowed in (
        ("http_method", {"POST"}),
        ("request_format", {"json"}),
        ("status", {"active", "inactive"}),
    ):
        if name in given and given[name] not in allowed:
            raise refusals.invalid_attribute(name, f"must be one of {sorted(allowed)}")
    subscriptions = given.get("subscriptions", [])
    if CONDITIONAL in subscriptions:
        if subscriptions != [CONDITIONAL]:
            raise refusals.invalid_attribute("subscriptions", f"{CONDITIONAL} stands alone")
        subscriptions = []
    if subscriptions and not account.ticket_events:
        raise refusals.invalid_attribute("subscriptions", "are not part of this plan")
    for subscription in subscriptions:
        if subscription not in TICKET_EVENTS:
            raise refusals.invalid_attribute("subscriptions", f"{subscription} is no event type")
    authentication = given.get("authentication")
    if authentication is not None and authentication.get("type") != "bearer_token":
        raise refusals.invalid_attribute("authentication", "must be bearer_token here")
    if len(given.get("custom_headers") or {}) > 5:
        raise refusals.invalid_attribute("custom_headers", "may be five at most")


def _list(call: Call) -> Answer:
    _admin(call)
    hooks = [_shown(hook) for hook in call.account.webhooks.values()]
    return 200, {
        "webhooks": hooks,
        "meta": {"has_more": False, "after_cursor": None, "before_cursor": None},
        "links": {"next": None, "prev": None},
    }


def _show(call: Call, webhook_id: str) -> Answer:
    return 200, {"webhook": _shown(_found(call, webhook_id))}


def _change(call: Call, webhook_id: str) -> Answer:
    hook = _found(call, webhook_id)
    given = call.body("webhook", FIELDS)
    _check(call.account, given)
    hook.update({**given, "updated_at": stamp(), "updated_by": str(call.actor["id"])})
    return 204, None


def _delete(call: Call, webhook_id: str) -> Answer:
    _found(call, webhook_id)
    for trigger in call.account.triggers.values():
        if any(action["value"][0] == webhook_id for action in trigger["actions"]):
            raise refusals.invalid_attribute("webhook", "is called by a trigger")
    del call.account.webhooks[webhook_id]
    return 204, None


def _secret(call: Call, webhook_id: str) -> Answer:
    secret = _found(call, webhook_id)["secret"]
    return 200, {"signing_secret": {"algorithm": "SHA256", "secret": secret}}


def _new_secret(call: Call, webhook_id: str) -> Answer:
    hook = _found(call, webhook_id)
    hook["secret"] = secrets.token_urlsafe(32)
    return 201, {"signing_secret": {"algorithm": "SHA256", "secret": hook["secret"]}}


def _invocations(call: Call, webhook_id: str) -> Answer:
    return 200, {"invocations": _found(call, webhook_id)["invocations"]}
