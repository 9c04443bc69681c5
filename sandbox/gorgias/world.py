"""All that the emulated Gorgias remembers: accounts, people, tickets, messages, integrations.

Made once by `create_blueprint`. One lock guards it: requests hold it while they act and never
while they wait. Records are kept in the shape in which the API shows them, and survive a restart
through the sandbox's snapshots.
"""

from __future__ import annotations

import json
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from sandbox import clock
from sandbox.gorgias import refusals
from sandbox.gorgias.limits import Meter
from sandbox.world import World

Record = dict[str, Any]

BOT_ID = 118
FIRST_AGENT_ID = 93
SECOND_AGENT_ID = 94


@dataclass(frozen=True)
class OAuthClient:
    """The OAuth client of the public app."""

    identifier: str
    secret: str = field(repr=False)


@dataclass
class Account:
    """One Gorgias account, addressed by its subdomain."""

    subdomain: str
    metered: bool = True
    widgets_allowed: bool = True  # which scope covers widgets is not documented
    last_customer_id: int = 281946292
    last_ticket_id: int = 81402232
    last_message_id: int = 990100200
    last_id: int = 5520
    users: dict[str, Record] = field(default_factory=dict)
    customers: dict[str, Record] = field(default_factory=dict)
    tickets: dict[str, Record] = field(default_factory=dict)
    messages: dict[str, list[Record]] = field(default_factory=dict)  # by ticket
    tags: dict[str, int] = field(default_factory=dict)
    files: dict[str, Record] = field(default_factory=dict)
    integrations: dict[str, Record] = field(default_factory=dict)
    widgets: dict[str, Record] = field(default_factory=dict)
    codes: dict[str, Record] = field(default_factory=dict)
    grants: list[Record] = field(default_factory=list)
    tried_to_send: list[int] = field(default_factory=list)  # messages that nobody marked as sent

    def next_id(self) -> int:
        self.last_id += 1
        return self.last_id

    def user(self, user_id: Any) -> Record | None:
        return self.users.get(str(user_id))

    def customer(self, customer_id: Any) -> Record | None:
        return self.customers.get(str(customer_id))

    def ticket(self, ticket_id: int) -> Record:
        """The ticket; 404 where there is none. One in the bin is still shown."""
        found = self.tickets.get(str(ticket_id))
        if found is None:
            raise refusals.not_found("ticket")
        return found


class GorgiasWorld:
    """State of every emulated account, on top of what the emulators share.

    Files lie in the sandbox's state folder, or in memory where there is none.
    """

    def __init__(self, world: World) -> None:
        self.shared = world
        self.client = OAuthClient(
            world.settings.gorgias_client_id, world.settings.gorgias_client_secret
        )
        self.meter = Meter()
        self._lock = threading.RLock()
        self._accounts: dict[str, Account] = {}
        self._files: dict[str, bytes] = {}
        self._folder = world.settings.state_path and world.settings.state_path / "gorgias-files"
        world.keep("gorgias", dump=self._dump, load=self._load, reset=self._reset)

    @contextmanager
    def changing(self) -> Iterator[None]:
        """Hold the lock; nothing slow may happen in here."""
        with self._lock:
            yield

    def account(self, subdomain: str) -> Account:
        """The account; 404 where nobody has opened one."""
        found = self._accounts.get(subdomain)
        if found is None:
            raise refusals.not_found("account")
        return found

    def open_account(self, subdomain: str) -> Account:
        """The account, with its bot and two agents, made at the first visit."""
        with self.changing():
            if subdomain not in self._accounts:
                account = Account(subdomain=subdomain)
                for user_id, name, role in (
                    (BOT_ID, "Doorstep Assistant", "admin"),
                    (FIRST_AGENT_ID, "Priya Shah", "admin"),
                    (SECOND_AGENT_ID, "Marcus Reed", "agent"),
                ):
                    account.users[str(user_id)] = _user(user_id, name, role, subdomain)
                self._accounts[subdomain] = account
            return self._accounts[subdomain]

    def base(self, subdomain: str) -> str:
        """Where this account answers, for whoever is told an address."""
        return f"{self.shared.settings.url}/gorgias/{subdomain}"

    def keep_file(self, content: bytes) -> str:
        """Store a file's bytes. Returns the token of its address."""
        token = secrets.token_urlsafe(18)
        if self._folder is None:
            self._files[token] = content
        else:
            self._folder.mkdir(parents=True, exist_ok=True)
            (self._folder / token).write_bytes(content)
        return token

    def read_file(self, token: str) -> bytes:
        if self._folder is None:
            return self._files[token]
        return (self._folder / token).read_bytes()

    def _dump(self) -> str:
        # As text already: the caller would serialise the records when the lock is released.
        with self._lock:
            return json.dumps({name: vars(one) for name, one in self._accounts.items()})

    def _load(self, snapshot: str) -> None:
        accounts = json.loads(snapshot)
        with self._lock:
            self._accounts = {name: Account(**data) for name, data in accounts.items()}

    def _reset(self) -> None:
        with self._lock:
            self._accounts = {}
            self._files = {}
            self.meter = Meter()


def stamp() -> str:
    """This moment as the API writes it."""
    return clock.now().strftime("%Y-%m-%dT%H:%M:%S.%f+00:00")


def _user(user_id: int, name: str, role: str, subdomain: str) -> Record:
    first, _, last = name.partition(" ")
    return {
        "id": user_id,
        "active": True,
        "email": f"{first.lower()}@{subdomain}.example",
        "external_id": None,
        "name": name,
        "firstname": first,
        "lastname": last,
        "language": "en",
        "timezone": "America/New_York",
        "role": {"name": role},
        "meta": {},
        "created_datetime": stamp(),
        "updated_datetime": stamp(),
    }


def person(record: Record | None) -> Record | None:
    """A user or customer as tickets and messages show one."""
    if record is None:
        return None
    names = ("id", "email", "name", "firstname", "lastname", "meta")
    return {name: record[name] for name in names}
