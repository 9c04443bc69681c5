"""The sandbox's own HTTP doors: faults, clock, live events, what is set up, start afresh.

Called by the page and by scripts; `sandbox/README.md` lists each with an example.
"""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime, time
from typing import Any, NoReturn
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from flask import Blueprint, Response, abort, jsonify, request

from sandbox import clock, faults, stream
from sandbox.phone.cast import CAST, goods
from sandbox.world import World

MAX_ADVANCE_SECONDS = 400 * 24 * 3600


def create_blueprint(world: World) -> Blueprint:
    """The doors under `/sandbox`."""
    doors = Blueprint("switches", __name__, url_prefix="/sandbox")

    @doors.get("/faults")
    def list_faults() -> Response:
        return jsonify(faults=[asdict(fault) for fault in faults.switched_on()], kinds=faults.KINDS)

    @doors.post("/faults")
    def add_fault() -> tuple[Response, int]:
        wanted = _body()
        vendor, kind = str(wanted.pop("vendor", "")), str(wanted.pop("kind", ""))
        if vendor not in faults.SHAPES:
            _refuse(f"vendor must be one of {', '.join(faults.SHAPES)}")
        try:
            fault = faults.add(vendor, kind, **_fault_options(wanted))
        except (ValueError, TypeError) as error:
            _refuse(str(error))
        stream.publish("faults", {"on": len(faults.switched_on())})
        return jsonify(asdict(fault)), 201

    @doors.delete("/faults")
    def clear_faults() -> tuple[str, int]:
        which = request.args.get("id", type=int)
        faults.clear(request.args.get("vendor", ""), which)
        stream.publish("faults", {"on": len(faults.switched_on())})
        return "", 204

    @doors.get("/clock")
    def read_clock() -> Response:
        return jsonify(now=clock.now().isoformat(), offset_seconds=clock.offset())

    @doors.post("/clock")
    def move_clock() -> Response:
        clock.advance(_seconds_wanted(_body()))
        stream.publish("clock", {"now": clock.now(), "offset_seconds": clock.offset()})
        return read_clock()

    @doors.delete("/clock")
    def real_time() -> Response:
        clock.set_offset(0)
        stream.publish("clock", {"now": clock.now(), "offset_seconds": 0})
        return read_clock()

    @doors.get("/events")
    def events() -> Response:
        return Response(
            stream.listen(),
            mimetype="text/event-stream",
            headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
        )

    @doors.get("/about")
    def about() -> Response:
        here = world.settings
        return jsonify(
            shop=here.shop_domain,
            app_url=here.app_url,
            zendesk_subdomain=here.zendesk_subdomain,
            helpdesk=here.helpdesk,
            helpdesk_account=here.helpdesk_account,
            twilio_account_sid=here.twilio_account_sid,
            phone=here.twilio_phone,
            now=clock.now().isoformat(),
            offset_seconds=clock.offset(),
            cast=[asdict(buyer) for buyer in CAST],
            goods=goods(),
        )

    @doors.post("/reset")
    def reset() -> tuple[str, int]:
        faults.clear()
        world.reset()
        stream.publish("resync", {})
        return "", 204

    return doors


def _body() -> dict[str, Any]:
    body = request.get_json(silent=True)
    if not isinstance(body, dict):
        _refuse("send a JSON object")
    return body


def _refuse(reason: str) -> NoReturn:
    response = jsonify(error=reason)
    response.status_code = 400
    abort(response)


def _fault_options(wanted: dict[str, Any]) -> dict[str, Any]:
    kinds: dict[str, Any] = {
        "operation": str,
        "seconds": float,
        "rate": float,
        "count": int,
        "status": int,
        "retry_after": int,
    }
    unknown = set(wanted) - set(kinds)
    if unknown:
        raise ValueError(f"no such option: {', '.join(sorted(unknown))}")
    return {name: kinds[name](value) for name, value in wanted.items() if value is not None}


def _seconds_wanted(body: dict[str, Any]) -> int:
    """Seconds to skip, from `advance_seconds`, `to` (ISO moment) or `to_local` with `zone`."""
    seconds = 0
    try:
        if "advance_seconds" in body:
            seconds = int(body["advance_seconds"])
        elif "to" in body:
            goal = datetime.fromisoformat(str(body["to"]))
            seconds = round((goal - clock.now()).total_seconds())
        elif "to_local" in body:
            zone = ZoneInfo(str(body.get("zone", "America/New_York")))
            seconds = clock.seconds_until(time.fromisoformat(str(body["to_local"])), zone)
        else:
            _refuse("send advance_seconds, to, or to_local with zone")
    except (ValueError, TypeError, ZoneInfoNotFoundError) as error:
        _refuse(f"not a time: {error}")
    if not 0 <= seconds <= MAX_ADVANCE_SECONDS:
        _refuse("time only passes forward, and at most 400 days at once")
    return seconds
