"""An agent's comment as a text for a phone. Pure.

Called by `receive_reply`. The adapter has flattened rich text already; here goes what nobody wants
as a text: quoted mail below the answer and signatures. A placeholder that the helpdesk did not
fill in must never reach a buyer.
"""

from __future__ import annotations

import re

from app.foundation.errors import Refused

_QUOTE_BEGINS = re.compile(
    r"(-- ?|On .{5,200}wrote:|-{3,} ?(Original|Forwarded) [Mm]essage ?-{3,}|##- .* -##)"
)
PLACEHOLDER = re.compile(r"\{\{.*?\}\}|\{%.*?%\}", re.DOTALL)

# Zendesk's own words when tickets are merged; by default they are public comments of the agent.
_MERGE_NOTICE = re.compile(
    r"(This request was closed and merged into request #\d+"
    r"|Request #\d+.{0,300}? was closed and merged into this request\.)",
    re.DOTALL,
)


class Unsendable(Refused):
    """Nothing that can be texted. Reasons: empty, placeholder."""


def as_text(comment: str, *, has_photos: bool = False) -> str:
    """What the buyer shall read; may be empty beside photos. Raises Unsendable."""
    if placeholder := PLACEHOLDER.search(comment):
        raise Unsendable(
            "placeholder",
            f"this reply was not sent: it holds the placeholder {placeholder[0][:60]},"
            " which was not filled in. Write it out and send the reply again.",
        )
    lines: list[str] = []
    for line in comment.replace("\r\n", "\n").replace("\u00a0", " ").split("\n"):
        if _QUOTE_BEGINS.fullmatch(line):
            break
        lines.append(line.rstrip())
    while lines and (not lines[-1] or lines[-1].startswith(">")):
        lines.pop()
    text = re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()
    if not text and not has_photos:
        raise Unsendable("empty", "this reply was not sent: it holds no words and no photo.")
    return text


def is_merge_notice(comment: str) -> bool:
    """Whether the helpdesk wrote this for agents when two tickets became one."""
    return _MERGE_NOTICE.match(comment.strip()) is not None
