"""What an agent's page may do, as a signed word of ours that it sends with every call.

Begun by the doors that know who opens the page: the helpdesk's own (in `vendors`) and `pages`. It
says through which helpdesk accounts threads may be seen, who looks, and for how long. A session is
no login of a person: the helpdesk vouches for them, and `seats` asks at every call whether the
account is still connected.

Signed addresses of one thread (`thread_link`) begin a session for that thread alone.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from itsdangerous import BadData, URLSafeSerializer

from app.foundation.errors import Refused

Surface = Literal["zendesk", "page"]

SESSION_LIVES = timedelta(minutes=60)
LINK_LIVES = timedelta(minutes=60)
LONGEST = 2000
UNNAMED_AGENT = "link"  # whoever holds a signed address: their helpdesk did not say who they are


class SessionEnded(Refused):
    """401. Reasons: no_session (never was one of ours), session_ended."""


class BadLink(Refused):
    """The address leads nowhere. Reasons: bad_link, late_link."""


@dataclass(frozen=True)
class DeskSession:
    surface: Surface
    account_ids: tuple[int, ...]  # helpdesk accounts: two shops may share one helpdesk
    subdomain: str  # of all of them; an account that moved elsewhere ends the session
    agent: str  # zendesk:27182818284590
    conversation_id: int | None  # the only thread it may see; None: all with a ticket there
    key: str  # tells sessions apart where calls are counted

    @property
    def actor(self) -> str:
        """How the audit list, and `written_by`, name who did it."""
        return f"agent:{self.agent}"


def begin_session(
    keys: Sequence[str],
    *,
    now: datetime,
    surface: Surface,
    account_ids: Sequence[int],
    subdomain: str,
    agent: str,
    conversation_id: int | None = None,
) -> str:
    """The token of a new session. `keys`: the ring's signing keys, the first of which signs."""
    until = int((now + SESSION_LIVES).timestamp())
    said = [surface, [*account_ids], subdomain, agent, conversation_id, secrets.token_hex(8), until]
    return _dumps(keys, "session", said)


def read_session(keys: Sequence[str], token: str, *, now: datetime) -> DeskSession:
    """Raises SessionEnded."""
    said = _loads(keys, "session", token)
    if said is None:
        raise SessionEnded("no_session", "Open this conversation from its ticket again.")
    surface, account_ids, subdomain, agent, conversation_id, key, until = said
    if now.timestamp() >= until:
        raise SessionEnded(
            "session_ended", "This page was open for an hour. Reload the ticket to go on."
        )
    return DeskSession(surface, tuple(account_ids), subdomain, agent, conversation_id, key)


@dataclass(frozen=True)
class ThreadLink:
    """One thread, through one helpdesk account."""

    account_id: int
    subdomain: str
    conversation_id: int
    agent: str = UNNAMED_AGENT


def thread_link(keys: Sequence[str], *, now: datetime, public_url: str, to: ThreadLink) -> str:
    """An address that shows one thread to whoever holds it, for an hour. Only into a helpdesk."""
    until = int((now + LINK_LIVES).timestamp())
    said = [to.account_id, to.subdomain, to.conversation_id, to.agent, until]
    return f"{public_url}/desk/thread/{_dumps(keys, 'thread', said)}"


def read_link(keys: Sequence[str], token: str, *, now: datetime) -> ThreadLink:
    """Raises BadLink."""
    said = _loads(keys, "thread", token)
    if said is None:
        raise BadLink("bad_link", "This address leads to no conversation.")
    *to, until = said
    if now.timestamp() >= until:
        raise BadLink("late_link", "This address was good for an hour.")
    return ThreadLink(*to)


def _dumps(keys: Sequence[str], what: str, said: list[Any]) -> str:
    return str(_signer(keys, what).dumps(said))


def _loads(keys: Sequence[str], what: str, token: str) -> list[Any] | None:
    """What we signed; None for anything else."""
    if len(token) > LONGEST:
        return None
    try:
        said: list[Any] = _signer(keys, what).loads(token)
    except (BadData, ValueError):
        return None
    return said


def _signer(keys: Sequence[str], what: str) -> URLSafeSerializer:
    return URLSafeSerializer(
        list(reversed(keys)),  # itsdangerous signs with its last
        salt=f"doorstep.desk-{what}",
        signer_kwargs={"key_derivation": "hmac", "digest_method": hashlib.sha256},
    )
