"""What an error tracker learns of an error: its kind and its place, and nothing of a buyer."""

from __future__ import annotations

import gzip
import logging
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import psycopg
import pytest
import sentry_sdk
import sqlalchemy as sa
import structlog
from flask import Flask

from app.foundation import log as logging_setup
from app.settings import Settings
from tests.factories.world import BUYER, World

WORDS = "the zip broke on my harbour chino"


class Tracker:
    """Takes what the SDK sends."""

    def __init__(self) -> None:
        self.received = received = list[str]()

        class Door(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if self.headers.get("Content-Encoding") == "gzip":
                    body = gzip.decompress(body)
                received.append(body.decode())
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Door)
        self.dsn = f"http://key@127.0.0.1:{self.server.server_port}/1"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def told(self) -> str:
        sentry_sdk.flush(5)
        return "\n".join(self.received)


@pytest.fixture
def tracker() -> Iterator[Tracker]:
    made = Tracker()
    root = logging.getLogger()
    level, handlers = root.level, list(root.handlers)
    before = structlog.get_config()
    yield made
    sentry_sdk.get_client().close()
    sentry_sdk.init()
    structlog.contextvars.clear_contextvars()
    structlog.configure(**before)
    root.handlers[:] = handlers
    root.setLevel(level)
    made.server.shutdown()
    made.server.server_close()


def configured(tracker: Tracker, world: World) -> structlog.typing.FilteringBoundLogger:
    settings: Settings = world.ports.settings.model_copy(
        update={"sentry_dsn": type(world.ports.settings.redis_url)(tracker.dsn)}
    )
    logging_setup.configure(settings, process="worker")
    logger: structlog.typing.FilteringBoundLogger = structlog.get_logger()
    return logger


def test_error_is_told_by_its_kind_and_place_without_a_word_of_the_buyer(
    world: World, tracker: Tracker
) -> None:
    log = configured(tracker, world)
    door = Flask("door")
    with (
        structlog.contextvars.bound_contextvars(outbox_id=7),
        door.test_request_context("/webhooks", method="POST", data={"Body": WORDS, "From": BUYER}),
    ):
        number = BUYER  # a local variable
        logging.getLogger("app").error("a line with %s", number)
        try:
            raise ValueError(f"{number} wrote {WORDS}")
        except ValueError:
            log.exception("unexpected error")
    told = tracker.told()
    assert "ValueError" in told
    assert Path(__file__).name in told
    assert '"outbox_id":"7"' in told
    for secret in (BUYER, BUYER[2:], WORDS, "zip broke"):
        assert secret not in told


def test_errors_of_the_database_do_not_quote_what_was_to_be_stored(world: World) -> None:
    world.shop()
    with (
        pytest.raises(sa.exc.IntegrityError) as error,
        world.db.across_shops("test") as session,
    ):
        session.execute(
            sa.text("INSERT INTO contacts (shop_id, phone) VALUES (NULL, :phone)"),
            {"phone": BUYER},
        )
    assert isinstance(error.value.orig, psycopg.errors.NotNullViolation)
    assert "parameters hidden" in str(error.value).lower()
    assert f"'{BUYER}'" not in str(error.value)


def test_without_a_dsn_the_tracker_is_not_even_loaded(world: World) -> None:
    import subprocess

    code = (
        "import sys, app.foundation.log, app.web, app.worker, app.ticker;"
        "print('sentry_sdk' in sys.modules)"
    )
    answer = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert answer.stdout.strip() == "False"
