"""The merchant's doors for saved replies: `/api/saved-replies`.

Called by the merchant's pages inside Shopify's admin. Whoever answers buyers may read them; owners
and admins write them. JSON in, JSON out: {"title": …, "text": …}.
"""

from __future__ import annotations

from flask import Blueprint, request

from app.desk.saved.fill import VARIABLES
from app.desk.saved.models import SavedReply
from app.desk.saved.save_reply import add_reply, change_reply, remove_reply, replies_of
from app.foundation.errors import Refused
from app.foundation.limits import Limits
from app.shops.api import Caller, merchant_api
from app.shops.needs import MerchantNeeds
from app.shops.roles import Permission


def blueprint(tools: MerchantNeeds, limits: Limits) -> Blueprint:
    api = merchant_api(tools, limits, "saved_replies")

    @api.route("/saved-replies", needs=Permission.REPLY)
    def list_replies(caller: Caller) -> object:
        with tools.db.shop(caller.shop_id) as session:
            replies = replies_of(session, shop_id=caller.shop_id)
        return {"saved_replies": [described(one) for one in replies], "variables": VARIABLES}

    @api.route("/saved-replies", needs=Permission.SETTINGS, methods=["POST"])
    def add(caller: Caller) -> object:
        title, text = said()
        with tools.db.shop(caller.shop_id) as session:
            return described(
                add_reply(
                    session,
                    now=caller.now,
                    shop_id=caller.shop_id,
                    actor=caller.actor,
                    title=title,
                    text=text,
                )
            )

    @api.route("/saved-replies/<int:reply_id>", needs=Permission.SETTINGS, methods=["PUT"])
    def change(caller: Caller, reply_id: int) -> object:
        title, text = said()
        with tools.db.shop(caller.shop_id) as session:
            return described(
                change_reply(
                    session,
                    now=caller.now,
                    shop_id=caller.shop_id,
                    actor=caller.actor,
                    reply_id=reply_id,
                    title=title,
                    text=text,
                )
            )

    @api.route("/saved-replies/<int:reply_id>", needs=Permission.SETTINGS, methods=["DELETE"])
    def remove(caller: Caller, reply_id: int) -> object:
        with tools.db.shop(caller.shop_id) as session:
            remove_reply(
                session,
                now=caller.now,
                shop_id=caller.shop_id,
                actor=caller.actor,
                reply_id=reply_id,
            )
        return {"removed": reply_id}

    return api.doors


def said() -> tuple[str, str]:
    """Title and text of the request. Raises Refused."""
    body = request.get_json(silent=True)
    title, text = (
        (body.get(name) for name in ("title", "text")) if isinstance(body, dict) else ("", "")
    )
    if not isinstance(title, str) or not isinstance(text, str):
        raise Refused("body", 'send {"title": …, "text": …} as JSON')
    return title, text


def described(one: SavedReply) -> dict[str, object]:
    return {
        "id": one.id,
        "title": one.title,
        "text": one.text,
        "changed_at": one.changed_at.isoformat(),
    }
