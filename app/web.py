"""create_app: doors, error pages, health and metrics. No business is decided here."""

from __future__ import annotations

import hmac

import structlog
from flask import Flask, Response, request
from prometheus_client import CONTENT_TYPE_LATEST
from werkzeug.exceptions import HTTPException

from app import health
from app.bootstrap import Ports
from app.foundation.db import is_away
from app.foundation.errors import Misconfigured, Refused
from app.helpdesk import api as helpdesk_api
from app.messaging import api as messaging_api
from app.vendors.shopify import api as shopify_api
from app.vendors.shopify import pages as shopify_pages
from app.vendors.twilio import api as twilio_api
from app.vendors.zendesk import api as zendesk_api

log = structlog.get_logger()

MAX_BODY = 2 * 1024 * 1024


def create_app(ports: Ports) -> Flask:
    app = Flask("app", template_folder="templates")
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY
    app.url_map.strict_slashes = False
    settings = ports.settings
    for doors in (
        shopify_api.blueprint(ports, secrets=settings.shopify_secrets),
        shopify_pages.blueprint(
            ports, api_key=settings.shopify_api_key, secrets=settings.shopify_secrets
        ),
        twilio_api.blueprint(ports, public_url=settings.public_url),
        zendesk_api.blueprint(ports),
        helpdesk_api.blueprint(ports),
        messaging_api.blueprint(ports),
    ):
        app.register_blueprint(doors)

    @app.get("/healthz")
    def healthz() -> Response:
        return Response("alive\n", mimetype="text/plain")

    @app.get("/readyz")
    def readyz() -> Response:
        report = health.check(ports)
        return Response(report.as_json(), 200 if report.ready else 503, mimetype="application/json")

    @app.get("/metrics")
    def metrics() -> Response:
        token = ports.settings.metrics_token
        given = request.headers.get("Authorization", "").encode()
        if token is None or not hmac.compare_digest(
            given, f"Bearer {token.get_secret_value()}".encode()
        ):
            return Response("metrics need the bearer token of METRICS_TOKEN\n", 401)
        return Response(health.scrape(ports), content_type=CONTENT_TYPE_LATEST)

    @app.errorhandler(Exception)
    def on_error(error: Exception) -> Response | HTTPException:
        if isinstance(error, HTTPException):
            return error
        if is_away(error):
            # Whoever sent this will send it again; nothing was acknowledged.
            log.warning("database away", path_rule=str(request.url_rule))
            return Response("try again\n", 503, headers={"Retry-After": "5"})
        if isinstance(error, Refused):
            return Response(f"{error}\n", 400, mimetype="text/plain")
        if isinstance(error, Misconfigured):
            log.error("misconfigured", error=str(error))
            return Response("This installation is not fully set up.\n", 500)
        log.exception("unexpected error", path_rule=str(request.url_rule))
        return Response("Something went wrong on our side.\n", 500)

    return app
