"""The merchant's door to a proof packet: `GET /api/proof`, for staff who may take data out.

The number comes in a header, never in the address: addresses end up in the logs of whatever
stands before us. Who asks is proven by the guard of `shops.api`.
"""

from __future__ import annotations

from typing import Protocol

from flask import Blueprint, Response, jsonify, request

from app.foundation.limits import Limits
from app.proof.make_packet import make_packet
from app.proof.ports import Needs
from app.proof.render_packet import render_packet
from app.shops.api import Caller, merchant_api
from app.shops.models import Shop
from app.shops.needs import MerchantNeeds
from app.shops.roles import Permission

PHONE_HEADER = "Doorstep-Phone"
# The page carries its own styles and nothing else.
POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none';"
    " frame-ancestors 'none'"
)


class DoorNeeds(Needs, MerchantNeeds, Protocol):
    """What the proof needs, and what the guard needs."""


def blueprint(tools: DoorNeeds, limits: Limits) -> Blueprint:
    api = merchant_api(tools, limits, "proof")

    @api.route("/proof", needs=Permission.EXPORT)
    def proof(caller: Caller) -> Response:
        with tools.db.shop(caller.shop_id) as session:
            shop = session.get_one(Shop, caller.shop_id)
        packet = make_packet(
            tools,
            shop=shop,
            phone=request.headers.get(PHONE_HEADER, "")[:40],
            asked_by=caller.actor,
        )
        if request.accept_mimetypes.best_match(["application/json", "text/html"]) == "text/html":
            page = Response(render_packet(packet), mimetype="text/html")
            page.headers["Content-Security-Policy"] = POLICY
            return page
        return jsonify(packet)

    return api.doors
