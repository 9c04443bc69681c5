"""The two helpdesks behind one face: what agents do there, and how an account of ours is made.

Everything goes over HTTP to the real emulators. Their webhooks are taken at once and kept, so that
the simulation alone decides which of them reach us, how often, when and in which order.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Protocol

from app.helpdesk.models import HelpdeskAccount
from app.helpdesk.ports import Helpdesk, HelpdeskAccess, HelpdeskAuthorisation
from app.vendors.gorgias.client import GorgiasClient
from app.vendors.gorgias.helpdesk import GorgiasHelpdesk
from app.vendors.gorgias.oauth import GorgiasAuthorisation
from app.vendors.zendesk.client import MarketplaceApp, ZendeskClient
from app.vendors.zendesk.helpdesk import ZendeskHelpdesk
from app.vendors.zendesk.oauth import ZendeskAuthorisation
from sandbox import faults
from tests.contracts.helpdesk_drivers import SandboxClock
from tests.factories.world import ShopAtHand, World
from tests.vendors import gorgias_sandbox, zendesk_sandbox
from tests.vendors.zendesk_sandbox import Heard, Listener, listening

DOOR_KEY = "door-of-tests"
UPDATES_PER_MINUTE = 2000  # the account's; a ticket's own limit of updates is kept to
TOKEN_LIVES = {"zendesk": timedelta(minutes=30), "gorgias": timedelta(hours=24)}


@dataclass(frozen=True)
class File:
    filename: str
    content_type: str
    content: bytes


class Emulated(Protocol):
    @property
    def url(self) -> str: ...

    @property
    def settings(self) -> Any: ...

    @property
    def http(self) -> Any: ...

    def grant(self, user: str = ...) -> dict[str, Any]: ...

    def desk(self, ticket_id: int | str, act: str, body: dict[str, Any]) -> dict[str, Any]: ...


@dataclass
class Side:
    """One helpdesk. Tickets are found by the buyer's phone, as an agent would."""

    kind: str
    emulated: Emulated
    listener: Listener
    first_ticket: int
    merges: bool
    closes: Sequence[str]  # statuses in which a ticket is done
    gone_for_good: str | None  # the one that takes nothing any more
    _known: dict[int, str | None] = field(default_factory=dict)  # phone by ticket
    _taken: int = 0

    def listen(self) -> None:
        """Have webhooks sent at once, whatever other faults were switched off."""
        faults.add(self.kind, "webhook_before_answer")

    def news(self) -> list[Heard]:
        """The webhooks since the last time."""
        heard = self.listener.heard[self._taken :]
        self._taken += len(heard)
        return heard

    def news_waits(self) -> bool:
        return len(self.listener.heard) > self._taken

    def tickets_of(self, phone: str) -> list[dict[str, Any]]:
        """Oldest first, with their comments."""
        self._look()
        mine = sorted(number for number, of in self._known.items() if of == phone)
        return [self.ticket(number) for number in mine]

    def ticket(self, number: int) -> dict[str, Any]:
        answer = self.emulated.http.get(f"/_ui/tickets/{number}")
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()["ticket"]
        return found

    def how_many(self) -> int:
        self._look()
        return len(self._known)

    def _look(self) -> None:
        """Tickets are numbered one after the other; which were there before is remembered."""
        number = self.first_ticket + len(self._known)
        while (answer := self.emulated.http.get(f"/_ui/tickets/{number}")).status_code == 200:
            self._known[number] = answer.json()["ticket"]["requester"]["phone"]
            number += 1

    def write(
        self,
        ticket_id: int,
        body: str,
        *,
        author: str,
        public: bool = True,
        files: Sequence[File] = (),
        **more: Any,
    ) -> int:
        """An agent writes a comment. Returns its id."""
        attached = [
            {
                "filename": one.filename,
                "content_type": one.content_type,
                "content": base64.b64encode(one.content).decode(),
            }
            for one in files
        ]
        wanted = {"body": body, "public": public, "author": author, "files": attached, **more}
        return int(self.emulated.desk(ticket_id, "comments", wanted)["comment"]["id"])

    def put_status(self, ticket_id: int, status: str) -> None:
        self.emulated.desk(ticket_id, "status", {"status": status})

    def open_other(self, requester_id: int, body: str) -> tuple[int, int]:
        """Zendesk only: a ticket that an agent opened for the same buyer, by e-mail say. Returns
        its number and its first comment's id."""
        assert isinstance(self.emulated, zendesk_sandbox.EmulatedZendesk)
        priya = self.emulated.grant("priya")["access_token"]
        ticket = {"requester_id": requester_id, "subject": "Other", "comment": {"body": body}}
        with fair_weather(), self.emulated.api(priya) as api:
            answer = api.post("/tickets", json={"ticket": ticket})
        assert answer.status_code == 201, answer.text
        comments = [one for one in answer.json()["audit"]["events"] if one.get("type") == "Comment"]
        return int(answer.json()["ticket"]["id"]), int(comments[0]["id"])

    def merge(self, ticket_id: int, into: int) -> None:
        self.emulated.desk(ticket_id, "merge", {"into": into})


@contextmanager
def fair_weather() -> Iterator[None]:
    """Agents do what they do in the page, whatever is wrong with the API."""
    on = faults.switched_on()
    faults.clear()
    faults.add("zendesk", "webhook_before_answer")
    try:
        yield
    finally:
        faults.clear()
        for one in on:
            faults.add(
                one.vendor,
                one.kind,
                operation=one.operation,
                seconds=one.seconds,
                count=one.count,
                retry_after=one.retry_after,
            )


@contextmanager
def zendesk() -> Iterator[Side]:
    with ExitStack() as stack:
        emulated = stack.enter_context(zendesk_sandbox.running())
        emulated.plan("unmetered")
        listener = stack.enter_context(listening())
        yield Side("zendesk", emulated, listener, 40217, True, ("solved", "closed"), "closed")


@contextmanager
def gorgias() -> Iterator[Side]:
    with ExitStack() as stack:
        emulated = stack.enter_context(gorgias_sandbox.running())
        emulated.plan(metered=False)
        listener = stack.enter_context(listening())
        yield Side("gorgias", emulated, listener, 81402233, False, ("closed",), None)


def connect(world: World, shop: ShopAtHand, side: Side) -> None:
    """The shop's account there, its tokens real ones that end and are refreshed."""
    helpdesk, authorisation = _adapters(side)
    world.ports.helpdesks[side.kind] = helpdesk  # type: ignore[index]
    world.ports.helpdesk_authorisations[side.kind] = authorisation  # type: ignore[index]
    granted = side.emulated.grant()
    subdomain = side.emulated.url.rpartition("/")[2]
    access = HelpdeskAccess(1, subdomain, granted["access_token"])
    bot = helpdesk.who_am_i(access)
    hook = helpdesk.subscribe(access, side.listener.url)
    keys, now = world.ports.keys, world.clock.now()
    with world.db.shop(shop.id) as session:
        session.add(
            HelpdeskAccount(
                shop_id=shop.id,
                kind=side.kind,
                subdomain=subdomain,
                access_token=keys.encrypt(granted["access_token"]),
                refresh_token=keys.encrypt(granted["refresh_token"]),
                expires_at=now + TOKEN_LIVES[side.kind],
                refresh_expires_at=now + timedelta(days=30) if side.kind == "zendesk" else None,
                bot_user_id=bot,
                door_key=DOOR_KEY,
                webhook_id=hook.webhook_id,
                webhook_secret=keys.encrypt(hook.secret),
                updates_per_minute=UPDATES_PER_MINUTE,
                connected_at=now,
            )
        )


def _adapters(side: Side) -> tuple[Helpdesk, HelpdeskAuthorisation]:
    template = side.emulated.url.replace(zendesk_sandbox.SUBDOMAIN, "{subdomain}")
    settings = side.emulated.settings
    if side.kind == "zendesk":
        line = ZendeskClient(
            base_url=template, app=MarketplaceApp("12345", "99999"), clock=SandboxClock()
        )
        return ZendeskHelpdesk(line), ZendeskAuthorisation(
            line,
            client_id=settings.zendesk_client_id,
            client_secret=settings.zendesk_client_secret,
            redirect_uri="https://doorstep.example/connect/zendesk/callback",
            clock=SandboxClock(),
        )
    other = GorgiasClient(base_url=template, clock=SandboxClock())
    return GorgiasHelpdesk(other, SandboxClock()), GorgiasAuthorisation(
        other,
        client_id=settings.gorgias_client_id,
        client_secret=settings.gorgias_client_secret,
        redirect_uri="https://doorstep.example/connect/gorgias/callback",
        clock=SandboxClock(),
    )
