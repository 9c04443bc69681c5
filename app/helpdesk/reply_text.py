"""An agent's comment as a text for a phone. Pure.

Called by `receive_reply`. The adapter has flattened rich text already; here goes what nobody wants
as a text: quoted mail below the answer and signatures. A placeholder that the helpdesk did not
fill in must never reach a buyer.
"""

from __future__ import annotations

import re

from app.foundation.errors import Refused

# A line, or two where a mail program broke it. Only with a date or an address in it: an agent may
# well write "On Friday the carrier wrote:".
_QUOTE_BEGINS = re.compile(
    r"(-- ?|-{3,} ?(Original|Forwarded) [Mm]essage ?-{3,}|##- .* -##|_{20,}"
    r"|(On|El|Le|Am) (?=[^\n]{0,200}(\d{4}|@)).{5,250}?(wrote|escribió|a écrit|schrieb.{0,80}) ?:)",
    re.DOTALL,
)
_SENT_FROM = re.compile(
    r"(Sent from my|Enviado desde mi|Envoyé de mon|Von meinem) .{3,40}"
    r"|Get Outlook for (iOS|Android).{0,60}"
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
    written = comment.replace("\r\n", "\n").replace("\u00a0", " ").split("\n")
    for line, following in zip(written, [*written[1:], ""], strict=True):
        if _QUOTE_BEGINS.fullmatch(line) or _QUOTE_BEGINS.fullmatch(f"{line}\n{following}"):
            break
        lines.append(line.rstrip())
    while lines and (not lines[-1] or lines[-1].startswith(">") or _SENT_FROM.fullmatch(lines[-1])):
        lines.pop()
    text = re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()
    if not text and not has_photos:
        raise Unsendable("empty", "this reply was not sent: it holds no words and no photo.")
    return text


def is_merge_notice(comment: str) -> bool:
    """Whether the helpdesk wrote this for agents when two tickets became one."""
    return _MERGE_NOTICE.match(comment.strip()) is not None
