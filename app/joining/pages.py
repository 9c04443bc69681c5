"""The public doors of joining: the shop's opt-in page, its short links and their QR codes.

No sign-in, so nothing here shows more than the merchant advertises anyway, and every answer to a
form is the same whatever we know of the number. The page is server-rendered and needs no script.
Against forged posts stand the signed form and the browser's Origin; against floods, the limits,
which keep these doors shut while nobody can count (each post may cost a text).
"""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

import sqlalchemy as sa
import structlog
from flask import Blueprint, Response, abort, make_response, redirect, render_template, request
from werkzeug.exceptions import TooManyRequests
from werkzeug.wrappers import Response as AnyResponse

from app.foundation import limits as door_limits
from app.foundation.jobs import Tools
from app.foundation.limits import Limits
from app.joining import form, links, texts
from app.joining.join_by_page import Browser, join_by_page
from app.messaging.models import Sender
from app.shops.models import Shop, ShopPreferences
from app.shops.preferences import preferences_of, shop_by_domain

log = structlog.get_logger()

AnswerT = TypeVar("AnswerT", bound=AnyResponse)

MOST_BYTES = 16 * 1024  # of a form with six fields
SLUG = re.compile(r"[a-z0-9][a-z0-9-]{0,59}")
CODE = re.compile(r"[2-9a-z]{7}")
A_WEEK = 7 * 24 * 3600


class Needs(Tools, Protocol):
    @property
    def public_url(self) -> str: ...


@dataclass(frozen=True)
class Open:
    """A shop whose page may be seen."""

    shop: Shop
    preferences: ShopPreferences
    line: str = field(repr=False)


def blueprint(tools: Needs, limits: Limits) -> Blueprint:
    doors = Blueprint("joining", __name__)

    def of_address() -> str:
        return str((request.view_args or {}).get("slug", ""))[:60]

    @doors.get("/join/<slug>")
    @limits.closed(door_limits.JOIN_PAGE)
    def show(slug: str) -> Response:
        return ask(find(slug), source=request.args.get("s"))

    @doors.post("/join/<slug>")
    @limits.closed(door_limits.JOIN_FORM)
    @limits.closed(door_limits.JOIN_FORM_OF_SHOP, key=of_address)
    def submit(slug: str) -> AnyResponse:
        request.max_content_length = MOST_BYTES
        place = find(slug)
        if not from_our_page():
            return page("join_problem.html", 403, cause="This form was sent from another site.")
        now = tools.clock.now()
        marketing = place.preferences.join_marketing
        token = request.form.get("form", "")[:1000]
        try:
            shown = form.read(tools.keys.signing_key, token, shop_id=place.shop.id, now=now)
            filled_in = form.fill_in(request.form, marketing_asked=marketing)
        except form.FormRefused as refused:
            again = token if refused.reason == "too_fast" else None
            return ask(place, source=request.args.get("s"), problem=refused, token=again)
        if shown.version != texts.words().version:
            changed = form.FormRefused(
                "expired", "Our wording has changed meanwhile. Please read it and try once more."
            )
            return ask(place, source=request.args.get("s"), problem=changed)
        if not filled_in.trapped:
            with tools.db.shop(place.shop.id) as session:
                outcome = join_by_page(
                    session,
                    now=now,
                    shop=place.shop,
                    preferences=place.preferences,
                    shown=shown,
                    submission=filled_in,
                    browser=Browser(
                        page_url=tools.public_url
                        + links.page_path(place.shop.domain, shown.source),
                        ip=request.remote_addr or "",
                        user_agent=request.headers.get("User-Agent", ""),
                    ),
                )
            log.info("join form", shop_id=place.shop.id, outcome=type(outcome).__name__)
        return redirect(f"/join/{slug}/done", 303)

    @doors.get("/join/<slug>/done")
    @limits.closed(door_limits.JOIN_PAGE)
    def done(slug: str) -> Response:
        return page("join_done.html", 200, **seen(find(slug)))

    @doors.get("/j/<code>")
    @limits.closed(door_limits.JOIN_LINK)
    def short_link(code: str) -> AnyResponse:
        place, goal = lead(code)
        keyword = place.preferences.join_keyword
        if goal.leads_to == "text" and keyword:
            return unkept(redirect(links.text_link(place.line, keyword, goal.source), 302))
        return unkept(redirect(links.page_path(place.shop.domain, goal.source), 302))

    @doors.get("/j/<code>/qr.<kind>")
    @limits.closed(door_limits.JOIN_LINK)
    def qr_code(code: str, kind: str) -> Response:
        draw = {"svg": links.qr_svg, "png": links.qr_png}.get(kind)
        if draw is None:
            abort(404)
        lead(code)
        picture = make_response(draw(f"{tools.public_url}/j/{code}"))
        picture.mimetype = "image/svg+xml" if kind == "svg" else "image/png"
        picture.headers["Cache-Control"] = f"public, max-age={A_WEEK}"
        return guarded(picture, style="")

    @doors.errorhandler(TooManyRequests)
    def too_often(error: TooManyRequests) -> Response:
        return page(
            "join_problem.html",
            429,
            cause="That was a lot of tries in a short time. Please wait a little, then try again.",
        )

    @doors.errorhandler(door_limits.COUNTERS_AWAY)
    def closed(error: Exception) -> Response:
        log.warning("join door closed", error=type(error).__name__)
        answer = page(
            "join_problem.html",
            503,
            cause="Signing up is closed for a moment. Nothing was sent and nothing was stored.",
        )
        answer.headers["Retry-After"] = "30"
        return answer

    def find(slug: str) -> Open:
        """The shop, if its merchant has opened the page and could answer. 404 for all others."""
        if not SLUG.fullmatch(slug):
            abort(404)
        with tools.db.across_shops("join page: whose page is this") as session:
            shop = shop_by_domain(session, f"{slug}.myshopify.com")
        return opened(shop)

    def lead(code: str) -> tuple[Open, links.Goal]:
        if not CODE.fullmatch(code):
            abort(404)
        with tools.db.across_shops("join link: whose code is this") as session:
            goal = links.follow(session, code)
            shop = session.get(Shop, goal.shop_id) if goal else None
        if goal is None:
            abort(404)
        return opened(shop), goal

    def opened(shop: Shop | None) -> Open:
        if shop is None or shop.state != "installed":
            abort(404)
        with tools.db.shop(shop.id) as session:
            preferences = preferences_of(session, shop.id)
            line = session.scalar(
                sa.select(Sender.phone).where(Sender.shop_id == shop.id, Sender.state == "active")
            )
        if not preferences.join_page or line is None:
            abort(404)
        return Open(shop, preferences, line)

    def from_our_page() -> bool:
        """Browsers say where a form was; a program that says nothing harms no browser's owner."""
        origin = request.headers.get("Origin")
        site = request.headers.get("Sec-Fetch-Site")
        return origin in (None, tools.public_url) and site in (None, "same-origin", "none")

    def ask(
        place: Open,
        *,
        source: str | None,
        problem: form.FormRefused | None = None,
        token: str | None = None,
    ) -> Response:
        """The form, with what was typed but never with a tick that nobody made."""
        now = tools.clock.now()
        version = texts.words().version
        fresh = form.show(place.shop.id, now=now, source=source, version=version)
        sent = request.form if problem else {}
        return page(
            "join.html",
            422 if problem else 200,
            **seen(place),
            token=token or form.sign(tools.keys.signing_key, fresh),
            source=fresh.source,
            care=texts.box(texts.CARE, place.shop.name),
            marketing=texts.box(texts.MARKETING, place.shop.name)
            if place.preferences.join_marketing
            else None,
            countries=form.COUNTRIES,
            trap=form.TRAP,
            typed={name: sent.get(name, "")[:64] for name in ("phone", "country")},
            ticked={name for name in (texts.CARE, texts.MARKETING) if sent.get(name) == "on"},
            problem=problem,
        )

    return doors


def seen(place: Open) -> dict[str, object]:
    """What a page may say of its shop."""
    return {
        "shop": place.shop.name,
        "slug": place.shop.domain.removesuffix(".myshopify.com"),
        "line": shown_line(place.line),
        "keyword": place.preferences.join_keyword,
        "double": place.preferences.join_double_opt_in,
        "terms_url": place.preferences.terms_url,
        "privacy_url": place.preferences.privacy_url,
        "text_link": links.text_link(place.line, place.preferences.join_keyword)
        if place.preferences.join_keyword
        else None,
    }


def shown_line(line: str) -> str:
    """+12025550188 as people write it."""
    return f"({line[2:5]}) {line[5:8]}-{line[8:]}" if re.fullmatch(r"\+1\d{10}", line) else line


def page(name: str, status: int, **values: object) -> Response:
    """A document that nobody may frame, with no script and no style but its own."""
    style = secrets.token_urlsafe(12)
    return unkept(
        guarded(make_response(render_template(name, style=style, **values), status), style)
    )


def guarded(answer: Response, style: str) -> Response:
    allowed = f"style-src 'nonce-{style}'; " if style else ""
    answer.headers["Content-Security-Policy"] = (
        f"default-src 'none'; {allowed}form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )
    answer.headers["X-Content-Type-Options"] = "nosniff"
    # Not no-referrer, which would make browsers hide the Origin of our own form from us.
    answer.headers["Referrer-Policy"] = "same-origin"
    return answer


def unkept(answer: AnswerT) -> AnswerT:
    answer.headers["Cache-Control"] = "no-store"
    return answer
