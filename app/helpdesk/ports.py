"""What the helpdesk room needs of a helpdesk, in the domain's words.

One contract suite runs on the fake and on every adapter. Adapters translate and decide nothing.
They raise `Temporary` (rate limited, down), `Permanent` (refused), `TicketClosed`, `TicketGone`,
`Disconnected` (token revoked or refresh token spent: a human must connect again).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

from app.foundation.errors import Permanent
from app.helpdesk.steering import read_tags

# Where a closed ticket could take comments for ever, it is opened again for so long after it was
# closed; then it counts as closed for good, and the next text begins a new one.
REOPENS_FOR = timedelta(hours=24)


class TicketClosed(Permanent):
    """The ticket is closed for good: comments need a follow-up ticket. See `REOPENS_FOR`."""


class TicketGone(Permanent):
    """The ticket was deleted, or merged away without our hearing of it."""


class Disconnected(Permanent):
    """The helpdesk no longer accepts our authorisation; an admin must connect again."""


@dataclass(frozen=True)
class HelpdeskAccess:
    """A shop's helpdesk account; the token is in clear here and nowhere stored so."""

    account_id: int
    subdomain: str
    access_token: str = field(repr=False)
    bot_user_id: str = ""  # the user our authorisation acts as


@dataclass(frozen=True)
class Tokens:
    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    expires_at: datetime
    refresh_expires_at: datetime | None  # None: it does not end
    scope: str = ""


@dataclass(frozen=True)
class Requester:
    """The buyer. `external_id` is stable for one contact, whatever their phone."""

    external_id: str
    name: str = field(repr=False)
    phone: str = field(repr=False)  # E.164
    email: str | None = field(default=None, repr=False)


class Author(StrEnum):
    CONTACT = "contact"
    ASSISTANT = "assistant"
    AGENT = "agent"
    SYSTEM = "system"


@dataclass(frozen=True)
class TicketFile:
    filename: str
    content_type: str
    content: bytes = field(repr=False)


@dataclass(frozen=True)
class Numbers:
    """Between which numbers a text went, for helpdesks that know texts as a channel. E.164."""

    buyer: str = field(repr=False)
    shop: str = field(repr=False)


@dataclass(frozen=True)
class Comment:
    """One comment to write. Several texts of one author may stand in one, a paragraph each."""

    author: Author
    paragraphs: tuple[str, ...] = field(repr=False)
    public: bool = True
    files: tuple[TicketFile, ...] = field(default=(), repr=False)
    numbers: Numbers | None = None
    at: datetime | None = None  # when it was said, if that was before the ticket


@dataclass(frozen=True)
class TicketDraft:
    external_id: str  # ours; a ticket with it is never opened twice
    idempotency_key: str
    subject: str
    requester_id: str
    first_comment: Comment
    tags: tuple[str, ...]
    follow_up_of: str | None = None  # id of the closed ticket that this one continues


@dataclass(frozen=True)
class TicketHistory:
    """A thread that went on before its shop had the helpdesk. Each comment says when (`at`)."""

    external_id: str  # ours; a history with it is never brought twice
    subject: str
    requester_id: str
    comments: tuple[Comment, ...]  # oldest first
    tags: tuple[str, ...]


@dataclass(frozen=True)
class WrittenComment:
    comment_id: str


@dataclass(frozen=True)
class OpenedTicket:
    ticket_id: str
    comment_ids: tuple[str, ...]


class TicketState(StrEnum):
    OPEN = "open"
    PENDING = "pending"
    SOLVED = "solved"
    CLOSED = "closed"


class Priority(StrEnum):
    LOW = "low"
    NORMAL = "normal"
    HIGH = "high"
    URGENT = "urgent"

    @property
    def rank(self) -> int:
        return list(Priority).index(self)


@dataclass(frozen=True)
class Routing:
    """Who at the helpdesk shall see to a ticket, and how soon. What is None stays as it is."""

    group_id: str | None = None
    assignee_id: str | None = None
    priority: Priority | None = None
    tags: tuple[str, ...] = ()  # added to those there


@dataclass(frozen=True)
class FileRef:
    filename: str
    content_type: str
    url: str = field(repr=False)


class Writer(StrEnum):
    """Who put a comment there, as far as the helpdesk tells."""

    PERSON = "person"
    PROGRAM = "program"  # through the API: ourselves, or another app
    RULE = "rule"  # an automatic answer of the helpdesk's


@dataclass(frozen=True)
class ReadComment:
    """A comment as the helpdesk shows it: ours, an agent's, or anybody's."""

    comment_id: str
    public: bool
    by_staff: bool
    author_id: str
    author_name: str = field(repr=False)
    text: str = field(repr=False)  # plain text, rich text already flattened
    created_at: datetime
    files: tuple[FileRef, ...] = ()
    writer: Writer = Writer.PERSON


@dataclass(frozen=True)
class TicketStatus:
    ticket_id: str
    state: TicketState
    external_id: str | None
    merged_into: str | None = None
    tags: tuple[str, ...] = ()
    priority: Priority | None = None


class HookKind(StrEnum):
    COMMENT_ADDED = "comment_added"
    STATE_CHANGED = "state_changed"
    MERGED = "merged"
    TAGS_CHANGED = "tags_changed"
    CHANGED = "changed"  # something about the ticket; what, only looking tells
    OTHER = "other"


@dataclass(frozen=True)
class HelpdeskHook:
    """A webhook of the helpdesk, parsed. Only ids are trusted: the comment is read again."""

    event_id: str  # the deduplication key
    kind: HookKind
    ticket_id: str
    comment_id: str | None = None
    public: bool = False
    by_staff: bool = False
    author_id: str = ""
    state: TicketState | None = None
    merged_into: str | None = None
    tags_added: tuple[str, ...] = ()

    @property
    def asks_something(self) -> bool:
        """Whether there is anything to look at. Not after a buyer's words: each of them that we
        add to a ticket comes back as such an event."""
        if self.kind is HookKind.COMMENT_ADDED:
            return self.by_staff and self.comment_id is not None
        if self.kind is HookKind.TAGS_CHANGED:
            return read_tags(self.tags_added) is not None
        return self.kind is not HookKind.OTHER


@dataclass(frozen=True)
class HookSubscription:
    webhook_id: str
    secret: str = field(repr=False)


class Helpdesk(Protocol):
    def who_am_i(self, access: HelpdeskAccess) -> str:
        """Id of the user our authorisation acts as."""
        ...

    def find_or_make_requester(self, access: HelpdeskAccess, requester: Requester) -> str:
        """Id of the helpdesk's user for this buyer: by external id, phone or e-mail, else made."""
        ...

    def find_ticket(self, access: HelpdeskAccess, external_id: str) -> OpenedTicket | None:
        """The newest ticket with our external id, after an opening whose answer was lost."""
        ...

    def open_ticket(self, access: HelpdeskAccess, draft: TicketDraft) -> OpenedTicket:
        """Open one. Raises Temporary, Permanent, Unknowable, Disconnected."""
        ...

    def import_ticket(self, access: HelpdeskAccess, history: TicketHistory) -> OpenedTicket:
        """Open one that holds all of it, each comment at its own time, and set nothing off with it
        where the helpdesk knows how. Raises Temporary, Permanent, Unknowable, Disconnected."""
        ...

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
        """Add one. `tags` are added to those there. Raises TicketClosed, TicketGone, Unknowable."""
        ...

    def set_state(self, access: HelpdeskAccess, ticket_id: str, state: TicketState) -> None: ...

    def route_ticket(self, access: HelpdeskAccess, ticket_id: str, routing: Routing) -> None:
        """Twice is as good as once. Raises TicketClosed, TicketGone; Permanent if a group or
        person is not there."""
        ...

    def remove_tag(self, access: HelpdeskAccess, ticket_id: str, tag: str) -> None:
        """One that is not there is as good. Raises TicketClosed, TicketGone."""
        ...

    def read_status(self, access: HelpdeskAccess, ticket_id: str) -> TicketStatus:
        """Raises TicketGone."""
        ...

    def read_comments_since(
        self, access: HelpdeskAccess, ticket_id: str, comment_id: str | None
    ) -> Sequence[ReadComment]:
        """Comments after that one, oldest first; all if None. Raises TicketGone."""
        ...

    def fetch_file(self, access: HelpdeskAccess, url: str, *, max_bytes: int) -> bytes: ...

    def subscribe(self, access: HelpdeskAccess, endpoint: str) -> HookSubscription:
        """Have the helpdesk tell `endpoint` of comments, states and merges."""
        ...

    def unsubscribe(self, access: HelpdeskAccess, webhook_id: str) -> None: ...


class HelpdeskAuthorisation(Protocol):
    """OAuth of one kind of helpdesk. One locked refresher per account calls `refresh`."""

    def authorise_url(self, *, subdomain: str, state: str, code_challenge: str) -> str: ...

    def exchange(self, *, subdomain: str, code: str, code_verifier: str) -> Tokens:
        """Raises Disconnected, Temporary."""
        ...

    def refresh(self, *, subdomain: str, refresh_token: str) -> Tokens:
        """The old access token is dead afterwards, and so is the old refresh token unless the
        answer holds it again. Raises Disconnected, Temporary, Unknowable."""
        ...
