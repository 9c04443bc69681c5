"""The Flask program: the emulators under their prefixes, the switches, and the page at `/`.

`create_app` is called by `python -m sandbox` and by tests. The world that the emulators share is
reachable as `app.extensions["world"]`.
"""

from __future__ import annotations

import logging
from pathlib import Path

from flask import Flask, Response, send_from_directory

import sandbox.gorgias
import sandbox.shopify
import sandbox.twilio
import sandbox.zendesk
from sandbox import clock, faults, switches
from sandbox.settings import Settings, from_environ
from sandbox.world import World

STATIC = Path(__file__).parent / "phone" / "static"
MAX_BODY_BYTES = 25 * 1024 * 1024


def create_app(settings: Settings | None = None) -> Flask:
    """A sandbox of its own; faults and clock are shared by all sandboxes of one process."""
    settings = settings or from_environ()
    logging.getLogger("httpx").setLevel(logging.WARNING)
    clock.use_file(settings.clock_path)
    faults.clear()
    world = World(settings)
    app = Flask("sandbox", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY_BYTES
    app.extensions["world"] = world
    app.register_blueprint(switches.create_blueprint(world))
    app.register_blueprint(sandbox.shopify.create_blueprint(world))
    app.register_blueprint(sandbox.twilio.create_blueprint(world))
    app.register_blueprint(sandbox.zendesk.create_blueprint(world))
    app.register_blueprint(sandbox.gorgias.create_blueprint(world))

    @app.get("/")
    def page() -> Response:
        answer = send_from_directory(STATIC, "index.html", max_age=0)
        answer.headers["Content-Security-Policy"] = "default-src 'self'; img-src * blob: data:"
        return answer

    @app.get("/static/<path:name>")
    def static_file(name: str) -> Response:
        return send_from_directory(STATIC, name, max_age=0)

    @app.get("/healthz")
    def alive() -> str:
        return "ok"

    return app
