"""All that the emulated Zendesk remembers: accounts, people, tickets, tokens, webhooks.

Made once by `create_blueprint`. One lock guards it: requests hold it while they act and never
while they wait. Records are kept in the shape in which the API shows them, and survive a restart
through the sandbox's snapshots.
"""

from __future__ import annotations

import json
import secrets
import threading
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from sandbox import clock
from sandbox.world import World
from sandbox.zendesk import refusals
from sandbox.zendesk.limits import Meter

Record = dict[str, Any]

BOT_ID = 16180339887498
FIRST_AGENT_ID = 27182818284590
SECOND_AGENT_ID = 27182818284591


@dataclass(frozen=True)
class OAuthClient:
    """The global OAuth client of the marketplace app."""

    identifier: str
    secret: str = field(repr=False)


@dataclass
class Account:
    """One Zendesk account, addressed by its subdomain."""

    id: int
    subdomain: str
    plan: str = "enterprise"
    last_ticket_id: int = 40216
    last_id: int = 9990000000099
    users: dict[str, Record] = field(default_factory=dict)
    identities: list[Record] = field(default_factory=list)
    tickets: dict[str, Record] = field(default_factory=dict)
    comments: dict[str, list[Record]] = field(default_factory=dict)
    uploads: dict[str, Record] = field(default_factory=dict)
    files: dict[str, Record] = field(default_factory=dict)
    webhooks: dict[str, Record] = field(default_factory=dict)
    triggers: dict[str, Record] = field(default_factory=dict)
    ticket_events: bool = True  # whether the plan lets webhooks subscribe to them
    codes: dict[str, Record] = field(default_factory=dict)
    grants: list[Record] = field(default_factory=list)
    answered: dict[str, Record] = field(default_factory=dict)
    jobs: dict[str, Record] = field(default_factory=dict)

    def next_id(self) -> int:
        self.last_id += 1
        return self.last_id

    def user(self, user_id: int) -> Record | None:
        return self.users.get(str(user_id))

    def ticket(self, ticket_id: int) -> Record:
        """The ticket; 404 where there is none."""
        found = self.tickets.get(str(ticket_id))
        if found is None:
            raise refusals.not_found()
        return found


class ZendeskWorld:
    """State of every emulated account, on top of what the emulators share.

    Files of comments lie in the sandbox's state folder, or in memory where there is none.
    """

    def __init__(self, world: World) -> None:
        self.shared = world
        self.client = OAuthClient(
            world.settings.zendesk_client_id, world.settings.zendesk_client_secret
        )
        self.meter = Meter()
        self._lock = threading.RLock()
        self._accounts: dict[str, Account] = {}
        self._files: dict[str, bytes] = {}
        self._folder = world.settings.state_path and world.settings.state_path / "zendesk-files"
        world.keep("zendesk", dump=self._dump, load=self._load, reset=self._reset)

    @contextmanager
    def changing(self) -> Iterator[None]:
        """Hold the lock; nothing slow may happen in here."""
        with self._lock:
            yield

    def account(self, subdomain: str) -> Account:
        """The account; 404 where nobody has opened one."""
        found = self._accounts.get(subdomain)
        if found is None:
            raise refusals.no_such_account()
        return found

    def open_account(self, subdomain: str) -> Account:
        """The account, with its bot and two agents, made at the first visit."""
        with self.changing():
            if subdomain not in self._accounts:
                number = 20_000_000 + zlib.crc32(subdomain.encode()) % 9_000_000
                account = Account(id=number, subdomain=subdomain)
                for user_id, name, role in (
                    (BOT_ID, "Doorstep Assistant", "admin"),
                    (FIRST_AGENT_ID, "Priya Shah", "admin"),
                    (SECOND_AGENT_ID, "Marcus Reed", "agent"),
                ):
                    mailbox = name.split()[0].lower()
                    account.users[str(user_id)] = user_record(
                        user_id, name, role, stamp(), email=f"{mailbox}@{subdomain}.example"
                    )
                self._accounts[subdomain] = account
            return self._accounts[subdomain]

    def base(self, subdomain: str) -> str:
        """Where this account answers, for whoever is told an address."""
        return f"{self.shared.settings.url}/zendesk/{subdomain}"

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
        """The bytes of a file that a comment or an upload knows."""
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
    return clock.now().strftime("%Y-%m-%dT%H:%M:%SZ")


def user_record(user_id: int, name: str, role: str, stamp: str, **more: Any) -> Record:
    """A user as the API shows one."""
    return {
        "id": user_id,
        "name": name,
        "email": None,
        "phone": None,
        "shared_phone_number": False,
        "external_id": None,
        "role": role,
        "verified": False,
        "active": True,
        "suspended": False,
        "locale": "en-US",
        "time_zone": "Eastern Time (US & Canada)",
        "tags": [],
        "user_fields": {},
        "created_at": stamp,
        "updated_at": stamp,
        **more,
    }
