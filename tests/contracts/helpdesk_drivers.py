"""What the helpdesk contract needs besides the port: humans at the helpdesk, and lost answers."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from typing import Protocol

from app.foundation.clock import SystemClock
from app.foundation.errors import Temporary, Unknowable
from app.helpdesk.ports import Helpdesk, HelpdeskAccess, TicketFile, TicketState
from app.vendors.fake.helpdesk import BOT_ID, FakeHelpdesk
from app.vendors.gorgias.client import GorgiasClient
from app.vendors.gorgias.helpdesk import GorgiasHelpdesk
from app.vendors.zendesk.client import MarketplaceApp, ZendeskClient
from app.vendors.zendesk.helpdesk import ZendeskHelpdesk
from sandbox import clock, faults
from tests.vendors import gorgias_sandbox
from tests.vendors.zendesk_sandbox import SUBDOMAIN, EmulatedZendesk, running


class SandboxClock:
    """The emulators' time, which tests may move."""

    def now(self) -> datetime:
        return clock.now()


class Driver(Protocol):
    @property
    def helpdesk(self) -> Helpdesk: ...

    @property
    def access(self) -> HelpdeskAccess: ...

    def agent_replies(
        self, ticket_id: str, text: str, *, public: bool = True, files: tuple[TicketFile, ...] = ()
    ) -> str: ...

    def put_state(self, ticket_id: str, state: TicketState) -> None: ...

    def put_tag(self, ticket_id: str, tag: str) -> None: ...

    def merge(self, ticket_id: str, into: str) -> None: ...

    def delete(self, ticket_id: str) -> None: ...

    def tags_of(self, ticket_id: str) -> tuple[str, ...]: ...

    def lose_answer(self) -> None:
        """The next write is done and its answer lost."""
        ...

    def refuse_once(self) -> None:
        """The next call is refused for now, and may be made again in 7 seconds."""
        ...

    def let_pass(self, seconds: int) -> None: ...


class FakeDriver:
    def __init__(self) -> None:
        self.helpdesk = FakeHelpdesk(SystemClock())
        self.access = HelpdeskAccess(1, SUBDOMAIN, "token", BOT_ID)

    def agent_replies(
        self, ticket_id: str, text: str, *, public: bool = True, files: tuple[TicketFile, ...] = ()
    ) -> str:
        return self.helpdesk.agent_replies(ticket_id, text, public=public, files=files).comment_id

    def put_state(self, ticket_id: str, state: TicketState) -> None:
        self.helpdesk.put_state(ticket_id, state)

    def put_tag(self, ticket_id: str, tag: str) -> None:
        self.helpdesk.put_tag(ticket_id, tag)

    def merge(self, ticket_id: str, into: str) -> None:
        self.helpdesk.merge(ticket_id, into)

    def delete(self, ticket_id: str) -> None:
        self.helpdesk.delete(ticket_id)

    def tags_of(self, ticket_id: str) -> tuple[str, ...]:
        return self.helpdesk.tags_of(ticket_id)

    def lose_answer(self) -> None:
        self.helpdesk.fail_next(Unknowable("fake", "the line broke"))

    def refuse_once(self) -> None:
        self.helpdesk.fail_next(Temporary("fake", "rate limited", retry_after=7))

    def let_pass(self, seconds: int) -> None:
        """The fake counts no limits."""


class ZendeskDriver:
    def __init__(self, emulated: EmulatedZendesk) -> None:
        self._emulated = emulated
        template = emulated.url.replace(SUBDOMAIN, "{subdomain}")
        client = ZendeskClient(
            base_url=template, app=MarketplaceApp("12345", "99999"), clock=SandboxClock()
        )
        self.helpdesk = ZendeskHelpdesk(client)
        token = emulated.grant()["access_token"]
        emulated.plan("unmetered")
        bot = self.helpdesk.who_am_i(HelpdeskAccess(1, SUBDOMAIN, token))
        self.access = HelpdeskAccess(1, SUBDOMAIN, token, bot)

    def agent_replies(
        self, ticket_id: str, text: str, *, public: bool = True, files: tuple[TicketFile, ...] = ()
    ) -> str:
        body = {
            "body": text,
            "public": public,
            "files": [
                {
                    "filename": one.filename,
                    "content_type": one.content_type,
                    "content": base64.b64encode(one.content).decode(),
                }
                for one in files
            ],
        }
        return str(self._emulated.desk(ticket_id, "comments", body)["comment"]["id"])

    def put_state(self, ticket_id: str, state: TicketState) -> None:
        self._emulated.desk(ticket_id, "status", {"status": state.value})

    def put_tag(self, ticket_id: str, tag: str) -> None:
        self._emulated.desk(ticket_id, "tags", {"tag": tag})

    def merge(self, ticket_id: str, into: str) -> None:
        self._emulated.desk(ticket_id, "merge", {"into": int(into)})

    def delete(self, ticket_id: str) -> None:
        assert self._emulated.http.delete(f"/_ui/tickets/{ticket_id}").status_code == 204

    def tags_of(self, ticket_id: str) -> tuple[str, ...]:
        return tuple(self._emulated.http.get(f"/_ui/tickets/{ticket_id}").json()["ticket"]["tags"])

    def lose_answer(self) -> None:
        for operation in ("tickets.create", "tickets.update", "tickets.import"):
            faults.add("zendesk", "timeout_after_acting", operation=operation, seconds=0, count=1)

    def refuse_once(self) -> None:
        faults.add("zendesk", "429", retry_after=7, count=1)

    def let_pass(self, seconds: int) -> None:
        clock.advance(seconds)


class GorgiasDriver:
    def __init__(self, emulated: gorgias_sandbox.EmulatedGorgias) -> None:
        self._emulated = emulated
        template = emulated.url.replace(gorgias_sandbox.SUBDOMAIN, "{subdomain}")
        client = GorgiasClient(base_url=template, clock=SandboxClock())
        self.helpdesk = GorgiasHelpdesk(client, SandboxClock())
        self.access = self._come_in()
        emulated.plan(metered=False)

    def _come_in(self) -> HelpdeskAccess:
        access = HelpdeskAccess(
            1, gorgias_sandbox.SUBDOMAIN, self._emulated.grant()["access_token"]
        )
        return replace(access, bot_user_id=self.helpdesk.who_am_i(access))

    def agent_replies(
        self, ticket_id: str, text: str, *, public: bool = True, files: tuple[TicketFile, ...] = ()
    ) -> str:
        return self._emulated.agent_replies(ticket_id, text, public=public, files=files)

    def put_state(self, ticket_id: str, state: TicketState) -> None:
        """Closed for good is closed for more than a day."""
        done = state in (TicketState.SOLVED, TicketState.CLOSED)
        status = "closed" if done else "open"
        self._emulated.desk(ticket_id, "status", {"status": status})
        if state is TicketState.CLOSED:
            clock.advance(25 * 3600)
            self.access = self._come_in()  # a token lives a day

    def put_tag(self, ticket_id: str, tag: str) -> None:
        self._emulated.desk(ticket_id, "tags", {"tags": [tag]})

    def merge(self, ticket_id: str, into: str) -> None:
        raise NotImplementedError("what the API shows of merged tickets is not documented")

    def delete(self, ticket_id: str) -> None:
        assert self._emulated.http.delete(f"/_ui/tickets/{ticket_id}").status_code == 204

    def tags_of(self, ticket_id: str) -> tuple[str, ...]:
        return tuple(self._emulated.ticket(ticket_id)["tags"])

    def lose_answer(self) -> None:
        for operation in ("tickets.create", "messages.create"):
            faults.add("gorgias", "timeout_after_acting", operation=operation, seconds=0, count=1)

    def refuse_once(self) -> None:
        faults.add("gorgias", "429", retry_after=7, count=1)

    def let_pass(self, seconds: int) -> None:
        clock.advance(seconds)


@contextmanager
def fake() -> Iterator[Driver]:
    yield FakeDriver()


@contextmanager
def zendesk() -> Iterator[Driver]:
    with running() as emulated:
        yield ZendeskDriver(emulated)


@contextmanager
def gorgias() -> Iterator[Driver]:
    with gorgias_sandbox.running() as emulated:
        yield GorgiasDriver(emulated)
