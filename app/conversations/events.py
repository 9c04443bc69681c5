"""Facts about threads."""

from __future__ import annotations

from dataclasses import dataclass

from app.foundation.events import Event


@dataclass(frozen=True)
class ContactWrote(Event):
    """The buyer began a turn: texts that follow within seconds belong to it."""

    conversation_id: int
    contact_id: int
    message_id: int


@dataclass(frozen=True)
class MessageAdded(Event):
    """A text joined a thread, whoever wrote it."""

    conversation_id: int
    message_id: int
    outbound: bool
    author: str


@dataclass(frozen=True)
class CrisisSeen(Event):
    """A buyer wrote of danger to themselves or others."""

    conversation_id: int
    message_id: int
    kind: str  # self_harm | violence | medical


@dataclass(frozen=True)
class TakenOver(Event):
    """A human stepped in; the assistant is silent from here on."""

    conversation_id: int
    by: str  # agent:zendesk:8817 | staff:42 | ticket


@dataclass(frozen=True)
class HandedBack(Event):
    """The assistant may answer again."""

    conversation_id: int
    by: str


@dataclass(frozen=True)
class Resolved(Event):
    """On our side, not by the ticket."""

    conversation_id: int
    by: str


@dataclass(frozen=True)
class Reopened(Event):
    """On our side, not by the ticket and not by a text."""

    conversation_id: int
    by: str


@dataclass(frozen=True)
class HandedOff(Event):
    """A person is needed. What they must know, the brief, is gathered from these rows when it is
    written (`helpdesk.brief`): the buyer's words are not copied."""

    conversation_id: int
    reason: str  # asked | help
    message_id: int  # the text that called for it
    promise_id: int | None  # what the buyer was told


@dataclass(frozen=True)
class PromiseBroken(Event):
    """The time is over and nobody has answered."""

    conversation_id: int
    promise_id: int
