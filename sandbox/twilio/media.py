"""Photos of messages: list, fetch, delete, and the redirect to the content network.

As the vendor's: the address in a webhook needs Basic auth and answers with a redirect to another
host, whose short-lived address refuses a request that still carries the Authorization header.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from email.utils import format_datetime
from urllib.parse import urlsplit, urlunsplit

from flask import Blueprint, Response, jsonify, redirect, request
from werkzeug.wrappers import Response as AnyResponse

from sandbox import faults
from sandbox.twilio import codes
from sandbox.twilio.api import PREFIX, authenticated, found
from sandbox.twilio.store import Account, Media, Store, moment

_KEY = secrets.token_bytes(32)


def create_doors(store: Store) -> Blueprint:
    """Media of messages under the API's prefix, and the content network under `/_cdn`."""
    doors = Blueprint("media", __name__)

    @doors.get(f"{PREFIX}/Messages/<message_sid>/Media.json")
    def list_media(account_sid: str, message_sid: str) -> Response:
        account = authenticated(store, account_sid)
        faults.apply("twilio", "media.list")
        message = found(store, account, message_sid)
        media = [store.media[sid] for sid in message.media if not store.media[sid].deleted]
        return jsonify(
            media_list=[_as_json(one) for one in media],
            page=0,
            page_size=50,
            start=0,
            end=max(len(media) - 1, 0),
            uri=request.full_path,
            first_page_uri=request.full_path,
            previous_page_uri=None,
            next_page_uri=None,
        )

    @doors.get(f"{PREFIX}/Messages/<message_sid>/Media/<sid>.json")
    def describe(account_sid: str, message_sid: str, sid: str) -> Response:
        account = authenticated(store, account_sid)
        faults.apply("twilio", "media.describe")
        return jsonify(_as_json(_found_media(store, account, message_sid, sid)))

    @doors.get(f"{PREFIX}/Messages/<message_sid>/Media/<sid>")
    def fetch(account_sid: str, message_sid: str, sid: str) -> AnyResponse:
        account = authenticated(store, account_sid)
        faults.apply("twilio", "media.fetch")
        media = _found_media(store, account, message_sid, sid)
        return redirect(f"{_other_host()}/twilio/_cdn/{media.sid}/{_seal(media.sid)}", code=307)

    @doors.delete(f"{PREFIX}/Messages/<message_sid>/Media/<sid>.json")
    def delete(account_sid: str, message_sid: str, sid: str) -> tuple[str, int]:
        account = authenticated(store, account_sid)
        faults.apply("twilio", "media.delete")
        store.delete_media(_found_media(store, account, message_sid, sid))
        faults.after("twilio", "media.delete")
        return "", 204

    @doors.get("/_cdn/<sid>/<seal>")
    def content(sid: str, seal: str) -> Response:
        faults.apply("twilio", "media.content")
        media = store.media.get(sid)
        if media is None or not hmac.compare_digest(seal, _seal(sid)):
            return Response("AccessDenied", 403)
        if "Authorization" in request.headers:
            return Response("InvalidArgument: only one auth mechanism allowed", 400)
        content = store.content_of(media)
        if content is None:
            return Response("NoSuchKey", 404)
        return Response(content, content_type=media.content_type)

    return doors


def _seal(sid: str) -> str:
    return hmac.new(_KEY, sid.encode(), hashlib.sha256).hexdigest()[:32]


def _other_host() -> str:
    """This program by its other name: to an HTTP client `localhost` is not `127.0.0.1`."""
    here = urlsplit(request.host_url)
    name = "127.0.0.1" if here.hostname == "localhost" else "localhost"
    return urlunsplit((here.scheme, f"{name}:{here.port}" if here.port else name, "", "", ""))


def _found_media(store: Store, account: Account, message_sid: str, sid: str) -> Media:
    media = store.media.get(sid)
    if (
        media is None
        or media.deleted
        or media.account_sid != account.sid
        or media.message_sid != message_sid
    ):
        codes.refuse(20404, request.path)
    return media


def _as_json(media: Media) -> dict[str, str]:
    return {
        "sid": media.sid,
        "account_sid": media.account_sid,
        "parent_sid": media.message_sid,
        "content_type": media.content_type,
        "date_created": format_datetime(moment(media.created)),
        "date_updated": format_datetime(moment(media.created)),
        "uri": f"/2010-04-01/Accounts/{media.account_sid}/Messages/{media.message_sid}"
        f"/Media/{media.sid}.json",
    }
