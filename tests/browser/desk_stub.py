"""The desk's server, as little of it as its front end needs: the pages with their session filled
in, and the API's answers from tests/fixtures/desk/thread.json, changed by what is done to them.

The policy of the pages is stricter than it need be in one place: of styles in the page itself only
empty ones are allowed (the hash is that of nothing), which the library then fills by script.
"""

from __future__ import annotations

import hashlib
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from flask import Flask, Response, jsonify, request, send_from_directory
from flask.typing import ResponseReturnValue
from werkzeug.serving import make_server

from sandbox.shopify.catalogue import draw
from scripts import frontend

ROOT = Path(__file__).resolve().parents[2]
BUILT = frontend.BUILT / "desk"
PHOTOS = ROOT / "sandbox" / "phone" / "static" / "photos"
THREAD = json.loads((ROOT / "tests" / "fixtures" / "desk" / "thread.json").read_text())
EMPTY_STYLE = "'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='"
POLICY = (
    "default-src 'none'; script-src 'self' https://static.zdassets.com;"
    f" style-src 'self' {EMPTY_STYLE}; img-src 'self' https: data:; connect-src 'self';"
    " base-uri 'none'; form-action 'none'"
)
ISLAND = re.compile(r'(<script type="application/json" id="desk-session">).*?(</script>)', re.S)


class DeskStub:
    """A server of its own, and what was asked of it."""

    def __init__(self) -> None:
        self.thread: dict[str, Any] = json.loads(json.dumps(THREAD))
        self.token = "a-session"
        self.opened_with: dict[str, str] = {}
        self.replies: dict[str, str] = {}
        self.names: list[str] = []
        self.said: list[str] = []
        self.refusal: tuple[int, str, str] | None = None  # of the next call that changes something
        self.lost_answers = 0  # so many replies are taken, and their answers lost
        self.unchanged = 0
        self.missing = False
        self.url = ""
        self.app = self._app()

    def add_text(self, body: str, **more: Any) -> None:
        last = self.thread["messages"][-1]
        self.thread["messages"].append(
            {
                "id": last["id"] + 1, "at": datetime.now(UTC).isoformat(), "author": "contact",
                "author_name": None, "body": body, "direction": "in", "state": "received",
                "reason": None, "segments": 1, "photos": [], **more,
            }
        )  # fmt: skip

    def _app(self) -> Flask:
        app = Flask("desk-stub", static_folder=None)
        app.add_url_rule("/desk/zendesk", view_func=self._zendesk, methods=["POST"])
        app.add_url_rule("/desk/thread/<signed>", view_func=self._page)
        app.add_url_rule("/desk/assets/<name>", view_func=self._asset)
        app.add_url_rule("/pictures/<name>", view_func=_picture)
        app.add_url_rule("/api/desk/photos/<name>", view_func=_photo)
        app.add_url_rule("/api/desk/thread", view_func=self._thread)
        one = "/api/desk/threads/17"
        app.add_url_rule(f"{one}/estimate", view_func=self._estimate, methods=["POST"])
        app.add_url_rule(f"{one}/replies", view_func=self._reply, methods=["POST"])
        app.add_url_rule(f"{one}/opt-out", view_func=self._opt_out, methods=["POST"])
        app.add_url_rule(f"{one}/<move>", view_func=self._move, methods=["POST"])
        app.before_request(self._admit)
        return app

    def _zendesk(self) -> ResponseReturnValue:
        self.opened_with = {**request.args.to_dict(), "token": request.form["token"]}
        return self._html({"surface": "zendesk", "token": self.token, "locale": "en-US"})

    def _page(self, signed: str) -> ResponseReturnValue:
        locale = request.args.get("locale", "en-US")
        session = {"surface": "page", "token": self.token, "conversation_id": 17}
        return self._html({**session, "locale": locale})

    def _html(self, island: dict[str, Any]) -> ResponseReturnValue:
        filled = json.dumps(island).replace("<", "\\u003c")
        page, count = ISLAND.subn(rf"\g<1>{filled}\g<2>", (BUILT / "index.html").read_text())
        assert count == 1
        return Response(page, mimetype="text/html", headers={"Content-Security-Policy": POLICY})

    def _asset(self, name: str) -> ResponseReturnValue:
        return send_from_directory(BUILT / "assets", name)

    def _admit(self) -> ResponseReturnValue | None:
        if not request.path.startswith("/api/desk/thread"):
            return None
        if request.headers.get("Authorization") != f"Bearer {self.token}":
            return _refuse(401, "session_ended", "This session has ended.")
        if request.method == "POST" and not request.path.endswith("/estimate") and self.refusal:
            refusal, self.refusal = self.refusal, None
            return _refuse(*refusal)
        return None

    def _thread(self) -> ResponseReturnValue:
        if self.missing:
            return _refuse(404, "no_thread", "This ticket has no thread of texts.")
        body = json.dumps(self.thread)
        etag = f'"{hashlib.sha256(body.encode()).hexdigest()[:16]}"'
        if request.headers.get("If-None-Match") == etag:
            self.unchanged += 1
            return Response(status=304, headers={"ETag": etag})
        return Response(body, mimetype="application/json", headers={"ETag": etag})

    def _estimate(self) -> ResponseReturnValue:
        text = request.get_json()["text"]
        plain = text.isascii()
        segments = -(-len(text) // (153 if plain else 67)) if len(text) > 160 else 1
        return jsonify(
            segments=segments, encoding="GSM-7" if plain else "UCS-2", characters=len(text),
            texts=1, cost=f"{segments * 0.0079:.4f} USD",
        )  # fmt: skip

    def _reply(self) -> ResponseReturnValue:
        asked = request.get_json()
        known = asked["key"] in self.replies
        if not known:
            self.replies[asked["key"]] = asked["text"]
            self.names.append(asked["name"])
            self.add_text(
                asked["text"], author="agent", author_name=asked["name"] or "An agent",
                direction="out", state="queued",
            )  # fmt: skip
        if self.lost_answers:
            self.lost_answers -= 1
            return Response("bad gateway", status=502)
        return jsonify(message_ids=[1]), 200 if known else 201

    def _opt_out(self) -> ResponseReturnValue:
        self.said.append("opt-out")
        self.thread["consent"].update(state="opted_out", source="by hand, Priya")
        self.thread["consent"]["may_text"] = {
            "verdict": "no", "until": None, "words": "They opted out. Only START brings them back.",
        }  # fmt: skip
        self.thread["abilities"] = ["resolve"]
        return jsonify(message="Opted out. Nothing leaves to this number any more.")

    def _move(self, move: str) -> ResponseReturnValue:
        self.said.append(move)
        changes = {
            "take-over": {"handled_by": "agent", "abilities": ["reply", "hand_back", "resolve"]},
            "hand-back": {"handled_by": "assistant", "abilities": ["reply", "take_over"]},
            "resolve": {"state": "resolved", "abilities": ["reply", "reopen"]},
            "reopen": {"state": "open", "abilities": ["reply", "resolve"]},
        }
        self.thread.update(changes[move])
        return jsonify(self.thread)


def _picture(name: str) -> ResponseReturnValue:
    return Response(draw(name) or "", mimetype="image/svg+xml")


def _photo(name: str) -> ResponseReturnValue:
    return send_from_directory(PHOTOS, f"{name}.jpg")


def _refuse(status: int, code: str, message: str) -> ResponseReturnValue:
    return jsonify(error=code, message=message), status


@contextmanager
def running_desk() -> Iterator[DeskStub]:
    frontend.ensure_built()
    stub = DeskStub()
    server = make_server("127.0.0.1", 0, stub.app, threaded=True)
    stub.url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield stub
    finally:
        server.shutdown()
        server.server_close()
