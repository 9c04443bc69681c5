"""The agents' page: the built front end with a session of ours in it, framed by who may frame it.

`DeskPages.show` is called by the doors that have proven who opens the page: `/desk/thread/<signed>`
here, and each helpdesk's own in `vendors`. The page's file is read from DESK_PATH for every load;
it carries an empty JSON island which is filled here, so that no script is written into the page and
the Content-Security-Policy can refuse all scripts but the built ones and the helpdesk's framework.
Styles are built too, but for those that the helpdesk's component library makes while it runs: it
puts them into an empty <style>, which the policy allows by the hash of nothing.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import structlog
from flask import Blueprint, Response, make_response, render_template, request, send_from_directory

from app.desk.seats import take_seat
from app.desk.sessions import begin_session, read_link, read_session
from app.foundation.errors import Refused
from app.foundation.jobs import Tools
from app.foundation.limits import Limits, TooMany

log = structlog.get_logger()

LANGUAGES = ("en-US", "es")
EMPTY_STYLE = "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
FRAMEWORK = "https://static.zdassets.com"  # Zendesk's, which its app pages must load from there
PRODUCT_IMAGES = "https://cdn.shopify.com"
A_YEAR = 31_536_000
OPENED = "60 per minute"  # of one thread; its address is signed, so without Redis it opens
ISLAND = re.compile(r'(<script\b[^>]*\bid="desk-session"[^>]*>).*?(</script>)', re.DOTALL)


@dataclass(frozen=True)
class DeskPages:
    built: Path  # DESK_PATH
    images: Sequence[str] = (PRODUCT_IMAGES,)  # origins of pictures beside our own

    def show(self, island: Mapping[str, object], *, frames: Sequence[str]) -> Response:
        """The page for who has proven themselves; only `frames` (origins) may frame it."""
        try:
            html = (self.built / "index.html").read_text(encoding="utf-8")
        except FileNotFoundError:
            log.error("desk not built")
            return problem(
                503,
                "This Doorstep was installed without its page for agents.",
                "Whoever runs it builds the page with `make run`, or with `npm ci` and"
                " `npm run build` in the folder frontend.",
                frames=frames,
            )
        filled, islands = ISLAND.subn(
            lambda found: f"{found[1]}{as_island({**island, 'locale': language()})}{found[2]}", html
        )
        assert islands == 1, "the built page must have one island #desk-session"
        answer = Response(filled, mimetype="text/html")
        answer.headers["Content-Security-Policy"] = (
            f"default-src 'none'; script-src 'self' {FRAMEWORK}; img-src 'self' data:"
            f" {' '.join(self.images)}; font-src 'self'; connect-src 'self'; base-uri 'none';"
            f" form-action 'none'; {framed_by(frames)}; style-src 'self' '{EMPTY_STYLE}'"
        )
        answer.headers["Cache-Control"] = "no-store"
        return answer


def blueprint(tools: Tools, limits: Limits, pages: DeskPages) -> Blueprint:
    doors = Blueprint("desk_pages", __name__, url_prefix="/desk")

    @doors.get("/thread/<signed>")
    def thread(signed: str) -> Response:
        now, keys = tools.clock.now(), tools.keys.signing_keys
        again = "Reload the ticket in your helpdesk and open the conversation from there."
        try:
            to = read_link(keys, signed, now=now)
            limits.count_open(OPENED, "desk_page", f"{to.account_id}:{to.conversation_id}")
            token = begin_session(
                keys,
                now=now,
                surface="page",
                account_ids=[to.account_id],
                subdomain=to.subdomain,
                agent=to.agent,
                conversation_id=to.conversation_id,
            )
            with tools.db.across_shops("desk page: whose thread is this") as session:
                desk = read_session(keys, token, now=now)
                take_seat(session, desk, conversation_id=to.conversation_id)
        except TooMany:
            raise
        except Refused as error:  # also where the thread or its account is gone
            return problem(403, str(error), again)
        island = {"surface": "page", "token": token, "conversation_id": to.conversation_id}
        return pages.show(island, frames=())

    @doors.get("/assets/<path:filename>")
    def asset(filename: str) -> Response:
        """Built files: their names change with their content."""
        answer = send_from_directory(pages.built.resolve() / "assets", filename, max_age=A_YEAR)
        answer.headers["Cache-Control"] = f"public, max-age={A_YEAR}, immutable"
        return answer

    return doors


def problem(status: int, cause: str, remedy: str, *, frames: Sequence[str] = ()) -> Response:
    """A page that says what is wrong, seen where the agent looks: in the helpdesk's frame."""
    answer = make_response(render_template("desk_problem.html", cause=cause, remedy=remedy), status)
    answer.headers["Content-Security-Policy"] = (
        f"default-src 'none'; base-uri 'none'; form-action 'none'; {framed_by(frames)};"
        " style-src 'unsafe-inline'"
    )
    answer.headers["Cache-Control"] = "no-store"
    return answer


def framed_by(origins: Sequence[str]) -> str:
    named = " ".join(origins) or "'none'"
    return f"frame-ancestors {named}"


def as_island(said: Mapping[str, object]) -> str:
    """JSON that cannot end its script element."""
    return json.dumps(said).replace("<", "\\u003c")


def origin_of(url: str) -> str:
    """https://acme.zendesk.com of any address there."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def language() -> str:
    return request.accept_languages.best_match(LANGUAGES) or LANGUAGES[0]
