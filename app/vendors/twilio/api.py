"""Twilio's doors: a buyer's text, and the fate of ours.

Each shop's doors have a secret in their path, so that nothing is ever looked up by what a
request claims. The signature is checked over our configured public address plus the raw target
of the request, never over what a proxy made of it; then the account must be the shop's own.

A text is answered with an empty TwiML document: whatever we say leaves as a text of its own,
with a row, a verdict and a fate.
"""

from __future__ import annotations

import re
import threading
import time
from dataclasses import dataclass

import sqlalchemy as sa
import structlog
from flask import Blueprint, Response, request

from app.foundation.jobs import Tools
from app.foundation.limits import Strangers, visitor
from app.foundation.metrics import DOOR_ANSWERS
from app.messaging.models import Sender
from app.messaging.receive import Duplicate, receive_text
from app.messaging.status import take_report
from app.vendors.twilio import webhooks

log = structlog.get_logger()

TWIML = '<?xml version="1.0" encoding="UTF-8"?><Response></Response>'
DOOR_KEY = re.compile(r"[A-Za-z0-9_-]{16,64}")
GUESSES = 60  # of keys that nobody has, by one visitor in a minute, before we stop looking them up
REMEMBER_SECONDS = 10.0  # how long a changed token or a retired line may go unnoticed


@dataclass(frozen=True)
class Line:
    """What a door must know of its shop."""

    shop_id: int
    sender_id: int
    account_sid: str
    auth_token: str


class Lines:
    """Doors by their key, remembered for some seconds."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools
        self._known: dict[str, tuple[float, Line]] = {}
        self._lock = threading.Lock()

    def knows(self, door_key: str) -> bool:
        """Whether this key has opened a door before, however long ago."""
        return door_key in self._known

    def find(self, door_key: str, *, anew: bool = False) -> Line | None:
        remembered = self._known.get(door_key)
        if remembered and remembered[0] > time.monotonic() and not anew:
            return remembered[1]
        with self._tools.db.across_shops("twilio door: whose key is this") as session:
            sender = session.scalars(
                sa.select(Sender).where(Sender.door_key == door_key, Sender.state != "retired")
            ).one_or_none()
        if sender is None:
            return None
        line = Line(
            shop_id=sender.shop_id,
            sender_id=sender.id,
            account_sid=sender.account_sid,
            auth_token=self._tools.keys.decrypt(sender.auth_token),
        )
        with self._lock:
            self._known[door_key] = (time.monotonic() + REMEMBER_SECONDS, line)
        return line


def blueprint(tools: Tools, *, public_url: str) -> Blueprint:
    """`public_url`: the base that the providers' requests are addressed to, and sign."""
    doors = Blueprint("twilio_webhooks", __name__)
    lines = Lines(tools)
    strangers = Strangers("twilio", most=GUESSES, seconds=60)

    def answer(door: str, status: int) -> Response:
        DOOR_ANSWERS.labels(f"twilio_{door}", str(status)).inc()
        said = Response(TWIML if status == 200 else "", status, mimetype="text/xml")
        if status == 429:
            said.headers["Retry-After"] = str(strangers.retry_after)
        return said

    def find(door_key: str) -> Line | int:
        if not DOOR_KEY.fullmatch(door_key):
            return 404
        if lines.knows(door_key):
            return lines.find(door_key) or 404
        if strangers.refuse(visitor()):
            return 429
        line = lines.find(door_key)
        if line is None:
            strangers.failed(visitor())
            return 404
        return line

    def prove(door_key: str) -> tuple[Line, list[tuple[str, str]]] | int:
        """The shop's line and the form, or the status that refuses the request."""
        if request.content_length is None or request.content_length > webhooks.MAX_FORM_BYTES:
            return 413
        line = find(door_key)
        if isinstance(line, int):
            return line
        form = webhooks.parse_form(request.get_data(cache=False))
        if not is_genuine(line, form):
            # The auth token may have been changed within the seconds that we remember it.
            fresh = lines.find(door_key, anew=True)
            if fresh is None or fresh == line or not is_genuine(fresh, form):
                return 403
            line = fresh
        return line, form

    def is_genuine(line: Line, form: list[tuple[str, str]]) -> bool:
        return (
            webhooks.verify(
                url=public_url.rstrip("/") + raw_target(),
                form=form,
                signature=request.headers.get("X-Twilio-Signature", ""),
                auth_token=line.auth_token,
                settings=request.headers.get("X-Twilio-Webhooks-Signature-Settings", ""),
            )
            and webhooks.account_of(form) == line.account_sid
        )

    @doors.post("/webhooks/twilio/<door_key>/inbound")
    @doors.post("/webhooks/twilio/<door_key>/fallback")
    def inbound(door_key: str) -> Response:
        try:
            proof = prove(door_key)
            if isinstance(proof, int):
                return answer("inbound", proof)
            line, form = proof
            text = webhooks.parse_inbound(form)
        except webhooks.Malformed:
            return answer("inbound", 400)
        try:
            with tools.db.door() as session:
                receive_text(
                    session,
                    now=tools.clock.now(),
                    shop_id=line.shop_id,
                    sender_id=line.sender_id,
                    text=text,
                )
        except Duplicate:
            return answer("inbound", 200)
        return answer("inbound", 200)

    @doors.post("/webhooks/twilio/<door_key>/status")
    def status(door_key: str) -> Response:
        try:
            proof = prove(door_key)
            if isinstance(proof, int):
                return answer("status", proof)
            line, form = proof
            update = webhooks.parse_status(form, request.args)
        except webhooks.Malformed:
            return answer("status", 400)
        take_report(tools.db, now=tools.clock.now(), shop_id=line.shop_id, update=update)
        return answer("status", 200)

    return doors


def raw_target() -> str:
    """Path and query exactly as they were requested: Flask's own are decoded."""
    environ = request.environ
    return str(
        environ.get("RAW_URI") or environ.get("REQUEST_URI") or request.full_path.rstrip("?")
    )
