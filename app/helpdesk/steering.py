"""How an agent says, inside the ticket, who shall answer: by a tag, or by a command. Pure.

Read by `receive_reply` and `obey_steering`. A command is the first line of a private note, or of a
public reply, and never reaches a buyer. Tags are for macros: each is taken off once it was heard,
so that the same macro works the next time.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from enum import StrEnum

TAGS = {"off": "doorstep-ai-off", "on": "doorstep-ai-on"}  # with both, the human has it
_COMMAND = re.compile(r"\s*#assistant[ \u00a0]+(on|off)[ \u00a0\t]*(?:\r?\n|\Z)", re.IGNORECASE)


class Steer(StrEnum):
    HAND_BACK = "on"
    TAKE_OVER = "off"


def read_command(comment: str) -> tuple[Steer | None, str]:
    """What the first line asks for, and the comment without that line."""
    found = _COMMAND.match(comment)
    if found is None:
        return None, comment
    return Steer(found[1].lower()), comment[found.end() :]


def read_tags(tags: Collection[str]) -> tuple[Steer, str] | None:
    """What the ticket's tags ask for, and the tag that says so."""
    return next(((Steer(name), tag) for name, tag in TAGS.items() if tag in tags), None)
