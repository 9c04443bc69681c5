"""The merchant's doors about routing rules, behind the guard of the merchant's API."""

from __future__ import annotations

from flask import Blueprint, request

from app.foundation.errors import Refused
from app.foundation.limits import Limits
from app.helpdesk.routing.save_rules import save_rules
from app.shops.api import Caller, merchant_api
from app.shops.needs import MerchantNeeds
from app.shops.preferences import preferences_of
from app.shops.roles import Permission


def blueprint(tools: MerchantNeeds, limits: Limits) -> Blueprint:
    api = merchant_api(tools, limits, "routing")

    @api.route("/helpdesk/routing", needs=Permission.SETTINGS)
    def show_routing(caller: Caller) -> object:
        with tools.db.shop(caller.shop_id) as session:
            return {"rules": preferences_of(session, caller.shop_id).routing_rules}

    @api.route("/helpdesk/routing", needs=Permission.SETTINGS, methods=["PUT"])
    def save_routing(caller: Caller) -> object:
        asked = request.get_json(silent=True)
        if not isinstance(asked, dict) or "rules" not in asked:
            raise Refused("routing_rules", 'Send {"rules": [{"when": {…}, "then": {…}}]}')
        with tools.db.shop(caller.shop_id) as session:
            save_rules(
                session,
                now=caller.now,
                shop_id=caller.shop_id,
                actor=caller.actor,
                rules=asked["rules"],
            )
            return {"rules": preferences_of(session, caller.shop_id).routing_rules}

    return api.doors
