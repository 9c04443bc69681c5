"""HTTP as Shopify offers it: OAuth tokens, the Admin GraphQL API, pictures; and our own actions.

Mounted at `/shopify` of the sandbox, `/shopify/{shop}/…` standing for `https://{shop}/…`.
"""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, jsonify, request

from sandbox import faults
from sandbox.shopify import actions, catalogue, graph, installs
from sandbox.shopify.admin_schema import VERSION, load_schema
from sandbox.shopify.connections import NotEmulated
from sandbox.shopify.courier import RETRY_SECONDS
from sandbox.shopify.world import ActionRefused, ShopifyWorld
from sandbox.world import World

Answer = tuple[Response, int]

SHOP = "<string:domain>"
TICK_SECONDS = 1.0
BAD_TOKEN = "[API] Invalid API key or access token (unrecognized login or wrong password)"


def create_blueprint(
    shared: World, *, retry_seconds: tuple[float, ...] = RETRY_SECONDS
) -> Blueprint:
    """The doors under `/shopify`; the emulated world is `app.extensions["shopify"]`."""
    world = ShopifyWorld(shared, retry_seconds=retry_seconds)
    shared.keep("shopify", dump=dict, load=lambda _: None, reset=world.reset)
    load_schema()
    doors = Blueprint("shopify", __name__, url_prefix="/shopify")
    doors.record(lambda state: state.app.extensions.__setitem__("shopify", world))
    _tick(shared, world)

    @doors.post(f"/{SHOP}/admin/oauth/access_token")
    def access_token(domain: str) -> Answer:
        faults.apply("shopify", "oauth")
        shop = world.store.get("shop", domain)
        if shop is None:
            return jsonify(errors="Not Found"), 404
        asked = request.get_json(silent=True) if request.is_json else request.form.to_dict()
        try:
            answer = installs.answer_token_request(world, shop, asked or {})
        except installs.TokenRefused as refused:
            body = {"error": refused.error}
            if refused.description:
                body["error_description"] = refused.description
            return jsonify(body), 400
        faults.after("shopify", "oauth")
        return jsonify(answer), 200

    @doors.post(f"/{SHOP}/admin/api/<string:version>/graphql.json")
    def admin_api(domain: str, version: str) -> Answer:
        body = request.get_json(silent=True)
        operation = str((body or {}).get("operationName") or "graphql")
        faults.apply("shopify", operation)
        if version != VERSION or world.store.get("shop", domain) is None:
            return jsonify(errors="Not Found"), 404
        token = request.headers.get("X-Shopify-Access-Token", "")
        shop = installs.shop_of_access_token(world, domain, token)
        if shop is None:
            return jsonify(errors=BAD_TOKEN), 401
        if not isinstance(body, dict) or not isinstance(body.get("query"), str):
            return jsonify(errors={"query": "Required parameter missing or invalid"}), 400
        variables = body.get("variables") or {}
        if not isinstance(variables, dict):
            return jsonify(errors={"variables": "Required parameter missing or invalid"}), 400
        try:
            answer = graph.run(world, shop, body["query"], variables, body.get("operationName"))
        except NotEmulated as gap:
            return jsonify(errors=gap.message), 501
        faults.after("shopify", operation)
        return jsonify(answer), 200

    @doors.get("/images/<string:name>")
    def image(name: str) -> Response:
        picture = catalogue.draw(name)
        if picture is None:
            return Response("no such picture", 404)
        return Response(
            picture, mimetype="image/svg+xml", headers={"Cache-Control": "public, max-age=86400"}
        )

    @doors.get("/_actions")
    def list_actions() -> Response:
        return jsonify(actions=actions.documentation())

    @doors.get("/_actions/state")
    def state() -> Answer:
        return _act("state", dict(request.args))

    @doors.post("/_actions/<string:name>")
    def act(name: str) -> Answer:
        wanted = request.get_json(silent=True) if request.get_data() else {}
        if not isinstance(wanted, dict):
            return jsonify(error="send a JSON object"), 400
        return _act(name, wanted)

    def _act(name: str, wanted: dict[str, Any]) -> Answer:
        try:
            return jsonify(actions.perform(world, name, wanted)), 200
        except actions.NoSuchAction as error:
            return jsonify(error=str(error)), 404
        except actions.BadArguments as error:
            return jsonify(error=str(error)), 400
        except ActionRefused as refused:
            return jsonify(error=str(refused)), 422

    return doors


def _tick(shared: World, world: ShopifyWorld) -> None:
    """What Shopify does when its time has come, in the sandbox's time."""
    installs.redact_due_shops(world)
    shared.later(TICK_SECONDS, _tick, shared, world)
