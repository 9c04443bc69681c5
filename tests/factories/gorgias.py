"""A shop whose helpdesk is Gorgias: the real doors and the real adapter, at the emulator over HTTP.

Webhooks wait in a mailbox until a test passes them on, in whichever order it likes.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
from werkzeug.test import TestResponse

from app.helpdesk.connect import connect_link
from app.helpdesk.models import HelpdeskAccount, TicketLink
from app.vendors.gorgias.client import GorgiasClient
from app.vendors.gorgias.helpdesk import GorgiasHelpdesk
from app.vendors.gorgias.oauth import GorgiasAuthorisation
from sandbox import clock
from tests.factories.world import PUBLIC_URL, ShopAtHand, World
from tests.vendors.gorgias_sandbox import SUBDOMAIN, EmulatedGorgias, Mailbox, running
from tests.vendors.zendesk_sandbox import Heard

KEY = "X-Doorstep-Key"


@dataclass
class GorgiasAtHand:
    world: World
    shop: ShopAtHand
    emulated: EmulatedGorgias
    mailbox: Mailbox
    told: int = 0

    # --- Connecting

    def visit(self, url: str) -> TestResponse:
        parts = urlsplit(url)
        return self.world.client.get(f"{parts.path}?{parts.query}", base_url=PUBLIC_URL)

    def connect(self, user_id: int = 118) -> TestResponse:
        """The admin follows our link, approves at Gorgias, and is sent back."""
        link = connect_link(
            self.world.ports, shop_id=self.shop.id, kind="gorgias", subdomain=SUBDOMAIN
        )
        begun = self.visit(link)
        assert begun.status_code == 302, begun.text
        form = {"answer": "allow", "user_id": str(user_id)}
        back = httpx.post(begun.headers["Location"], data=form, trust_env=False)
        return self.visit(back.headers["Location"])

    # --- What people do

    def buyer_texts(self, body: str, **how: Any) -> None:
        answer = self.world.text(self.shop, body, sid=f"SM{secrets.token_hex(16)}", **how)
        assert answer.status_code == 200

    def agent_replies(self, text: str, **how: Any) -> str:
        return self.emulated.agent_replies(self.ticket_id, text, **how)

    def put_status(self, status: str) -> None:
        self.emulated.desk(self.ticket_id, "status", {"status": status})

    def let_pass(self, **span: float) -> None:
        """For everybody: emulator and ourselves."""
        self.world.clock.advance(**span)
        clock.set_offset(int((self.world.clock.now() - datetime.now(UTC)).total_seconds()))

    # --- Looking

    @property
    def account(self) -> HelpdeskAccount:
        account: HelpdeskAccount = self.world.all(HelpdeskAccount)[-1]
        return account

    def links(self) -> list[TicketLink]:
        return self.world.all(TicketLink)

    @property
    def ticket_id(self) -> str:
        ticket_id = self.links()[-1].ticket_id
        assert ticket_id is not None
        return str(ticket_id)

    def messages(self, ticket_id: str | None = None) -> list[dict[str, Any]]:
        return list(self.emulated.ticket(ticket_id or self.ticket_id)["comments"])

    def said(self, ticket_id: str | None = None) -> list[str]:
        """Public messages, in order."""
        return [one["text"] for one in self.messages(ticket_id) if one["public"]]

    def notes(self, ticket_id: str | None = None) -> list[str]:
        return [one["text"] for one in self.messages(ticket_id) if not one["public"]]

    # --- Webhooks

    @property
    def door(self) -> str:
        return f"/webhooks/gorgias/{self.account.door_key}"

    def heard(self, count: int) -> list[Heard]:
        """Webhooks that Gorgias sent since the last look."""
        news = self.mailbox.wait(self.told + count)[self.told :]
        self.told += len(news)
        return news

    def post(self, body: bytes, key: str | None = None) -> TestResponse:
        secret = key or self.world.ports.keys.decrypt(self.account.webhook_secret or "")
        return self.world.client.post(self.door, data=body, headers={KEY: secret})

    def pass_on(self, count: int) -> list[int]:
        """Through our own door, as they came."""
        return [
            self.world.client.post(self.door, data=one.body, headers=one.headers).status_code
            for one in self.heard(count)
        ]


@contextmanager
def gorgias_shop(
    world: World, *, connected: bool = True, shop: ShopAtHand | None = None
) -> Iterator[GorgiasAtHand]:
    world.clock.move(datetime.now(UTC))
    shop = shop or world.shop()
    mailbox = Mailbox(urlsplit(PUBLIC_URL).hostname or "")
    with running(mailbox=mailbox) as emulated:
        emulated.plan(metered=False)
        client = GorgiasClient(
            base_url=emulated.url.replace(SUBDOMAIN, "{subdomain}"), clock=world.clock
        )
        settings, ports = emulated.settings, world.ports
        ports.helpdesks["gorgias"] = GorgiasHelpdesk(client, world.clock)  # type: ignore[index]
        ports.helpdesk_authorisations["gorgias"] = GorgiasAuthorisation(  # type: ignore[index]
            client,
            client_id=settings.gorgias_client_id,
            client_secret=settings.gorgias_client_secret,
            redirect_uri=f"{PUBLIC_URL}/connect/gorgias/callback",
            clock=world.clock,
        )
        desk = GorgiasAtHand(world, shop, emulated, mailbox)
        if connected:
            done = desk.connect()
            assert done.status_code == 200, done.text
            assert parse_qs(urlsplit(done.request.url).query)["account"] == [SUBDOMAIN]
        yield desk
