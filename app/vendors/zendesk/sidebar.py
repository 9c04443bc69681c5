"""The door through which Zendesk opens our app beside a ticket: `POST /desk/zendesk`.

Zendesk brings its signed word for who opens it (`signed_url`) as the form field `token`; the query
carries `origin` and `app_guid`, which its framework in the page reads. The account is found by the
subdomain that signed; two shops that use one Zendesk are both seen, and each ticket shows its own.
An agent sees cause and remedy in the frame where they look.
"""

from __future__ import annotations

import structlog
from flask import Blueprint, Response, request
from werkzeug.exceptions import RequestEntityTooLarge

from app.desk.pages import DeskPages, origin_of, problem
from app.desk.seats import accounts_at
from app.desk.sessions import begin_session
from app.foundation.jobs import Tools
from app.foundation.limits import Limits
from app.vendors.zendesk.signed_url import AppKeys, BadSignedUrl, QueryHash, read_signed_url

log = structlog.get_logger()

KIND = "zendesk"
OPENED = "120 per minute"  # by one agent, who is proven by then: without Redis they are let in
MAX_BODY = 16 * 1024
ANY_ZENDESK = "https://*.zendesk.com"
REMEDIES = {
    "late": "Reload the ticket.",
    "too_early": "Reload the ticket. If it stays like this, the clock of Doorstep's server is"
    " wrong; tell whoever runs it.",
    "not_an_agent": "Sign in to Zendesk as an agent.",
    "forged": "Reload the ticket. If it stays like this, have an admin install the Doorstep app"
    " again; whoever runs Doorstep finds the reason in its log.",
}


def blueprint(
    tools: Tools,
    limits: Limits,
    pages: DeskPages,
    *,
    app_keys: AppKeys,
    query_hash: QueryHash,
    base_url: str,
) -> Blueprint:
    """`base_url`: where Zendesks are; elsewhere than at Zendesk it may frame the page too."""
    doors = Blueprint("zendesk_sidebar", __name__)

    def frames(subdomain: str | None) -> list[str]:
        """A Zendesk, or any of them as long as nothing is proven, and nothing shown."""
        zendesk = f"https://{subdomain}.zendesk.com" if subdomain else ANY_ZENDESK
        here = origin_of(base_url.format(subdomain=subdomain or "any"))
        return [zendesk] if here.endswith(".zendesk.com") else [zendesk, here]

    @doors.post("/desk/zendesk")
    def open_app() -> Response:
        request.max_content_length = MAX_BODY
        if (request.content_length or 0) > MAX_BODY:
            raise RequestEntityTooLarge  # also where the body is no form, and so not read
        now, keys = tools.clock.now(), tools.keys.signing_keys
        if not app_keys.keys:
            return problem(
                403,
                "This Doorstep cannot tell whether it is Zendesk that asks.",
                "Whoever runs it sets ZENDESK_APP_PUBLIC_KEY to the public key of the app.",
                frames=frames(None),
            )
        try:
            visit = read_signed_url(
                request.form.get("token", ""),
                keys=app_keys,
                path=request.path,
                query=request.query_string.decode("latin-1"),
                now=now,
                query_hash=query_hash,
            )
        except BadSignedUrl as error:
            log.warning("zendesk app not opened", reason=error.reason, why=str(error))
            cause = f"Zendesk's word for who you are was not accepted: {error}."
            return problem(403, cause, REMEDIES[error.reason], frames=frames(None))
        agent = f"{KIND}:{visit.agent_id}"
        limits.count_open(OPENED, "zendesk_sidebar", f"{visit.subdomain}:{agent}")
        with tools.db.across_shops("zendesk app: whose helpdesk is this") as session:
            account_ids = accounts_at(session, kind=KIND, subdomain=visit.subdomain)
        if not account_ids:
            return problem(
                403,
                f"No shop in Doorstep is connected to {visit.subdomain}.zendesk.com.",
                "Open Doorstep in your Shopify admin and connect this Zendesk.",
                frames=frames(visit.subdomain),
            )
        token = begin_session(
            keys,
            now=now,
            surface="zendesk",
            account_ids=account_ids,
            subdomain=visit.subdomain,
            agent=agent,
        )
        return pages.show({"surface": "zendesk", "token": token}, frames=frames(visit.subdomain))

    return doors
