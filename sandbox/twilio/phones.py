"""What the page's phone shows: threads by buyer, their bubbles, and the photos without auth."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, abort, jsonify

from sandbox.twilio.store import Message, Store

ON_SCREEN = frozenset({"sent", "delivered", "read", "received"})


def create_doors(store: Store) -> Blueprint:
    """`/_ui/threads`, `/_ui/threads/<buyer>` and `/_ui/media/<sid>`."""
    doors = Blueprint("phones", __name__)

    @doors.get("/_ui/threads")
    def threads() -> Response:
        with store.lock:
            found = [
                _thread(store, buyer, messages)
                for buyer, messages in store.by_buyer.items()
                if messages
            ]
        found.sort(key=lambda thread: str(thread["at"]), reverse=True)
        return jsonify(threads=found[:200])

    @doors.get("/_ui/threads/<buyer>")
    def thread(buyer: str) -> Response:
        with store.lock:
            messages = list(store.by_buyer.get(buyer, []))[-500:]
            told = _thread(store, buyer, messages)
            told["messages"] = [_bubble(store, message) for message in messages]
        return jsonify(told)

    @doors.get("/_ui/media/<sid>")
    def media(sid: str) -> Response:
        one = store.media.get(sid)
        content = store.on_the_phone(one) if one is not None else None
        if one is None or content is None:
            abort(404)
        # Whatever a buyer uploads is shown as a picture or not at all.
        return Response(
            content,
            content_type=one.content_type
            if one.content_type.startswith("image/")
            else "text/plain",
            headers={
                "X-Content-Type-Options": "nosniff",
                "Cache-Control": "max-age=3600",
            },
        )

    return doors


def _thread(store: Store, buyer: str, messages: list[Message]) -> dict[str, Any]:
    last = messages[-1] if messages else None
    number = store.numbers.get(last.line) if last is not None else None
    return {
        "buyer": buyer,
        "line": last.line if last is not None else "",
        "at": last.created if last is not None else "",
        "preview": (last.body or "Photo") if last is not None else "",
        "opted_out": number is not None and store.is_opted_out(number, buyer),
        "code": store.phone_codes.get(buyer),
    }


def _bubble(store: Store, message: Message) -> dict[str, Any]:
    return {
        "sid": message.sid,
        "mine": message.inbound,  # mine: the holder of the phone
        "body": message.body,
        "status": message.status,
        "arrived": message.inbound or message.status in ON_SCREEN,
        "error_code": message.error_code,
        "automatic": message.automatic,
        "segments": message.num_segments,
        "at": message.sent or message.created,
        "media": [
            {"sid": sid, "content_type": store.media[sid].content_type}
            for sid in message.media
            if sid in store.media
        ],
    }
