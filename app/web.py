"""create_app: doors, error pages, health and metrics. No business is decided here."""

from __future__ import annotations

import hmac

import structlog
from flask import Flask, Response, jsonify, request
from prometheus_client import CONTENT_TYPE_LATEST
from werkzeug.exceptions import HTTPException, TooManyRequests
from werkzeug.middleware.proxy_fix import ProxyFix

from app import health
from app.bootstrap import Ports
from app.desk import api as desk_api
from app.desk import pages as desk_pages
from app.desk.saved import api as saved_replies_api
from app.foundation.db import is_away
from app.foundation.errors import Misconfigured, Refused
from app.foundation.limits import COUNTERS_AWAY, RETRY_AWAY_SECONDS, Limits, TooMany
from app.foundation.metrics import LIMITED
from app.helpdesk import api as helpdesk_api
from app.helpdesk.routing import api as routing_api
from app.joining import api as joining_api
from app.joining import pages as joining_pages
from app.messaging import api as messaging_api
from app.privacy import api as privacy_api
from app.proof import api as proof_api
from app.settings import SHOPIFY_BASE_URL
from app.shops import api as shops_api
from app.vendors.gorgias import api as gorgias_api
from app.vendors.shopify import api as shopify_api
from app.vendors.shopify import pages as shopify_pages
from app.vendors.twilio import api as twilio_api
from app.vendors.zendesk import api as zendesk_api
from app.vendors.zendesk import sidebar as zendesk_sidebar
from app.vendors.zendesk.signed_url import AppKeys

log = structlog.get_logger()

MAX_BODY = 2 * 1024 * 1024
API, WEBHOOKS = "/api/", "/webhooks/"

# What every answer to a browser says unless its door said something else of the kind.
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; base-uri 'none'; form-action 'none';"
    " frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=()",
}
HSTS = "max-age=63072000; includeSubDomains"


def create_app(ports: Ports) -> Flask:
    app = Flask("app", template_folder="templates")
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY
    app.url_map.strict_slashes = False
    settings = ports.settings
    if settings.trusted_proxies:
        # The address of who knocks, as the outermost of our own proxies saw it. Host, scheme and
        # path stay as they came: signatures are checked over PUBLIC_URL.
        trusted = settings.trusted_proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=trusted, x_proto=0, x_host=0)  # type: ignore[method-assign]
    limits = Limits(app, settings.redis_url.get_secret_value())
    desk = desk_pages.DeskPages(
        settings.desk_path,
        # Elsewhere than at Shopify (in the sandbox) pictures come from where its API is.
        [desk_pages.PRODUCT_IMAGES, desk_pages.origin_of(settings.shopify_base_url)]
        if settings.shopify_base_url != SHOPIFY_BASE_URL
        else [desk_pages.PRODUCT_IMAGES],
    )
    for doors in (
        shopify_api.blueprint(ports, secrets=settings.shopify_secrets),
        shopify_pages.blueprint(
            ports, limits, api_key=settings.shopify_api_key, secrets=settings.shopify_secrets
        ),
        twilio_api.blueprint(ports, public_url=settings.public_url),
        zendesk_api.blueprint(ports),
        gorgias_api.blueprint(ports, public_url=settings.public_url),
        helpdesk_api.blueprint(ports, limits),
        routing_api.blueprint(ports, limits),
        messaging_api.blueprint(ports),
        shops_api.blueprint(ports, limits),
        proof_api.blueprint(ports, limits),
        joining_pages.blueprint(ports, limits),
        joining_api.blueprint(ports, limits),
        privacy_api.blueprint(ports, limits),
        saved_replies_api.blueprint(ports, limits),
        desk_api.blueprint(ports, limits, segment_price=settings.segment_price),
        desk_pages.blueprint(ports, limits, desk),
        zendesk_sidebar.blueprint(
            ports,
            limits,
            desk,
            app_keys=AppKeys.read(settings.zendesk_app_public_key),
            query_hash=settings.zendesk_qsh,
            base_url=settings.zendesk_base_url,
        ),
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

    @app.after_request
    def harden(answer: Response) -> Response:
        if request.path.startswith(WEBHOOKS):  # no browser reads them, and they are many
            return answer
        for name, value in HEADERS.items():
            answer.headers.setdefault(name, value)
        if settings.doorstep_env == "production":
            answer.headers.setdefault("Strict-Transport-Security", HSTS)
        if request.path.startswith(API):
            answer.headers.setdefault("Cache-Control", "no-store")
        return answer

    @app.errorhandler(Exception)
    def on_error(error: Exception) -> Response | HTTPException:
        if isinstance(error, COUNTERS_AWAY):
            LIMITED.labels(str(request.endpoint), "closed").inc()
            log.warning("counters away, door closed", path_rule=str(request.url_rule))
            return say(503, "Try again in a moment.", "try_again", retry_after=RETRY_AWAY_SECONDS)
        if isinstance(error, TooManyRequests):
            error = TooMany(limits.retry_after())
        if isinstance(error, TooMany):
            LIMITED.labels(str(request.endpoint), "too_many").inc()
            return say(429, str(error), error.reason, retry_after=error.retry_after)
        if isinstance(error, HTTPException):
            if not request.path.startswith(API):
                return error
            return say(error.code or 500, str(error.name))
        if is_away(error):
            # Whoever sent this will send it again; nothing was acknowledged.
            log.warning("database away", path_rule=str(request.url_rule))
            return say(503, "try again", "try_again", retry_after=5)
        if isinstance(error, Refused):
            return say(400, str(error), error.reason)
        if isinstance(error, Misconfigured):
            log.error("misconfigured", error=str(error))
            return say(500, "This installation is not fully set up.")
        log.exception("unexpected error", path_rule=str(request.url_rule))
        return say(500, "Something went wrong on our side.")

    return app


def say(status: int, text: str, reason: str = "", *, retry_after: int | None = None) -> Response:
    """A refusal: JSON to callers of the API, a line of text to all others."""
    if request.path.startswith(API):
        answer = jsonify(error=reason or text.lower().rstrip(".").replace(" ", "_"), message=text)
        answer.status_code = status
    else:
        answer = Response(f"{text}\n", status, mimetype="text/plain")
    if retry_after is not None:
        answer.headers["Retry-After"] = str(retry_after)
    return answer
