"""The doors through which a merchant connects a helpdesk, the same for each kind.

`GET /connect/<kind>` takes a link that we signed (see `connect`), asks for the subdomain if the
link has none, and sends the admin to the helpdesk; `GET /connect/<kind>/callback` takes them
back. Gorgias's app store opens the first with `?account=` and no link: then nobody knows yet for
which shop, and the page says where to begin. Every page names cause and remedy.
"""

from __future__ import annotations

from datetime import timedelta

import structlog
from flask import Blueprint, Response, make_response, redirect, render_template, request
from werkzeug.wrappers import Response as AnyResponse

from app.foundation.errors import Misconfigured, VendorFailure
from app.foundation.limits import Limits
from app.helpdesk.connect import ConnectRefused, arrive, depart, read_link
from app.helpdesk.kinds import KINDS, Kind
from app.helpdesk.needs import DoorNeeds
from app.helpdesk.ports import Disconnected
from app.helpdesk.store_account import NoWebhook, store_account

log = structlog.get_logger()

COOKIE = "doorstep_connect"
COOKIE_LIVES = timedelta(minutes=10)
LONGEST = 2000  # of any parameter
SIGN_INS = "60 per 10 minute"  # per visitor


def blueprint(tools: DoorNeeds, limits: Limits) -> Blueprint:
    doors = Blueprint("helpdesk_connect", __name__)
    for kind in KINDS.values():
        _open(doors, tools, limits, kind)
    return doors


def _open(doors: Blueprint, tools: DoorNeeds, limits: Limits, kind: Kind) -> None:
    def problem(status: int, cause: str) -> Response:
        return page(status, kind, step="problem", problem=cause)

    @doors.get(f"/connect/{kind.key}", endpoint=f"connect_{kind.key}")
    @limits.closed(SIGN_INS)
    def connect() -> AnyResponse:
        link, account = argument("link"), argument("account")
        if account and not link:
            return page(200, kind, step="begin")
        try:
            permit = read_link(
                tools,
                kind=kind.key,
                shop=argument("shop"),
                link=link,
                subdomain=argument("subdomain"),
            )
            if not permit.subdomain:
                return page(200, kind, step="ask", shop=permit.shop_domain, link=link)
            departure = depart(tools, kind=kind.key, permit=permit)
        except ConnectRefused as refusal:
            if refusal.reason == "bad_subdomain":
                return page(
                    400, kind, step="ask", shop=argument("shop"), link=link, problem=str(refusal)
                )
            return problem(400, str(refusal))
        except Misconfigured as error:
            log.error("helpdesk cannot be connected", error=str(error))
            return problem(
                503, f"This Doorstep is not set up for {kind.name} yet. Tell its operator: {error}"
            )
        answer = redirect(departure.authorise_url, 302)
        answer.headers["Cache-Control"] = "no-store"
        answer.set_cookie(
            COOKIE,
            departure.nonce,
            max_age=COOKIE_LIVES,
            path="/connect",
            secure=tools.public_url.startswith("https://"),
            httponly=True,
            samesite="Lax",  # the helpdesk's redirect back must carry it
        )
        return answer

    @doors.get(f"/connect/{kind.key}/callback", endpoint=f"callback_{kind.key}")
    @limits.closed(SIGN_INS)
    def callback() -> AnyResponse:
        try:
            arrival = arrive(
                tools,
                kind=kind.key,
                state=argument("state"),
                cookie=request.cookies.get(COOKIE, "")[:LONGEST],
            )
        except ConnectRefused as refusal:
            return problem(400, str(refusal))
        code = argument("code")
        if argument("error") or not code:
            return problem(
                400,
                f"{kind.name} did not give its permission, so nothing was connected. Begin again"
                " in Doorstep and choose Allow.",
            )
        try:
            connected = store_account(tools, arrival=arrival, code=code)
        except NoWebhook:
            return problem(
                403,
                f"You signed in as somebody who is no admin of this {kind.name}, and only an admin"
                " can let Doorstep hear of replies. Begin again in Doorstep as an admin.",
            )
        except Disconnected:
            return problem(
                400,
                f"{kind.name} did not accept the sign-in: it was too old or used before. Begin"
                " again in Doorstep.",
            )
        except VendorFailure as error:
            log.warning("helpdesk not connected", status=error.status, code=error.code)
            return problem(
                502,
                f"{kind.name} did not answer as it should. Nothing is lost: begin again in a"
                " minute.",
            )
        except Misconfigured as error:
            log.error("helpdesk cannot be connected", error=str(error))
            return problem(503, f"This Doorstep is not set up for {kind.name}: {error}")
        answer = page(
            200, kind, step="done", subdomain=connected.subdomain, waiting=connected.caught_up
        )
        answer.delete_cookie(COOKIE, path="/connect")
        return answer


def argument(name: str) -> str:
    """One query parameter; over-long ones are none of ours."""
    value = request.args.get(name, "")
    return value if len(value) <= LONGEST and "\0" not in value else ""


def page(status: int, kind: Kind, **values: object) -> Response:
    answer = make_response(render_template("connect_helpdesk.html", kind=kind, **values), status)
    answer.headers["Content-Security-Policy"] = (
        "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'"
    )
    answer.headers["Cache-Control"] = "no-store"
    return answer
