"""All that the emulated Twilio remembers: accounts, services, numbers, messages, opt-outs, media.

In memory behind one lock, so that load tests measure Doorstep and not the emulator. `dump` and
`load` make the JSON snapshot; photos are left out of it and lie beside it as files.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections import defaultdict, deque
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from sandbox import clock
from sandbox.settings import Settings

FINAL = frozenset({"delivered", "undelivered", "failed", "received", "canceled", "read"})


@dataclass
class Account:
    sid: str
    auth_token: str = field(repr=False)


@dataclass
class Number:
    """A sender. `mps` is how many segments a second the carriers take from it."""

    phone: str
    account_sid: str
    service_sid: str = ""
    kind: str = "toll_free"  # toll_free | long_code | short_code
    mps: float = 3.0
    inbound_url: str = ""
    fallback_url: str = ""
    status_url: str = ""
    advanced_opt_out: bool = False
    free_at: float = 0.0  # monotonic second at which its queue is empty


@dataclass
class Media:
    sid: str
    account_sid: str
    message_sid: str
    content_type: str
    size: int
    created: str
    deleted: bool = False


@dataclass
class Message:
    sid: str
    account_sid: str
    to: str
    sender: str
    body: str
    direction: str
    status: str
    created: str
    service_sid: str = ""
    sent: str = ""
    updated: str = ""
    error_code: int | None = None
    num_segments: int = 1
    media: list[str] = field(default_factory=list)
    media_urls: list[str] = field(default_factory=list)
    status_callback: str = ""
    validity_seconds: int = 36000
    send_at: str = ""
    automatic: bool = False  # the carrier's own answer to STOP, START, HELP
    shown: bool = True  # whether messages.list shows it; network answers are not shown
    taken_at: float = field(default_factory=time.time)  # by the real clock, for proofs
    params: dict[str, str] = field(default_factory=dict)

    @property
    def inbound(self) -> bool:
        return self.direction == "inbound"

    @property
    def buyer(self) -> str:
        """The phone at the other end."""
        return self.sender if self.inbound else self.to

    @property
    def line(self) -> str:
        """Our number."""
        return self.to if self.inbound else self.sender


@dataclass
class Attempt:
    """One try of one webhook."""

    at: str
    kind: str  # inbound | fallback | status
    url: str
    message_sid: str
    message_status: str
    token: str  # I-Twilio-Idempotency-Token
    http_status: int | None
    problem: str
    seconds: float


def new_sid(prefix: str) -> str:
    return prefix + secrets.token_hex(16)


def stamp() -> str:
    return clock.now().isoformat()


class Store:
    """Hold `lock` while reading or changing more than one thing."""

    def __init__(self, settings: Settings) -> None:
        self.lock = threading.RLock()
        self._settings = settings
        self.media_folder: Path | None = (
            settings.state_path / "twilio-media" if settings.state_path else None
        )
        self.reset()

    def reset(self) -> None:
        with self.lock:
            self.accounts: dict[str, Account] = {}
            self.services: dict[str, str] = {}  # service sid → account sid
            self.numbers: dict[str, Number] = {}
            self.messages: dict[str, Message] = {}
            self.by_account: dict[str, list[Message]] = defaultdict(list)
            self.by_buyer: dict[str, list[Message]] = defaultdict(list)
            self.media: dict[str, Media] = {}
            self.media_bytes: dict[str, bytes] = {}
            self.opted_out: set[tuple[str, str]] = set()  # (service or number, buyer)
            self.phone_codes: dict[str, int] = {}  # phone → the error that it always meets
            self.attempts: deque[Attempt] = deque(maxlen=20_000)
            self.sent_after, self.delivered_after = 0.15, 0.6
            sid = self._settings.twilio_account_sid
            self.accounts[sid] = Account(sid, self._settings.twilio_auth_token)
            self.services[self._settings.twilio_service_sid] = sid
            self.numbers[self._settings.twilio_phone] = Number(
                self._settings.twilio_phone, sid, self._settings.twilio_service_sid
            )

    def add(self, message: Message) -> None:
        """Remember a message that was just made."""
        message.updated = message.created
        with self.lock:
            self._index(message)

    def _index(self, message: Message) -> None:
        self.messages[message.sid] = message
        self.by_account[message.account_sid].append(message)
        self.by_buyer[message.buyer].append(message)

    def forget(self, message: Message) -> None:
        with self.lock:
            self.messages.pop(message.sid, None)
            self.by_account[message.account_sid].remove(message)
            self.by_buyer[message.buyer].remove(message)

    def senders_of(self, service_sid: str) -> list[Number]:
        return [number for number in self.numbers.values() if number.service_sid == service_sid]

    def opt_out_key(self, number: Number) -> str:
        """Opt-outs hold for the whole service, else for the number alone."""
        return number.service_sid or number.phone

    def is_opted_out(self, number: Number, buyer: str) -> bool:
        return (self.opt_out_key(number), buyer) in self.opted_out

    def put_media(self, account_sid: str, message_sid: str, kind: str, content: bytes) -> Media:
        media = Media(new_sid("ME"), account_sid, message_sid, kind, len(content), stamp())
        with self.lock:
            self.media[media.sid] = media
            if self.media_folder is None:
                self.media_bytes[media.sid] = content
        if self.media_folder is not None:
            self.media_folder.mkdir(parents=True, exist_ok=True)
            (self.media_folder / media.sid).write_bytes(content)
        return media

    def content_of(self, media: Media) -> bytes | None:
        """The photo as the provider keeps it, or None where it was deleted."""
        return None if media.deleted else self.on_the_phone(media)

    def on_the_phone(self, media: Media) -> bytes | None:
        """The photo in the phone's own thread, which no deletion at the provider touches."""
        if self.media_folder is None:
            return self.media_bytes.get(media.sid)
        path = self.media_folder / media.sid
        return path.read_bytes() if path.exists() else None

    def delete_media(self, media: Media) -> None:
        with self.lock:
            media.deleted = True

    def dump(self) -> dict[str, Any]:
        with self.lock:
            return {
                "accounts": [asdict(account) for account in self.accounts.values()],
                "services": dict(self.services),
                "numbers": [{**asdict(number), "free_at": 0.0} for number in self.numbers.values()],
                "messages": [dict(vars(message)) for message in self.messages.values()],
                "media": [asdict(media) for media in self.media.values()],
                "opted_out": sorted(self.opted_out),
                "phone_codes": dict(self.phone_codes),
                "pace": [self.sent_after, self.delivered_after],
            }

    def load(self, data: dict[str, Any]) -> None:
        with self.lock:
            self.reset()
            self.accounts = {row["sid"]: Account(**row) for row in data["accounts"]}
            self.services = dict(data["services"])
            self.numbers = {row["phone"]: Number(**row) for row in data["numbers"]}
            self.media = {row["sid"]: Media(**row) for row in data["media"]}
            self.opted_out = {(key, buyer) for key, buyer in data["opted_out"]}
            self.phone_codes = dict(data["phone_codes"])
            self.sent_after, self.delivered_after = data["pace"]
            for row in data["messages"]:
                self._index(Message(**row))


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)
