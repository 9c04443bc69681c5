"""The merchant's API: one guard for every door of it, and the doors about staff.

Any room opens a door with the guard and names what it needs; nothing else has to be thought of:

    api = merchant_api(tools, limits, "contacts")

    @api.route("/contacts/<int:contact_id>/opt-out", needs=Permission.OPT_OUT, methods=["POST"])
    def opt_out(caller: Caller, contact_id: int) -> object:
        with tools.db.shop(caller.shop_id) as session: …
        return {"opted_out": True}

and hands `api.doors` to `app/web.py`. The guard proves the ID token of the `Authorization` header,
finds shop, member of staff and role, counts, and refuses with JSON. A house test fails for a route
under /api that does not come through here. Roles: `shops/roles`; ADR 0019.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import update_wrapper

import sqlalchemy as sa
from flask import Blueprint, Response, jsonify, request
from werkzeug.exceptions import RequestEntityTooLarge

from app.foundation.errors import Refused
from app.foundation.limits import Limits, TooMany
from app.shops.appoint import appoint_staff, staff_of
from app.shops.models import Shop, Staff
from app.shops.needs import MerchantNeeds
from app.shops.ports import BadIdToken, StaleIdToken
from app.shops.roles import MAY, Permission, Role, may, role_named

RETRY_HEADER = "X-Shopify-Retry-Invalid-Session-Request"
MAX_BODY = 64 * 1024
# For each member of staff. They are proven by then, so without Redis they are let in.
PACE = "300 per minute"
STATUSES = {
    "not_permitted": 403,
    "owners_only": 403,
    "unknown_staff": 404,
    "unknown_contact": 404,
    "unknown_reply": 404,
    "title_taken": 409,
    "last_owner": 409,
    "opted_out": 409,
}

Handler = Callable[..., object]


@dataclass(frozen=True)
class Caller:
    """A member of staff whom the guard has proven and found permitted."""

    shop_id: int
    shop_domain: str
    user_id: int  # Shopify's
    role: Role
    now: datetime

    @property
    def actor(self) -> str:
        """How the audit list names them."""
        return f"staff:{self.user_id}"


class Door:
    """A view that only runs for whom the guard lets through."""

    def __init__(
        self, needs: Permission, handler: Handler, tools: MerchantNeeds, limits: Limits
    ) -> None:
        self.needs, self._handler, self._tools, self._limits = needs, handler, tools, limits
        update_wrapper(self, handler)  # Flask and its extensions ask a view for its name

    def __call__(self, **path: object) -> Response:
        request.max_content_length = MAX_BODY
        if (request.content_length or 0) > MAX_BODY:
            raise RequestEntityTooLarge  # also where the door reads no body
        now = self._tools.clock.now()
        try:
            token = self._tools.id_tokens.read_header(request.headers.get("Authorization"), now=now)
        except BadIdToken as error:
            answer = refusal(401, error.reason, str(error))
            if isinstance(error, StaleIdToken):
                answer.headers[RETRY_HEADER] = "1"
            return answer
        with self._tools.db.across_shops("merchant api: whose token is this") as session:
            found = session.execute(
                sa.select(Shop.id, Shop.state, Staff.role)
                .join(
                    Staff,
                    sa.and_(Staff.shop_id == Shop.id, Staff.user_id == token.user_id),
                    isouter=True,
                )
                .where(Shop.domain == token.shop_domain)
            ).one_or_none()
        role = role_named(found.role) if found else None
        if found is None or found.state != "installed" or role is None:
            return refusal(
                403, "unknown_staff", "Open Doorstep in your Shopify admin once, then try again."
            )
        self._limits.count_open(PACE, "merchant_api", f"{found.id}:{token.user_id}")
        if not may(role, self.needs):
            return refusal(
                403,
                "not_permitted",
                f"As {role} you may not do this ({self.needs}). Ask an owner or admin of your shop"
                " for another role.",
            )
        caller = Caller(found.id, token.shop_domain, token.user_id, role, now)
        try:
            said = self._handler(caller, **path)
        except TooMany:
            raise
        except Refused as error:
            return refusal(STATUSES.get(error.reason, 400), error.reason, str(error))
        return said if isinstance(said, Response) else jsonify(said)


class MerchantApi:
    """Doors of one room, all behind the guard. `doors` is the blueprint to register."""

    def __init__(self, tools: MerchantNeeds, limits: Limits, name: str) -> None:
        self._tools, self._limits = tools, limits
        self.doors = Blueprint(f"{name}_api", __name__, url_prefix="/api")

    def route(
        self, rule: str, *, needs: Permission, methods: Sequence[str] = ("GET",)
    ) -> Callable[[Handler], Handler]:
        def open_door(handler: Handler) -> Handler:
            self.doors.add_url_rule(
                rule,
                endpoint=handler.__name__,
                view_func=Door(needs, handler, self._tools, self._limits),
                methods=list(methods),
            )
            return handler

        return open_door


def merchant_api(tools: MerchantNeeds, limits: Limits, name: str) -> MerchantApi:
    """`name`: of the room, once in the whole app."""
    return MerchantApi(tools, limits, name)


def refusal(status: int, reason: str, text: str) -> Response:
    """What every refused call of the API looks like."""
    answer = jsonify(error=reason, message=text)
    answer.status_code = status
    return answer


def blueprint(tools: MerchantNeeds, limits: Limits) -> Blueprint:
    api = merchant_api(tools, limits, "staff")

    @api.route("/staff", needs=Permission.ROLES)
    def list_staff(caller: Caller) -> object:
        with tools.db.shop(caller.shop_id) as session:
            return {
                "staff": [
                    described(one, caller) for one in staff_of(session, shop_id=caller.shop_id)
                ],
                "roles": {role: sorted(MAY[role]) for role in Role},
            }

    @api.route("/staff/<int:user_id>", needs=Permission.ROLES, methods=["PUT"])
    def appoint(caller: Caller, user_id: int) -> object:
        asked = request.get_json(silent=True)
        role = role_named(asked.get("role")) if isinstance(asked, dict) else None
        if role is None:
            raise Refused("bad_role", f'Send {{"role": …}} with one of {", ".join(Role)}')
        if user_id >= 2**63:
            raise Refused("unknown_staff", "Nobody has this id")
        with tools.db.shop(caller.shop_id) as session:
            whom = appoint_staff(
                session,
                now=caller.now,
                shop_id=caller.shop_id,
                user_id=user_id,
                role=role,
                by=caller.user_id,
            )
            return described(whom, caller)

    return api.doors


def described(one: Staff, caller: Caller) -> dict[str, object]:
    return {
        "user_id": one.user_id,
        "role": one.role,
        "you": one.user_id == caller.user_id,
        "added_at": one.added_at.isoformat(),
        "added_by": one.added_by,
    }
