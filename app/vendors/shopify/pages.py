"""The app's page inside Shopify's admin: proves who asks, takes the shop's token, shows how
things stand. The one place where a request waits for a vendor (the token exchange).

No cookies: the ID token comes as `id_token` with the document. A stale one goes to the bounce
page, which has App Bridge fetch a fresh one and load the page again.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Protocol
from urllib.parse import urlencode

import sqlalchemy as sa
import structlog
from flask import Blueprint, Response, make_response, redirect, render_template, request
from werkzeug.wrappers import Response as AnyResponse

from app.checkins.queries import counts_by_state, recent_check_ins
from app.foundation import audit
from app.foundation.errors import Permanent, Temporary
from app.foundation.limits import Limits
from app.helpdesk.catch_up import earlier_threads_left
from app.helpdesk.connect import connect_link
from app.helpdesk.kinds import KINDS
from app.helpdesk.models import HelpdeskAccount
from app.helpdesk.needs import DoorNeeds
from app.messaging.models import Sender
from app.orders.ports import Commerce
from app.shops.admit import admit_staff
from app.shops.install import known_shop, needs_token, store_tokens
from app.shops.models import Shop
from app.shops.ports import (
    BadIdToken,
    ShopAccess,
    StaleIdToken,
    TokenDead,
    TokenSource,
)
from app.shops.roles import Permission, Role, may
from app.vendors.shopify.session_token import read_id_token

log = structlog.get_logger()

RETRY_HEADER = "X-Shopify-Retry-Invalid-Session-Request"
# The one request that waits for Shopify and makes rows. A shop needs it once in two months.
EXCHANGES = "10 per minute"


class Needs(DoorNeeds, Protocol):
    @property
    def commerce(self) -> Commerce: ...
    @property
    def tokens(self) -> TokenSource: ...


def blueprint(tools: Needs, limits: Limits, *, api_key: str, secrets: Sequence[str]) -> Blueprint:
    pages = Blueprint("shopify_pages", __name__)

    @pages.get("/")
    def home() -> AnyResponse:
        now = tools.clock.now()
        if not request.args.get("id_token"):
            return page("welcome.html", None)
        try:
            token = read_id_token(
                request.args["id_token"], api_key=api_key, secrets=secrets, now=now
            )
        except StaleIdToken:
            return redirect("/bounce?" + urlencode({"shopify-reload": reload_target()}))
        except BadIdToken as error:
            return page("problem.html", None, status=401, cause=str(error))
        try:
            shop = ensure_installed(token.shop_domain, request.args["id_token"])
        except StaleIdToken:
            return redirect("/bounce?" + urlencode({"shopify-reload": reload_target()}))
        except (TokenDead, Permanent):
            return page(
                "problem.html",
                token.shop_domain,
                status=502,
                cause="Shopify did not let us in. Please open the app again from your admin.",
            )
        except Temporary:
            return page(
                "problem.html",
                token.shop_domain,
                status=503,
                cause="Shopify did not answer. Please reload the page in a moment.",
            )
        with tools.db.shop(shop.id) as session:
            role = admit_staff(session, now=now, shop_id=shop.id, user_id=token.user_id)
        return show_home(shop, role, token.user_id)

    @pages.get("/bounce")
    def bounce() -> AnyResponse:
        """A page that holds only App Bridge, which reloads with a fresh ID token."""
        response = page("bounce.html", None, api_key=api_key)
        response.headers[RETRY_HEADER] = "1"
        return response

    def ensure_installed(domain: str, id_token: str) -> Shop:
        now = tools.clock.now()
        with tools.db.across_shops("app page: is this shop known") as session:
            must_exchange = needs_token(session, now=now, domain=domain)
        if not must_exchange:
            with tools.db.across_shops("app page: load the shop") as session:
                return session.scalars(sa.select(Shop).where(Shop.domain == domain)).one()
        limits.count_closed(EXCHANGES, "token_exchange", domain)
        tokens = tools.tokens.exchange(domain, id_token, now=now)
        facts = tools.commerce.read_shop(
            ShopAccess(shop_id=0, domain=domain, access_token=tokens.access_token)
        )
        with tools.db.across_shops("app page: install") as session:
            shop = known_shop(session, now=now, domain=domain)
            shop.name, shop.timezone = facts.name, facts.timezone
            shop.currency, shop.country = facts.currency, facts.country
            store_tokens(session, now=now, shop=shop, tokens=tokens, keys=tools.keys)
        log.info("shop installed", shop_id=shop.id)
        return shop

    def show_home(shop: Shop, role: Role, user_id: int) -> Response:
        now = tools.clock.now()
        with tools.db.shop(shop.id) as session:
            audit.record_read(
                session,
                now=now,
                shop_id=shop.id,
                actor=f"staff:{user_id}",
                subject="page:home",
                what="latest check-ins by order name",
            )
            sender = session.scalars(sa.select(Sender).where(Sender.state != "retired")).first()
            helpdesk = session.scalars(
                # The connected one, else the one that was connected last.
                sa.select(HelpdeskAccount).order_by(
                    HelpdeskAccount.state, HelpdeskAccount.connected_at.desc()
                )
            ).first()
            left = 0
            if helpdesk is not None and helpdesk.state == "connected":
                left = earlier_threads_left(session, account=helpdesk)
            lines = recent_check_ins(session)
            counts = counts_by_state(session, since=now - timedelta(days=7))
        return page(
            "home.html",
            shop.domain,
            api_key=api_key,
            shop=shop,
            sender=sender,
            helpdesk=helpdesk,
            threads_left=left,
            role=role,
            kinds=KINDS,
            connect_urls=connect_urls(shop.id) if may(role, Permission.SETTINGS) else {},
            check_ins=lines,
            counts=counts,
        )

    def connect_urls(shop_id: int) -> dict[str, str]:
        """By kind of helpdesk: those that this installation has an OAuth client for."""
        offered = [kind for kind in KINDS if kind in tools.helpdesk_authorisations]
        return {kind: connect_link(tools, shop_id=shop_id, kind=kind) for kind in offered or KINDS}

    return pages


def page(name: str, shop_domain: str | None, *, status: int = 200, **values: object) -> Response:
    """A document that only Shopify's admin (of this shop, if known) may frame. Scripts come from
    Shopify alone (App Bridge), none is written into the page."""
    response = make_response(render_template(name, **values), status)
    host = f"https://{shop_domain}" if shop_domain else "https://*.myshopify.com"
    response.headers["Content-Security-Policy"] = (
        "script-src https://cdn.shopify.com; object-src 'none'; base-uri 'none';"
        f" form-action 'none'; frame-ancestors {host} https://admin.shopify.com;"
    )
    return response


def reload_target() -> str:
    """This page without the stale token, for App Bridge to load again. Always our own path."""
    kept = {k: v for k, v in request.args.items() if k in ("shop", "host", "embedded", "locale")}
    return "/?" + urlencode(kept)
