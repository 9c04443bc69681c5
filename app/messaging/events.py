"""Facts about texts."""

from __future__ import annotations

from dataclasses import dataclass, field

from app.foundation.events import Event
from app.understanding.wants_human import Language


@dataclass(frozen=True)
class TextReceived(Event):
    """A buyer's text is stored, its opt-out obeyed. Routed in the same transaction."""

    message_id: int
    contact_id: int
    body: str = field(repr=False)  # as it was stored
    photos: int
    keyword: str | None  # opt_out | opt_in | help, when the whole text means that
    carrier_keyword: bool  # the keyword itself, to which providers answer by default
    network_keyword: bool  # one of the few that toll-free networks answer
    answered_by_provider: bool
    brief: bool  # short enough to be a word that the shop or we asked for
    join_keyword: str | None  # the shop's own word to join by, read with the rest
    unclear: bool = False  # whether they want no more texts, nobody can tell: they are to be asked
    wants_human: Language | None = None  # they ask for a person, in this language
    why: bool = False  # they ask why we text them
    crisis: str | None = None  # self_harm | violence | medical
    secrets: bool = False  # a card number, a password or the like was masked


@dataclass(frozen=True)
class AcceptedText:
    message_id: int
    conversation_id: int | None
    purpose: str


@dataclass(frozen=True)
class TextsAccepted(Event):
    """The provider took texts of ours, of one shop; mostly one, many in a burst of check-ins."""

    texts: tuple[AcceptedText, ...]


@dataclass(frozen=True)
class TextEnded(Event):
    """One of our texts will not arrive, or we cannot know; `state` and `reason` say why."""

    message_id: int
    conversation_id: int | None
    purpose: str
    state: str
    reason: str


@dataclass(frozen=True)
class PhotoStored(Event):
    """A photo of a text has come home; it may have taken its time."""

    message_id: int
    media_id: int


@dataclass(frozen=True)
class TextRetried(Event):
    """A text that did not arrive goes once more, later, as another row."""

    first_id: int
    message_id: int
    purpose: str
