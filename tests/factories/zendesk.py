"""A connected Zendesk for one test: the real connect doors, the fake behind the port, and the
webhooks that Zendesk would send, signed, to the real door."""

from __future__ import annotations

import base64
import hashlib
import hmac
import itertools
import json
import secrets
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from werkzeug.test import TestResponse

from app.helpdesk.connect import connect_link
from app.helpdesk.models import HelpdeskAccount, TicketLink
from app.helpdesk.ports import Comment, HelpdeskAccess, ReadComment, WrittenComment
from app.vendors.fake.helpdesk import BOT_ID, FakeHelpdesk
from tests.factories.world import PUBLIC_URL, ShopAtHand, World

SUBDOMAIN = "acme"

_events = itertools.count(1)


class ZendeskAtHand:
    def __init__(self, world: World, shop: ShopAtHand) -> None:
        self.world = world
        self.shop = shop

    # --- Connecting

    def begin(self, subdomain: str = SUBDOMAIN) -> TestResponse:
        return self.visit(
            connect_link(
                self.world.ports, shop_id=self.shop.id, kind="zendesk", subdomain=subdomain
            )
        )

    def visit(self, url: str) -> TestResponse:
        parts = urlsplit(url)
        return self.world.client.get(f"{parts.path}?{parts.query}", base_url=PUBLIC_URL)

    def come_back(self, **query: str) -> TestResponse:
        return self.world.client.get(
            "/connect/zendesk/callback", query_string=query, base_url=PUBLIC_URL
        )

    def connect(self, subdomain: str = SUBDOMAIN) -> TestResponse:
        begun = self.begin(subdomain)
        code, state = self.world.authorisation.approve(begun.headers["Location"])
        return self.come_back(code=code, state=state)

    def text(self, body: str, **how: Any) -> TestResponse:
        """The buyer texts. Its sid is none that the fake provider counts up to."""
        return self.world.text(self.shop, body, sid=f"SM{secrets.token_hex(16)}", **how)

    # --- Looking

    @property
    def account(self) -> HelpdeskAccount:
        account: HelpdeskAccount = self.world.all(HelpdeskAccount)[0]
        return account

    @property
    def access(self) -> HelpdeskAccess:
        return HelpdeskAccess(self.account.id, self.account.subdomain, "", BOT_ID)

    def links(self) -> list[TicketLink]:
        return self.world.all(TicketLink)

    def link(self) -> TicketLink:
        return self.links()[-1]

    @property
    def ticket_id(self) -> str:
        ticket_id = self.link().ticket_id
        assert ticket_id is not None
        return ticket_id

    def comments(self, ticket_id: str | None = None) -> list[ReadComment]:
        ticket = ticket_id or self.ticket_id
        return list(self.world.helpdesk.read_comments_since(self.access, ticket, None))

    def said(self, ticket_id: str | None = None) -> list[str]:
        """Public comments, in order."""
        return [one.text for one in self.comments(ticket_id) if one.public]

    def notes(self) -> list[str]:
        return [one.text for one in self.comments() if not one.public]

    # --- Webhooks

    def tell_comment(self, comment: ReadComment, *, ticket_id: str | None = None) -> TestResponse:
        author = {
            "id": comment.author_id,
            "is_staff": comment.by_staff,
            "name": comment.author_name,
        }
        body = {
            "id": comment.comment_id,
            "body": "not to be believed",
            "is_public": comment.public,
            "author": author,
        }
        return self.tell("comment_added", {"comment": body}, ticket_id=ticket_id)

    def tell_state(self, state: str, *, ticket_id: str | None = None) -> TestResponse:
        return self.tell("status_changed", {"current": state.upper()}, ticket_id=ticket_id)

    def tell(
        self, what: str, event: dict[str, Any], *, ticket_id: str | None = None
    ) -> TestResponse:
        ticket = ticket_id or self.ticket_id
        number = next(_events)
        return self.post(
            {
                "account_id": 1,
                "detail": {"id": ticket},
                "event": event,
                "id": f"event-{number}",
                "subject": f"zen:ticket:{ticket}",
                "time": self.world.clock.now().isoformat(),
                "type": f"zen:event-type:ticket.{what}",
                "zendesk_event_version": "2022-11-06",
            }
        )

    def post(self, event: dict[str, Any], **headers: str) -> TestResponse:
        body = json.dumps(event).encode()
        return self.world.client.post(
            f"/webhooks/zendesk/{self.account.door_key}",
            data=body,
            headers=self.signed(body) | headers,
        )

    def signed(self, body: bytes) -> dict[str, str]:
        secret = self.world.ports.keys.decrypt(self.account.webhook_secret or "")
        moment = self.world.clock.now().strftime("%Y-%m-%dT%H:%M:%SZ")
        digest = hmac.digest(secret.encode(), moment.encode() + body, hashlib.sha256)
        return {
            "X-Zendesk-Webhook-Signature": base64.b64encode(digest).decode(),
            "X-Zendesk-Webhook-Signature-Timestamp": moment,
        }

    # --- Time that tests cannot wait for

    def let_intents_age(self) -> None:
        """As if whoever intended them had been silent for a minute."""
        self.world.execute(
            "UPDATE ticket_writes SET intended_at = intended_at - interval '60 seconds'"
            " WHERE state = 'intent'"
        )
        self.world.execute("UPDATE outbox SET available_at = now()")

    def let_writes_age(self, minutes: int) -> None:
        self.world.execute(
            "UPDATE ticket_writes SET intended_at = intended_at - make_interval(mins => :m)",
            m=minutes,
        )
        self.world.execute("UPDATE outbox SET available_at = now()")


def connected(world: World) -> ZendeskAtHand:
    """A shop with Zendesk connected, nothing else."""
    desk = ZendeskAtHand(world, world.shop())
    assert desk.connect().status_code == 200
    return desk


def talking(world: World) -> ZendeskAtHand:
    """The buyer has answered their check-in, so there is a ticket."""
    desk = connected(world)
    world.checked_in(desk.shop)
    desk.text("The zip broke")
    world.settle()
    return desk


class AroundComment(FakeHelpdesk):
    """The world's helpdesk, but something happens while a comment is being written."""

    def __init__(self, world: World, before: Callable[[], object], after: Callable[[], object]):
        self.__dict__ = world.helpdesk.__dict__
        self.before, self.after = before, after

    def add_comment(
        self,
        access: HelpdeskAccess,
        ticket_id: str,
        comment: Comment,
        *,
        requester_id: str,
        tags: tuple[str, ...] = (),
        reopen: bool = False,
    ) -> WrittenComment:
        self.before()
        written = super().add_comment(
            access, ticket_id, comment, requester_id=requester_id, tags=tags, reopen=reopen
        )
        self.after()
        return written


def around_comments(
    world: World,
    *,
    before: Callable[[], object] = lambda: None,
    after: Callable[[], object] = lambda: None,
) -> None:
    helpdesks = world.ports.helpdesks
    assert isinstance(helpdesks, dict)
    helpdesks["zendesk"] = AroundComment(world, before, after)
