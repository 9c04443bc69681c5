"""The doors behind an agent's page: `/api/desk/…`, JSON in and out, and the guard before them.

The guard reads the session of the `Authorization` header (`sessions`), counts, and asks whose
thread the call is about (`seats`); a door gets a seat and nothing else. What a buyer said is shown
to an agent, so every look is noted, once in ten minutes for each agent and buyer (Shopify's rules
for protected customer data, level 2). Pages poll: an answer that says nothing new is 304.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from functools import update_wrapper

import sqlalchemy as sa
from flask import Blueprint, Response, jsonify, request
from werkzeug.exceptions import RequestEntityTooLarge

from app.desk.estimate import estimate
from app.desk.holder import DEEDS, do
from app.desk.opt_out import opt_out_from_desk
from app.desk.photo_links import BadPhotoLink, read_photo_link
from app.desk.queries import read_thread
from app.desk.reply import LONGEST_TEXT, reply_from_desk
from app.desk.seats import Seat, take_seat
from app.desk.sessions import DeskSession, read_session
from app.desk.show_thread import show_thread
from app.foundation import audit
from app.foundation.errors import Refused
from app.foundation.limits import Limits, TooMany
from app.foundation.media import MediaGone
from app.helpdesk.needs import Needs
from app.messaging.models import Media
from app.shops.api import refusal

MAX_BODY = 64 * 1024
# For each session, which is proven: without Redis it is let in. A page asks every five seconds, and
# for the price while somebody types; each reply costs the merchant money.
PACE = "240 per minute"
REPLY_PACE = "20 per minute"
NOTED_AGAIN_AFTER = timedelta(minutes=10)
STATUSES = {"text": 400, "key": 400, "body": 400, "no_thread": 404, "no_session": 401} | {
    "session_ended": 401
}  # all others: 409
BEARER = "Bearer "
TICKET = re.compile(r"[0-9]{1,20}")
KEY = re.compile(r"[0-9a-fA-F-]{16,64}")

Handler = Callable[[Seat, datetime], Response]


class AgentDoor:
    """A view that only runs for a session, with the seat that it has in the thread asked for."""

    def __init__(
        self, handler: Handler, tools: Needs, limits: Limits, *, pace: str | None = None
    ) -> None:
        """`pace`: a rule of its own, beside that of all calls."""
        self._handler, self._tools, self._limits, self._pace = handler, tools, limits, pace
        update_wrapper(self, handler)

    def __call__(self, conversation_id: int | None = None) -> Response:
        request.max_content_length = MAX_BODY
        if (request.content_length or 0) > MAX_BODY:
            raise RequestEntityTooLarge  # also where the door reads no body
        now = self._tools.clock.now()
        try:
            session = self._session(now)
            self._limits.count_open(PACE, "desk", session.key)
            if self._pace is not None:
                self._limits.count_open(self._pace, str(request.endpoint), session.key)
            return self._handler(self._seat(session, conversation_id), now)
        except TooMany:
            raise
        except Refused as error:
            return refusal(STATUSES.get(error.reason, 409), error.reason, str(error))

    def _session(self, now: datetime) -> DeskSession:
        header = request.headers.get("Authorization", "")
        token = header.removeprefix(BEARER) if header.startswith(BEARER) else ""
        return read_session(self._tools.keys.signing_keys, token, now=now)

    def _seat(self, session: DeskSession, conversation_id: int | None) -> Seat:
        ticket_id = None
        if conversation_id is None:
            ticket_id = _matching(TICKET, request.args.get("ticket_id"))
            asked = _matching(TICKET, request.args.get("conversation_id"))
            conversation_id = int(asked) if asked else None
        if conversation_id is not None and conversation_id >= 2**63:
            conversation_id = None
        with self._tools.db.across_shops("desk: whose thread is this") as across:
            return take_seat(across, session, ticket_id=ticket_id, conversation_id=conversation_id)


def blueprint(tools: Needs, limits: Limits, *, segment_price: Decimal | None) -> Blueprint:
    doors = Blueprint("desk_api", __name__, url_prefix="/api/desk")

    def door(
        rule: str, name: str, method: str, handler: Handler, *, pace: str | None = None
    ) -> None:
        view = AgentDoor(handler, tools, limits, pace=pace)
        doors.add_url_rule(rule, endpoint=name, view_func=view, methods=[method])

    def show(seat: Seat, now: datetime) -> dict[str, object]:
        with tools.db.shop(seat.shop_id) as session:
            thread = read_thread(session, now=now, conversation_id=seat.conversation_id)
            audit.record_read_once(
                session,
                now=now,
                shop_id=seat.shop_id,
                actor=seat.actor,
                subject=f"contact:{thread.contact.id}",
                within=NOTED_AGAIN_AFTER,
                what="thread",
            )
            return show_thread(tools, thread, now=now)

    def thread(seat: Seat, now: datetime) -> Response:
        body = json.dumps(show(seat, now), separators=(",", ":"))
        answer = Response(body, mimetype="application/json")
        answer.set_etag(hashlib.sha256(body.encode()).hexdigest()[:32])
        answer.make_conditional(request)
        return answer

    def reply(seat: Seat, now: datetime) -> Response:
        said = texts_said()
        key = _matching(KEY, said.get("key"))
        if key is None:
            raise Refused("key", "Send a key with the reply, a new UUID for each.")
        with tools.db.shop(seat.shop_id) as session:
            replied = reply_from_desk(
                session,
                now=now,
                seat=seat,
                text=said.get("text", ""),
                name=said.get("name", ""),
                key=key.lower(),
            )
        answer = jsonify(message_ids=list(replied.message_ids))
        answer.status_code = 201 if replied.is_new else 200
        return answer

    def price(seat: Seat, now: datetime) -> Response:
        text = texts_said().get("text", "")
        if len(text) > LONGEST_TEXT:
            raise Refused("text", f"A reply has at most {LONGEST_TEXT} characters.")
        return jsonify(estimate(text, segment_price))

    def opt_out(seat: Seat, now: datetime) -> Response:
        with tools.db.shop(seat.shop_id) as session:
            return jsonify(message=opt_out_from_desk(session, now=now, seat=seat))

    door("/thread", "thread", "GET", thread)
    door("/threads/<int:conversation_id>/replies", "reply", "POST", reply, pace=REPLY_PACE)
    door("/threads/<int:conversation_id>/estimate", "estimate", "POST", price)
    door("/threads/<int:conversation_id>/opt-out", "opt_out", "POST", opt_out)

    def deed_door(name: str) -> None:
        def done(seat: Seat, now: datetime) -> Response:
            with tools.db.shop(seat.shop_id) as session:
                do(session, now=now, seat=seat, name=name)
            return jsonify(show(seat, now))

        door(f"/threads/<int:conversation_id>/{name}", name.replace("-", "_"), "POST", done)

    for name in DEEDS:
        deed_door(name)

    @doors.get("/photos/<signed>")
    def photo(signed: str) -> Response:
        """For an <img>: signed, minutes long, given out with a thread whose read was noted."""
        try:
            grant = read_photo_link(tools.keys.signing_keys, signed, now=tools.clock.now())
        except BadPhotoLink as error:
            return refusal(404, error.reason, str(error))
        with tools.db.shop(grant.shop_id) as session:
            found = session.scalars(
                sa.select(Media).where(Media.id == grant.media_id)
            ).one_or_none()
        try:
            if found is None or found.storage_key is None:
                raise MediaGone("media_gone")
            content = tools.media.get(found.storage_key)
        except MediaGone:
            return refusal(404, "photo_gone", "This photo is no longer kept.")
        return Response(
            content,
            content_type=found.content_type,
            headers={
                "Content-Security-Policy": "default-src 'none'; sandbox",
                "Cross-Origin-Resource-Policy": "same-origin",
                "Content-Disposition": "inline",
                "Cache-Control": "private, max-age=300",
            },
        )

    return doors


def texts_said() -> dict[str, str]:
    """The request's JSON. Raises Refused unless it is an object of texts."""
    body = request.get_json(silent=True)
    if not isinstance(body, dict) or not all(isinstance(one, str) for one in body.values()):
        raise Refused("body", "Send an object of texts as JSON.")
    return body


def _matching(pattern: re.Pattern[str], text: str | None) -> str | None:
    return text if text is not None and pattern.fullmatch(text) else None
