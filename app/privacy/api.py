"""The merchant's doors about their buyers' data: what was asked, take an export, erase.

Behind the guard of the merchant's API, which proves who calls and what they may do. Bodies name a
buyer by phone or by contact, never in an address, which would end up in a log. Every act is
written down with its actor by the use cases.
"""

from __future__ import annotations

from flask import Blueprint, Response, request

from app.foundation.db import Session
from app.foundation.errors import Refused
from app.foundation.limits import Limits
from app.foundation.media import MediaGone
from app.privacy.answer import request_privacy
from app.privacy.ask import Kind
from app.privacy.buyer import Buyer, contact_by_phone
from app.privacy.keep_export import take_export
from app.privacy.requests import (
    AlreadyOpen,
    Opened,
    confirm_erasure,
    described,
    lock_request,
    make_export,
    open_request,
    requests_of,
)
from app.shops.api import Caller, merchant_api
from app.shops.models import Shop
from app.shops.needs import MerchantNeeds
from app.shops.roles import Permission

# Downloads, never shown inside the admin's frame: a buyer's words are a stranger's.
FILE_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": "default-src 'none'; img-src data:; style-src 'unsafe-inline';"
    " sandbox",
}


def blueprint(tools: MerchantNeeds, limits: Limits) -> Blueprint:
    api = merchant_api(tools, limits, "privacy")

    @api.route("/privacy/requests", needs=Permission.EXPORT)
    def list_privacy_requests(caller: Caller) -> object:
        with tools.db.shop(caller.shop_id) as session:
            found = requests_of(session, shop_id=caller.shop_id)
            return {"requests": [described(one, caller.now) for one in found]}

    @api.route("/privacy/requests/<int:request_id>/export", needs=Permission.EXPORT)
    def take_privacy_export(caller: Caller, request_id: int) -> Response:
        as_data = request.args.get("form") == "data"
        with tools.db.shop(caller.shop_id) as session:
            key = take_export(
                session,
                now=caller.now,
                request_id=_known(request_id),
                form="data" if as_data else "page",
                actor=caller.actor,
            )
        try:
            content = tools.media.get(key)
        except MediaGone as error:
            raise Refused("export_expired", "the files were deleted") from error
        name = f"buyer-{request_id}.{'json' if as_data else 'html'}"
        return Response(
            content,
            content_type="application/json" if as_data else "text/html; charset=utf-8",
            headers={**FILE_HEADERS, "Content-Disposition": f'attachment; filename="{name}"'},
        )

    @api.route(
        "/privacy/requests/<int:request_id>/export", needs=Permission.EXPORT, methods=["POST"]
    )
    def renew_privacy_export(caller: Caller, request_id: int) -> object:
        """Have an export made anew whose files are gone."""
        with tools.db.shop(caller.shop_id) as session:
            asked = lock_request(session, _known(request_id))
            if asked.kind != "export" or asked.page_key is not None:
                raise Refused("not_expired", "this request has its files, or needs none")
            asked.state, asked.fulfilled_at, asked.fulfilled_by = "open", None, None
            make_export(session, asked)
            return described(asked, caller.now)

    @api.route("/privacy/export", needs=Permission.EXPORT, methods=["POST"])
    def export_buyer(caller: Caller) -> object:
        with tools.db.shop(caller.shop_id) as session:
            opened = _open(session, caller, "export")
            return described(lock_request(session, opened.request_id), caller.now)

    @api.route("/privacy/erase", needs=Permission.ERASE, methods=["POST"])
    def erase_buyer(caller: Caller) -> object:
        """At once; a request of the buyer that still waits for its code is carried out by this."""
        if _asked().get("sure") is not True:
            raise Refused("not_confirmed", 'it cannot be undone: send "sure": true')
        with tools.db.shop(caller.shop_id) as session:
            opened = _open(session, caller, "erase")
            confirm_erasure(
                session,
                now=caller.now,
                request_id=opened.request_id,
                actor=caller.actor,
                act_at=caller.now,
            )
            return described(lock_request(session, opened.request_id), caller.now)

    @api.route("/privacy/requests", needs=Permission.REPLY, methods=["POST"])
    def ask_for_buyer(caller: Caller) -> object:
        """A buyer asked an agent: the same as if they had texted it, code and all."""
        kind = _asked().get("kind")
        if kind not in ("export", "erase"):
            raise Refused("bad_kind", 'send "kind": "export" or "erase"')
        with tools.db.shop(caller.shop_id) as session:
            opened = request_privacy(
                session,
                now=caller.now,
                shop_id=caller.shop_id,
                contact_id=_contact(session, caller),
                kind="export" if kind == "export" else "erase",
                source="agent",
                actor=caller.actor,
            )
            return described(lock_request(session, opened.request_id), caller.now)

    return api.doors


def _asked() -> dict[str, object]:
    asked = request.get_json(silent=True)
    return asked if isinstance(asked, dict) else {}


def _open(session: Session, caller: Caller, kind: Kind) -> Opened | AlreadyOpen:
    """The merchant's own request about the buyer that the body names."""
    return open_request(
        session,
        now=caller.now,
        shop_id=caller.shop_id,
        buyer=Buyer(contact_ids=(_contact(session, caller),)),
        kind=kind,
        source="merchant",
        actor=caller.actor,
    )


def _contact(session: Session, caller: Caller) -> int:
    phone = _asked().get("phone")
    if not isinstance(phone, str):
        raise Refused("no_phone", 'send the buyer\'s number as "phone"')
    return contact_by_phone(session, shop=session.get_one(Shop, caller.shop_id), phone=phone)


def _known(request_id: int) -> int:
    if request_id >= 2**63:
        raise Refused("unknown_request", "there is no such request")
    return request_id
