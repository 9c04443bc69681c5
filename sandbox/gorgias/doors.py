"""The frame around every emulated API request: who calls, may they, how often, and then what.

Used by the files that hold the endpoints. Order: account, token, scope, rate limit, then the
endpoint itself under the world's lock. Webhooks that it caused leave after the lock is released.
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
from sandbox.gorgias import refusals
from sandbox.gorgias.delivery import Courier
from sandbox.gorgias.happened import Happened
from sandbox.gorgias.refusals import Refusal
from sandbox.gorgias.world import Account, GorgiasWorld, Record


@dataclass
class Call:
    """One request on its way through an endpoint."""

    world: GorgiasWorld
    account: Account
    actor: Record
    base: str  # address of the account, without a slash at the end
    headers: dict[str, str] = field(default_factory=dict)  # of the answer
    happened: list[Happened] = field(default_factory=list)


Answer = tuple[int, Any]


def json_body(known: frozenset[str], required: frozenset[str] = frozenset()) -> Record:
    """The request's JSON object; refused where it is none, or holds unknown fields."""
    if request.mimetype != "application/json":
        raise Refusal(415, {"error": {"msg": "Content-Type must be application/json"}})
    try:
        parsed = json.loads(request.get_data())
    except ValueError:
        raise refusals.invalid("body", "is no JSON") from None
    return checked(parsed, "body", known, required)


def checked(
    value: Any, name: str, known: frozenset[str], required: frozenset[str] = frozenset()
) -> Record:
    if not isinstance(value, dict):
        raise refusals.invalid(name, "must be an object")
    for key in value:
        if key not in known:
            raise refusals.invalid(key, f"is not known in {name}")
    for key in sorted(required):
        if value.get(key) is None:
            raise refusals.invalid(key, f"is required in {name}")
    return value


def parameters(known: frozenset[str]) -> dict[str, str]:
    """The query; an unknown parameter is refused."""
    for name in request.args:
        if name not in known:
            raise refusals.invalid(name, "is no parameter of this endpoint")
    return request.args.to_dict()


def listed(path: str, found: list[Record]) -> Record:
    """A page of a list. Cursors are the position of what comes next; they are opaque to callers."""
    limit, cursor = request.args.get("limit", "30"), request.args.get("cursor", "at-0")
    if not limit.isdigit() or not 1 <= int(limit) <= 100:
        raise refusals.invalid("limit", "must be 1 to 100")
    position = cursor.removeprefix("at-")
    if not position.isdigit():
        raise refusals.invalid("cursor", "is no cursor")
    begin, end = int(position), int(position) + int(limit)
    return {
        "data": found[begin:end],
        "object": "list",
        "uri": f"/api/{path}",
        "meta": {"prev_cursor": None, "next_cursor": f"at-{end}" if end < len(found) else None},
    }


class Doors:
    """Hangs endpoints into the blueprint."""

    def __init__(self, blueprint: Blueprint, world: GorgiasWorld, courier: Courier) -> None:
        self.blueprint = blueprint
        self.world = world
        self.courier = courier
        blueprint.register_error_handler(Refusal, answer_refusal)

    def api(
        self, method: str, path: str, operation: str, work: Callable[..., Answer], *, scope: str
    ) -> None:
        """An endpoint of `/api`, working as `work(call, **path values)`."""

        def endpoint(subdomain: str, **values: Any) -> ResponseReturnValue:
            faults.apply("gorgias", operation)
            request.get_data()  # read now, so that a slow sender does not hold the lock
            with self.world.changing():
                call = self._admit(subdomain, scope)
                status, body = work(call, **values)
                answer = _answer(status, body, call.headers)
            self.courier.dispatch(call.account, call.happened, caused_by=operation)
            faults.after("gorgias", operation)
            return answer

        self.blueprint.add_url_rule(
            f"/<subdomain>/api{path}",
            f"{method} {path}".replace(".", "_"),
            endpoint,
            methods=[method],
            strict_slashes=False,
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
        now = clock.now()
        grant = next((one for one in account.grants if one["access_token"] == token), None)
        if scheme.lower() != "bearer" or grant is None:
            raise refusals.not_authenticated()
        if datetime.fromisoformat(grant["access_until"]) <= now:
            raise refusals.not_authenticated()
        if scope not in grant["scope"].split():
            raise refusals.forbidden(f"The app was not given the scope {scope}.")
        call = Call(
            self.world, account, account.users[str(grant["user_id"])], self.world.base(subdomain)
        )
        if account.metered:
            call.headers.update(self.world.meter.count(subdomain, now))
        return call


def _answer(status: int, body: Any, headers: dict[str, str]) -> Response:
    text = "" if body is None else json.dumps(body)
    answer = Response(text, status=status, mimetype="application/json")
    answer.headers.update(headers)
    return answer


def answer_refusal(refusal: Refusal) -> Response:
    return _answer(refusal.status, refusal.body, refusal.headers)
