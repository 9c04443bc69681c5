"""The REST doors that twilio-python calls: `/2010-04-01/Accounts/{sid}/Messages…`.

Strict where the vendor is: Basic auth, known parameters only, checks in the vendor's order and
error shape. Called by Doorstep through twilio-python, never by the page.
"""

from __future__ import annotations

from flask import Blueprint, Response, jsonify, request

from sandbox import faults, stream
from sandbox.twilio import codes
from sandbox.twilio.accepting import accept, media_urls
from sandbox.twilio.carrier import Carrier
from sandbox.twilio.listing import LIST_PARAMS, as_json, page_of
from sandbox.twilio.store import FINAL, Account, Message, Store, stamp

PREFIX = "/2010-04-01/Accounts/<account_sid>"
CREATE_PARAMS = frozenset(
    {
        "To", "From", "MessagingServiceSid", "Body", "MediaUrl", "StatusCallback",
        "ApplicationSid", "MaxPrice", "ProvideFeedback", "Attempt", "ValidityPeriod",
        "ForceDelivery", "ContentRetention", "AddressRetention", "SmartEncoded",
        "PersistentAction", "TrafficType", "ShortenUrls", "ScheduleType", "SendAt",
        "SendAsMms", "ContentVariables", "MessageIntent", "RiskCheck", "FallbackFrom",
        "ContentSid",
    }
)  # fmt: skip


def create_doors(store: Store, carrier: Carrier) -> Blueprint:
    """Messages: create, list, fetch, update, delete."""
    doors = Blueprint("api", __name__)

    @doors.post(f"{PREFIX}/Messages.json")
    def create(account_sid: str) -> tuple[Response, int]:
        account = authenticated(store, account_sid)
        faults.apply("twilio", "messages.create")
        form = request.form
        unknown = set(form) - CREATE_PARAMS
        if unknown or request.args:
            codes.refuse(20001, ", ".join(sorted(unknown | set(request.args))))
        message = accept(store, account, {name: form[name] for name in form})
        message.media_urls = media_urls(form.getlist("MediaUrl"))
        if message.media_urls:
            message.sid = "MM" + message.sid[2:]
        store.add(message)
        shown = as_json(message)  # before it moves on
        carrier.take(message)
        stream.publish("message", {"sid": message.sid, "buyer": message.to, "status": "accepted"})
        faults.after("twilio", "messages.create")
        return jsonify(shown), 201

    @doors.get(f"{PREFIX}/Messages.json")
    def list_messages(account_sid: str) -> Response:
        account = authenticated(store, account_sid)
        faults.apply("twilio", "messages.list")
        unknown = set(request.args) - LIST_PARAMS
        if unknown:
            codes.refuse(20001, ", ".join(sorted(unknown)))
        return jsonify(page_of(store, account))

    @doors.get(f"{PREFIX}/Messages/<sid>.json")
    def fetch(account_sid: str, sid: str) -> Response:
        account = authenticated(store, account_sid)
        faults.apply("twilio", "messages.fetch")
        return jsonify(as_json(found(store, account, sid)))

    @doors.post(f"{PREFIX}/Messages/<sid>.json")
    def update(account_sid: str, sid: str) -> Response:
        account = authenticated(store, account_sid)
        faults.apply("twilio", "messages.update")
        message = found(store, account, sid)
        if not request.form or set(request.form) - {"Body", "Status"}:
            codes.refuse(20001, "only Body and Status can be changed")
        with store.lock:
            if "Status" in request.form:
                if request.form["Status"] != "canceled" or message.status != "scheduled":
                    codes.refuse(20009, "only a scheduled message can be canceled")
                message.status = "canceled"
            if "Body" in request.form:
                if request.form["Body"] != "":
                    codes.refuse(20001, "Body can only be made empty")
                if message.status not in FINAL and message.status != "sent":
                    codes.refuse(20009, "the message is still under way")
                message.body = ""
            message.updated = stamp()
        faults.after("twilio", "messages.update")
        return jsonify(as_json(message))

    @doors.delete(f"{PREFIX}/Messages/<sid>.json")
    def delete(account_sid: str, sid: str) -> tuple[str, int]:
        account = authenticated(store, account_sid)
        faults.apply("twilio", "messages.delete")
        message = found(store, account, sid)
        if message.status not in FINAL:
            codes.refuse(20009, "the message is still under way")
        store.forget(message)
        faults.after("twilio", "messages.delete")
        return "", 204

    return doors


def authenticated(store: Store, account_sid: str) -> Account:
    """The account in the path, if the caller proved to be it."""
    given = request.authorization
    account = store.accounts.get(account_sid)
    if given is None or given.type != "basic" or account is None:
        codes.refuse(20003)
    if given.username != account.sid or given.password != account.auth_token:
        codes.refuse(20003)
    return account


def found(store: Store, account: Account, sid: str) -> Message:
    """A message of this account; another account's is not found."""
    message = store.messages.get(sid)
    if message is None or message.account_sid != account.sid:
        codes.refuse(20404, request.path)
    return message
