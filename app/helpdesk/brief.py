"""What a person must know who takes a thread over: the brief, a private note. Pure.

Called by `raise_ticket`, which gathers the facts. The thread itself stands above the note, so this
is what else they would have to look for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from app.helpdesk.compose import PlannedComment, item, moment
from app.helpdesk.ports import Author
from app.orders.models import Order

LONGEST_QUOTE = 300
WHY = {
    "asked": "Handed to a person: the buyer asks for one.",
    "help": "Handed to a person: the buyer texted HELP.",
}


@dataclass(frozen=True)
class Facts:
    reason: str
    wants: Sequence[str] = field(repr=False)  # the buyer's texts that nobody has answered
    check_in_at: datetime | None
    answers: int  # of the assistant, so far
    photos: int  # of the buyer's
    order: Order | None
    promised_until: datetime | None
    told: str | None  # in these words


def brief_of(facts: Facts, zone: str) -> PlannedComment:
    paragraphs = [WHY[facts.reason], _wants(facts.wants), _tried(facts, zone), _order(facts.order)]
    paragraphs.append(f"Photo: {facts.photos or 'none'}")
    if facts.promised_until is not None:
        until = moment(facts.promised_until, zone)
        paragraphs.append(f"Promised: an answer by {until}. They were told: “{facts.told}”")
    else:
        paragraphs.append("Promised: nothing")
    return PlannedComment(Author.SYSTEM, tuple(paragraphs), public=False)


def _wants(said: Sequence[str]) -> str:
    words = " / ".join(" ".join(text.split()) for text in said if text.strip())
    if len(words) > LONGEST_QUOTE:
        words = f"…{words[-LONGEST_QUOTE:]}"  # the newest says most
    return f"Wants: “{words}”" if words else "Wants: see their photo"


def _tried(facts: Facts, zone: str) -> str:
    tried = []
    if facts.check_in_at is not None:
        tried.append(f"check-in of {moment(facts.check_in_at, zone)}")
    if facts.answers:
        tried.append(
            "1 answer of the assistant" if facts.answers == 1
            else f"{facts.answers} answers of the assistant"
        )  # fmt: skip
    return f"Tried: {', '.join(tried) or 'nothing yet'}"


def _order(order: Order | None) -> str:
    if order is None:
        return "Order: none known"
    items = "; ".join(item(line) for line in order.lines if line.current_quantity > 0)
    return f"Order {order.name or order.shopify_id}{f': {items}' if items else ''}"


def broken_note(*, due_at: datetime, new_due_at: datetime | None, told: bool, zone: str) -> (
    PlannedComment
):  # fmt: skip
    """The time that was promised is over."""
    said = f"Nobody has answered by {moment(due_at, zone)}, as the buyer was promised."
    if new_due_at is not None:
        heard = f"They were sent an apology, and were promised {moment(new_due_at, zone)} instead."
    elif told:
        heard = "They were sent an apology, without a new time."
    else:
        heard = "They were sent no further text about it."
    return PlannedComment(Author.SYSTEM, (said, heard, "Please answer now."), public=False)
