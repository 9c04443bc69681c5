"""Doors for scripts, tests and the page: texting as a buyer, numbers, phones with a fate, ledger.

Nothing of it exists at the vendor; all paths begin with an underscore.
"""

from __future__ import annotations

import base64
import binascii
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import Any, NoReturn

from flask import Blueprint, Response, abort, jsonify, request

from sandbox import stream
from sandbox.twilio.handset import Handset, Photo
from sandbox.twilio.store import Account, Message, Number, Store, new_sid
from sandbox.world import World

SAMPLES = Path(__file__).parents[1] / "phone" / "static" / "photos"
KINDS = ("toll_free", "long_code", "short_code")


def create_doors(world: World, store: Store, handset: Handset) -> Blueprint:
    """`/_actions/…`, `/_ledger` and `/_webhooks`."""
    doors = Blueprint("actions", __name__)

    @doors.post("/_actions/text")
    def text() -> tuple[Response, int]:
        wanted, uploads = _text_wanted()
        message, outcome = _text(store, handset, wanted, uploads)
        told: dict[str, Any] = {"sid": message.sid, "media": message.media}
        if outcome is not None:
            told["webhook"] = {
                "http_status": outcome.http_status,
                "problem": outcome.problem,
            }
        return jsonify(told), 201

    @doors.post("/_actions/texts")
    def texts() -> tuple[Response, int]:
        rows = request.get_json().get("texts", [])
        return jsonify(sids=[_text(store, handset, row, [])[0].sid for row in rows]), 201

    @doors.post("/_actions/numbers")
    def set_number() -> tuple[Response, int]:
        return jsonify(_set_number(store, _json())), 201

    @doors.get("/_actions/numbers")
    def numbers() -> Response:
        return jsonify(numbers=[asdict(number) for number in store.numbers.values()])

    @doors.post("/_actions/phones")
    def set_phone() -> Response:
        body = _json()
        phone, code = str(body.get("phone", "")), body.get("code")
        if not phone.startswith("+"):
            _refuse("phone must be given in international form")
        if code is None:
            store.phone_codes.pop(phone, None)
        else:
            store.phone_codes[phone] = int(code)
        stream.publish("phones", {})
        return jsonify(phones=store.phone_codes)

    @doors.post("/_actions/opt-outs")
    def set_opt_out() -> Response:
        body = _json()
        number = _number(store, str(body.get("to", "")))
        key = (store.opt_out_key(number), str(body.get("from", "")))
        with store.lock:
            if body.get("opted_out", True):
                store.opted_out.add(key)
            else:
                store.opted_out.discard(key)
        return jsonify(opted_out=len(store.opted_out))

    @doors.post("/_actions/pace")
    def set_pace() -> Response:
        body = _json()
        store.sent_after = float(body.get("sent_after", store.sent_after))
        store.delivered_after = float(body.get("delivered_after", store.delivered_after))
        return jsonify(sent_after=store.sent_after, delivered_after=store.delivered_after)

    @doors.post("/_actions/reset")
    def reset() -> tuple[str, int]:
        store.reset()
        stream.publish("resync", {})
        return "", 204

    @doors.get("/_ledger")
    def ledger() -> Response:
        with store.lock:
            pool = store.by_buyer.get(request.args["to"], []) if "to" in request.args else None
            rows = list(store.messages.values() if pool is None else pool)
        account = request.args.get("account")
        rows = [
            message
            for message in rows
            if not message.inbound and (account is None or message.account_sid == account)
        ]
        return jsonify(
            count=len(rows),
            statuses=Counter(message.status for message in rows),
            messages=[_ledger_row(message) for message in rows],
        )

    @doors.get("/_webhooks")
    def webhooks() -> Response:
        sid, kind = request.args.get("sid"), request.args.get("kind")
        rows = [
            asdict(attempt)
            for attempt in list(store.attempts)
            if (sid is None or attempt.message_sid == sid)
            and (kind is None or attempt.kind == kind)
        ]
        return jsonify(count=len(rows), attempts=rows[-500:])

    return doors


def _text(
    store: Store, handset: Handset, wanted: dict[str, Any], uploads: list[Photo]
) -> tuple[Message, Any]:
    buyer = str(wanted.get("from", ""))
    if not buyer.startswith("+"):
        _refuse("from must be the buyer's phone in international form")
    number = _number(store, str(wanted.get("to", "")))
    photos = [*uploads, *(_photo(one) for one in wanted.get("media", []))]
    body = str(wanted.get("body", ""))
    if not body and not photos:
        _refuse("write something or add a photo")
    if len(photos) > 10:
        _refuse("at most ten photos")
    return handset.text(
        buyer,
        number,
        body,
        photos,
        lose_webhook=_truth(wanted.get("lose_webhook")),
        wait=_truth(wanted.get("wait")),
    )


def _text_wanted() -> tuple[dict[str, Any], list[Photo]]:
    """JSON, or a form with files as browsers send it."""
    if request.is_json:
        return _json(), []
    uploads = [
        Photo(one.mimetype or "application/octet-stream", one.read())
        for one in request.files.getlist("photo")
    ]
    form: dict[str, Any] = request.form.to_dict()
    form["media"] = request.form.getlist("media")
    return form, uploads


def _photo(given: Any) -> Photo:
    """A sample by name, or `{content_type, base64}`."""
    if isinstance(given, str):
        path = SAMPLES / Path(given).name
        if not path.is_file():
            names = ", ".join(sorted(one.name for one in SAMPLES.glob("*.*")))
            _refuse(f"no such sample photo; there are {names}")
        suffix = path.suffix.lstrip(".")
        return Photo(f"image/{'jpeg' if suffix == 'jpg' else suffix}", path.read_bytes())
    try:
        return Photo(str(given["content_type"]), base64.b64decode(given["base64"], validate=True))
    except (TypeError, KeyError, binascii.Error):
        _refuse("a photo is the name of a sample, or content_type with base64")


def _set_number(store: Store, body: dict[str, Any]) -> dict[str, Any]:
    """Make or change a number, and its account and service where they do not exist."""
    allowed = {
        "phone", "account_sid", "auth_token", "service_sid", "kind", "mps",
        "inbound_url", "fallback_url", "status_url", "advanced_opt_out",
    }  # fmt: skip
    if set(body) - allowed:
        _refuse(f"no such field: {', '.join(sorted(set(body) - allowed))}")
    phone = str(body.get("phone", ""))
    if not phone.startswith("+"):
        _refuse("phone must be given in international form")
    with store.lock:
        number = store.numbers.get(phone)
        account_sid = body.get("account_sid") or (number.account_sid if number else new_sid("AC"))
        account = store.accounts.get(account_sid)
        if account is None:
            account = Account(account_sid, body.get("auth_token") or new_sid(""))
            store.accounts[account_sid] = account
        elif body.get("auth_token"):
            account.auth_token = str(body["auth_token"])
        service_sid = body.get("service_sid") or (number.service_sid if number else new_sid("MG"))
        store.services[service_sid] = account_sid
        if number is None:
            number = store.numbers[phone] = Number(phone, account_sid)
        number.account_sid, number.service_sid = account_sid, service_sid
        for name in ("inbound_url", "fallback_url", "status_url"):
            setattr(number, name, str(body.get(name, getattr(number, name))))
        number.kind = str(body.get("kind", number.kind))
        number.mps = float(body.get("mps", number.mps))
        number.advanced_opt_out = bool(body.get("advanced_opt_out", number.advanced_opt_out))
        if number.kind not in KINDS or number.mps <= 0:
            _refuse(f"kind must be one of {', '.join(KINDS)}, and mps more than 0")
    return {**asdict(number), "auth_token": account.auth_token}


def _ledger_row(message: Message) -> dict[str, Any]:
    return {
        "sid": message.sid,
        "to": message.to,
        "from": message.sender,
        "account_sid": message.account_sid,
        "body": message.body,
        "status": message.status,
        "error_code": message.error_code,
        "direction": message.direction,
        "automatic": message.automatic,
        "num_segments": message.num_segments,
        "media": len(message.media_urls),
        "created": message.created,
        "taken_at": message.taken_at,
        "sent": message.sent or None,
        "status_callback": message.status_callback,
        "validity_seconds": message.validity_seconds,
    }


def _number(store: Store, phone: str) -> Number:
    """The number named, or the only one there is."""
    if not phone and len(store.numbers) == 1:
        return next(iter(store.numbers.values()))
    number = store.numbers.get(phone)
    if number is None:
        _refuse("to must be one of our numbers; see /twilio/_actions/numbers")
    return number


def _truth(given: Any) -> bool:
    return given in (True, 1, "1", "true", "on", "yes")


def _json() -> dict[str, Any]:
    body = request.get_json(silent=True)
    if not isinstance(body, dict):
        _refuse("send a JSON object")
    return body


def _refuse(reason: str) -> NoReturn:
    response = jsonify(error=reason)
    response.status_code = 400
    abort(response)
