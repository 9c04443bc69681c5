"""The frame around every emulated API request: who calls, may they, how often, and then what.

Used by the files that hold the endpoints. Order as at the vendor: account, token, marketplace
headers, scope, rate limit, then the endpoint itself under the world's lock. Webhooks that the
endpoint caused leave after the lock is released.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from flask import Blueprint, Response, request
from flask.typing import ResponseReturnValue

from sandbox import clock, faults
from sandbox.zendesk import limits, refusals
from sandbox.zendesk.delivery import Courier
from sandbox.zendesk.events import Event
from sandbox.zendesk.refusals import Refusal
from sandbox.zendesk.world import Account, Record, ZendeskWorld

MARKETPLACE_HEADERS = (
    "X-Zendesk-Marketplace-Name",
    "X-Zendesk-Marketplace-Organization-Id",
    "X-Zendesk-Marketplace-App-Id",
)


@dataclass
class Call:
    """One request on its way through an endpoint."""

    world: ZendeskWorld
    account: Account
    actor: Record
    base: str  # address of the account, without a slash at the end
    headers: dict[str, str] = field(default_factory=dict)  # of the answer
    events: list[Event] = field(default_factory=list)

    def body(self, name: str, allowed: frozenset[str]) -> Record:
        """The object under `name` of the JSON body, all of whose fields are known."""
        return checked(json_body(frozenset({name})).get(name), name, allowed)

    def api(self, path: str) -> str:
        return f"{self.base}/api/v2/{path}"


Answer = tuple[int, Any]


def json_body(allowed: frozenset[str]) -> Record:
    """The request's JSON object; refused where it is none or holds unknown fields."""
    if request.mimetype != "application/json":
        raise Refusal(415, {"error": "Content-Type must be application/json"})
    try:
        parsed = json.loads(request.get_data())
    except ValueError:
        raise refusals.unparsable() from None
    return checked(parsed, "request", allowed)


def checked(value: Any, name: str, allowed: frozenset[str]) -> Record:
    if not isinstance(value, dict):
        raise refusals.invalid_attribute(name, "must be an object")
    for key in value:
        if key not in allowed:
            raise refusals.invalid_attribute(key, f"is not known in {name}")
    return value


class Doors:
    """Hangs endpoints into the blueprint."""

    def __init__(self, blueprint: Blueprint, world: ZendeskWorld, courier: Courier) -> None:
        self.blueprint = blueprint
        self.world = world
        self.courier = courier
        blueprint.register_error_handler(Refusal, answer_refusal)

    def api(
        self, method: str, path: str, operation: str, work: Callable[..., Answer], *, scope: str
    ) -> None:
        """An endpoint of `/api/v2`, working as `work(call, **path values)`."""

        def endpoint(subdomain: str, **values: Any) -> ResponseReturnValue:
            faults.apply("zendesk", operation)
            request.get_data()  # read now, so that a slow sender does not hold the lock
            with self.world.changing():
                call = self._admit(subdomain, scope)
                status, body = work(call, **values)
                answer = _answer(status, body, call.headers)
            self.courier.dispatch(call.account, call.events, caused_by=operation)
            faults.after("zendesk", operation)
            return answer

        self.blueprint.add_url_rule(
            f"/<subdomain>/api/v2{path}",
            f"{method} {path}".replace(".", "_"),
            endpoint,
            methods=[method],
        )
        self.blueprint.add_url_rule(
            f"/<subdomain>/api/v2{path}.json",
            f"{method} {path} json".replace(".", "_"),
            endpoint,
            methods=[method],
        )

    def page(self, method: str, path: str, work: Callable[..., ResponseReturnValue]) -> None:
        """An address outside the API, working as `work(**path values)`."""
        self.blueprint.add_url_rule(
            f"/<subdomain>{path}",
            f"{method} page {path}".replace(".", "_"),
            work,
            methods=[method],
        )

    def _admit(self, subdomain: str, scope: str) -> Call:
        account = self.world.account(subdomain)
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise refusals.not_authenticated()
        now = clock.now()
        grant = next((one for one in account.grants if one["access_token"] == token), None)
        if grant is None or datetime.fromisoformat(grant["access_until"]) <= now:
            raise refusals.invalid_token()
        missing = [name for name in MARKETPLACE_HEADERS if not request.headers.get(name)]
        if missing:
            raise refusals.forbidden(f"Marketplace apps must send {', '.join(missing)}.")
        _check_scope(grant["scope"].split(), scope)
        call = Call(
            self.world, account, account.users[str(grant["user_id"])], self.world.base(subdomain)
        )
        call.headers.update(limits.count_request(self.world.meter, subdomain, account.plan, now))
        return call


def _check_scope(held: list[str], needed: str) -> None:
    """`needed` is `resource:read|write`; a bare `:write` asks for the broad scope."""
    resource, _, verb = needed.rpartition(":")
    if verb not in held and (not resource or needed not in held):
        raise refusals.forbidden(f"Missing the required scope {needed.lstrip(':')}.")


def _answer(status: int, body: Any, headers: dict[str, str]) -> Response:
    text = "" if body is None else json.dumps(body)
    answer = Response(text, status=status, mimetype="application/json")
    answer.headers.update(headers)
    return answer


def answer_refusal(refusal: Refusal) -> Response:
    if isinstance(refusal.body, str):
        answer = Response(refusal.body, status=refusal.status, mimetype="text/plain")
        answer.headers.update(refusal.headers)
        return answer
    return _answer(refusal.status, refusal.body, refusal.headers)
