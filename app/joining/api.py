"""The API's doors for consent by hand: `POST /api/contacts/<id>/opt-out` and `…/opt-in`.

Called by the merchant's pages inside Shopify's admin; whoever is signed in there stands in the
record. JSON in, JSON out: {"reason": …}, {"how": …, "wording": …}.
"""

from __future__ import annotations

import sqlalchemy as sa
from flask import Blueprint, request

from app.contacts.models import Contact
from app.foundation.db import Session
from app.foundation.errors import Refused
from app.foundation.limits import Limits
from app.joining.by_hand import opt_in_by_hand, opt_out_by_hand
from app.shops.api import Caller, merchant_api
from app.shops.needs import MerchantNeeds
from app.shops.roles import Permission


def blueprint(tools: MerchantNeeds, limits: Limits) -> Blueprint:
    api = merchant_api(tools, limits, "joining")

    @api.route("/contacts/<int:contact_id>/opt-out", needs=Permission.OPT_OUT, methods=["POST"])
    def opt_out(caller: Caller, contact_id: int) -> object:
        said = texts_said()
        with tools.db.shop(caller.shop_id) as session:
            recorded = opt_out_by_hand(
                session,
                now=caller.now,
                shop_id=caller.shop_id,
                phone=phone_of(session, caller, contact_id),
                actor=caller.actor,
                reason=said.get("reason", ""),
            )
        return {"consent_id": recorded.consent_id}

    @api.route("/contacts/<int:contact_id>/opt-in", needs=Permission.SETTINGS, methods=["POST"])
    def opt_in(caller: Caller, contact_id: int) -> object:
        said = texts_said()
        with tools.db.shop(caller.shop_id) as session:
            recorded = opt_in_by_hand(
                session,
                now=caller.now,
                shop_id=caller.shop_id,
                phone=phone_of(session, caller, contact_id),
                actor=caller.actor,
                how=said.get("how", ""),
                wording=said.get("wording", ""),
            )
        return {"consent_id": recorded.consent_id}

    return api.doors


def texts_said() -> dict[str, str]:
    """The request's JSON. Raises Refused unless it is an object of texts."""
    body = request.get_json(silent=True)
    if not isinstance(body, dict) or not all(isinstance(one, str) for one in body.values()):
        raise Refused("body", "send an object of texts as JSON")
    return body


def phone_of(session: Session, caller: Caller, contact_id: int) -> str:
    """Raises Refused for a contact of another shop, as for one that never was."""
    phone = (
        session.scalar(
            sa.select(Contact.phone).where(
                Contact.id == contact_id, Contact.shop_id == caller.shop_id
            )
        )
        if contact_id < 2**63
        else None
    )
    if phone is None:
        raise Refused("unknown_contact", "your shop has no such contact")
    return phone
